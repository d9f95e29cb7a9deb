-- Writes the last entries and the context, gives the lease back and starts the time to live.
-- KEYS: meta, context, journal, runs. ARGV: run, epoch, revision, how (`ends` or `parks`), ttl ms, most entries, most
-- bytes, context, place, body, ... The journal of a run that parks stays until the run ends, however long that takes.
-- Answers as append.lua; with anything but OK, the context and the lease stay as they are.
local meta, context, journal, runs = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local ends = ARGV[4] == 'ends'
local first = 9
local state = standing(meta, ARGV[1], ARGV[2], ARGV[3])
local gone = redis.call('HMGET', journal, '#left', '#closed')
if state == 'FENCED' and gone[1] == ARGV[2] and (gone[2] == ARGV[2]) == ends then
  -- Our first answer got lost: this very lease was given back here, and others may have gone on since.
  local fresh, other = compare(journal, first)
  if #fresh == 0 and not other then return written(meta, journal) end
end
if state ~= 'HELD' then return {state} end
local answer = write(meta, journal, first, ARGV[6], ARGV[7])
if answer[1] ~= 'OK' then return answer end
redis.call('SET', context, ARGV[8])
redis.call('HSET', journal, '#left', ARGV[2])
give_back(meta)
expire(ARGV[5], meta, context, runs)
if ends then
  redis.call('HSET', journal, '#closed', ARGV[2])
  expire(ARGV[5], journal)
end
return answer
