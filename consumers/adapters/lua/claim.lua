-- Begins to check a store, or goes on with it. KEYS: rebuilding. ARGV: owner, for how long (ms).
-- Answers 1, or 0 where somebody else is at it.
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
