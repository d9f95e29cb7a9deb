-- Gives the lease back if it is ours. KEYS: meta, context, runs. ARGV: run, epoch, ttl ms.
-- The journal of an unfinished run stays until the run is finished, however long that takes.
local state = standing(KEYS[1], ARGV[1], ARGV[2], 0)
if state == 'HELD' then
  give_back(KEYS[1])
  expire(ARGV[3], KEYS[1], KEYS[2], KEYS[3])
end
return state
