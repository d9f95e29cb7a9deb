-- Takes an amount of what a job may use, once for each thing.
-- KEYS: what was taken for which thing, totals. ARGV: field of the total, thing, amount, most or nothing, ttl in ms.
-- Answers 1 if it is taken, now or before; 0 where it would be more than the most.
if redis.call('HEXISTS', KEYS[1], ARGV[2]) == 1 then return 1 end
local total = tonumber(redis.call('HGET', KEYS[2], ARGV[1]) or '0') + tonumber(ARGV[3])
if ARGV[4] ~= '' and total > tonumber(ARGV[4]) then return 0 end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
redis.call('HSET', KEYS[2], ARGV[1], total)
redis.call('PEXPIRE', KEYS[1], ARGV[5])
redis.call('PEXPIRE', KEYS[2], ARGV[5])
return 1
