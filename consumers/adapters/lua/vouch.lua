-- Says that this store is checked. KEYS: guard, rebuilding. ARGV: owner, token, servers, checkpoint, lost before (ms, or
-- nothing: as it was). Answers 1, or 0 where somebody else has begun to check it, or it was emptied meanwhile.
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'token', ARGV[2], 'servers', ARGV[3], 'checkpoint', ARGV[4])
if ARGV[5] ~= '' then redis.call('HSET', KEYS[1], 'lost_before', ARGV[5]) end
redis.call('DEL', KEYS[2])
return 1
