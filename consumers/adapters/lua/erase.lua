-- Erases what a session holds. What stays: its epoch, and of each run that it was there.
-- KEYS: meta, context, runs, journal, ... ARGV: ttl ms, place and body of what stays of a run, run, ...
-- Answers OK | BUSY ms left | OPEN run (not finished) | OTHER (there are more runs than were named).
local meta, context, runs = KEYS[1], KEYS[2], KEYS[3]
local left = tonumber(redis.call('HGET', meta, 'lease_until') or 0) - now_ms()
if left > 0 then return {'BUSY', left} end
if redis.call('ZCARD', runs) ~= #KEYS - 3 then return {'OTHER'} end
for i = 4, #KEYS do
  if redis.call('EXISTS', KEYS[i]) == 1 and redis.call('HEXISTS', KEYS[i], '#closed') == 0 then
    return {'OPEN', ARGV[i]}
  end
end
for i = 4, #KEYS do
  if redis.call('DEL', KEYS[i]) == 1 then
    redis.call('HSET', KEYS[i], ARGV[2], ARGV[3], '#closed', '0', '#entries', '1', '#bytes', text(#ARGV[2] + #ARGV[3]))
    expire(ARGV[1], KEYS[i])
  end
end
redis.call('DEL', context)
-- Whoever let the lease lapse knows the old context: given back, it can write nothing of it any more.
give_back(meta)
redis.call('HDEL', meta, 'tenant', 'session_id')
expire(ARGV[1], meta, runs)
return {'OK'}
