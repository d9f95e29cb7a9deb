-- Adds what the steps of a run tell to what is here of it, and ends every lease of the session.
-- KEYS: meta, context, journal, runs. ARGV: run, tenant, session id, how (`open`, `ended` or `erased`), ttl ms, context
-- (nothing: leave it), place, body, ... What is stored stays, but nothing of a run that was erased.
local meta, context, journal, runs = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local how, ttl_ms = ARGV[4], ARGV[5]
if how == 'erased' then redis.call('DEL', journal) else
  redis.call('HSET', meta, 'tenant', ARGV[2], 'session_id', ARGV[3])
end
local entries, bytes = 0, 0
for i = 7, #ARGV, 2 do
  if redis.call('HSETNX', journal, ARGV[i], ARGV[i + 1]) == 1 then
    entries, bytes = entries + 1, bytes + #ARGV[i] + #ARGV[i + 1]
  end
end
redis.call('HINCRBY', journal, '#entries', entries)
redis.call('HINCRBY', journal, '#bytes', bytes)
local epoch = text(math.max(now_us(), tonumber(redis.call('HGET', meta, 'epoch') or 0) + 1))
redis.call('HSET', meta, 'epoch', epoch)
redis.call('HINCRBY', meta, 'revision', 1)
give_back(meta)
redis.call('ZADD', runs, 'NX', text(now_ms()), ARGV[1])
if ARGV[6] ~= '' then redis.call('SET', context, ARGV[6]) end
if how ~= 'open' then
  redis.call('HSET', journal, '#closed', epoch)
  expire(ttl_ms, journal)
end
expire(ttl_ms, meta, context, runs)
return epoch
