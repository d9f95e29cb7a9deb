-- Adds what the steps of a run tell to what is here of it, and ends every lease of the session.
-- KEYS: meta, context, journal, runs. ARGV: run, tenant, session id, how (`open`, `ended` or `erased`), ttl ms, context
-- (nothing: leave it), epoch of the steps, `more` (runs of the session follow) or `last`, place, body, ...
-- What is stored stays, but nothing of a run that was erased, or that went another way under an epoch not known here.
local meta, context, journal, runs = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local how, ttl_ms = ARGV[4], ARGV[5]
local first = 9
-- Of the session as it was found: giving a run back raises the epoch, and whoever does it may die before the next run.
local before = redis.call('HMGET', meta, 'epoch', 'restored_epoch', 'found_epoch')
local known = before[1] and before[1] == before[2] and before[3] or before[1] or '0'
local function contradicted()
  if tonumber(ARGV[7]) <= tonumber(known) then return false end
  for i = first, #ARGV, 2 do
    local stored = redis.call('HGET', journal, ARGV[i])
    if stored and stored ~= ARGV[i + 1] then return true end
  end
  return false
end
if how == 'erased' or contradicted() then redis.call('DEL', journal) end
if how ~= 'erased' then
  redis.call('HSET', meta, 'tenant', ARGV[2], 'session_id', ARGV[3])
end
local entries, bytes = 0, 0
for i = first, #ARGV, 2 do
  if redis.call('HSETNX', journal, ARGV[i], ARGV[i + 1]) == 1 then
    entries, bytes = entries + 1, bytes + #ARGV[i] + #ARGV[i + 1]
  end
end
redis.call('HINCRBY', journal, '#entries', entries)
redis.call('HINCRBY', journal, '#bytes', bytes)
local epoch = text(math.max(now_us(), tonumber(before[1] or 0) + 1))
if ARGV[8] == 'last' then known = epoch end
redis.call('HSET', meta, 'epoch', epoch, 'restored_epoch', epoch, 'found_epoch', known)
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
