-- Writes the last entries and the context, gives the lease back and starts the time to live.
-- KEYS: meta, context, journal, runs. ARGV: run, epoch, ttl ms, most entries, most bytes, context, place, body, ...
-- Answers as append.lua; with anything but OK, the context and the lease stay as they are.
local meta, context, journal, runs = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local first = 7
local state = standing(meta, ARGV[1], ARGV[2])
if state == 'FENCED' and redis.call('HGET', journal, '#closed') == ARGV[2] then
  -- Our first answer got lost: this very lease has closed the run, and others may have gone on since.
  local fresh, other = compare(journal, first)
  if #fresh == 0 and not other then return {'OK'} end
end
if state ~= 'HELD' then return {state} end
local written = write(journal, first, ARGV[4], ARGV[5])
if written[1] ~= 'OK' then return written end
redis.call('SET', context, ARGV[6])
redis.call('HSET', journal, '#closed', ARGV[2])
give_back(meta)
expire(ARGV[3], meta, context, journal, runs)
return written
