-- Takes the lease and reads the run.
-- KEYS: meta, context, journal, runs [, guard]. ARGV: run, tenant, session id, lease ms, ttl ms, runs to remember, whether to
-- take over from a worker of the same run (`1`), token.
-- Answers OK epoch revision context {place, body, ...} | BUSY ms left | OTHER (the keys are another session's)
-- | UNCHECKED.
if not checked(KEYS[5], ARGV[8]) then return {'UNCHECKED'} end
local meta, context, journal, runs = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local run, tenant, session, lease_ms, ttl_ms = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local now = now_ms()
local stored = redis.call('HMGET', meta, 'tenant', 'session_id', 'epoch', 'holder', 'lease_until', 'revision')
if stored[1] and (stored[1] ~= tenant or stored[2] ~= session) then return {'OTHER'} end
local left = tonumber(stored[5] or 0) - now
if left > tonumber(lease_ms) then
  -- Nobody is given that much: the clock was set back since, and a dead worker's lease would last for as long.
  left = tonumber(lease_ms)
  redis.call('HSET', meta, 'lease_until', text(now + left))
end
if left > 0 and (stored[4] ~= run or ARGV[7] ~= '1') then return {'BUSY', left} end

-- At least the time of day, in microseconds since no two opens are closer: an epoch is never given twice, not
-- even by a Redis that was wiped or restored.
local epoch = math.max(now_us(), tonumber(stored[3] or 0) + 1)
redis.call('HSET', meta, 'tenant', tenant, 'session_id', session, 'epoch', text(epoch), 'holder', run)
renew(meta, lease_ms)
redis.call('ZADD', runs, text(now), run)
redis.call('ZREMRANGEBYRANK', runs, 0, -1 - tonumber(ARGV[6]))
for _, key in ipairs({meta, context, runs}) do redis.call('PERSIST', key) end
-- A finished run is only read once more: its time to live starts again. An unfinished one never had any.
if redis.call('HEXISTS', journal, '#closed') == 1 then expire(ttl_ms, journal) end
return {'OK', epoch, tonumber(stored[6] or 0), redis.call('GET', context), redis.call('HGETALL', journal)}
