-- Notes up to where the steps topic is surely in this store, or (nothing) that it is to be checked from the beginning.
-- KEYS: guard. ARGV: token, checkpoint. Does nothing where the store was checked anew since.
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 0 end
if ARGV[2] == '' then redis.call('HDEL', KEYS[1], 'token', 'servers', 'checkpoint')
else redis.call('HSET', KEYS[1], 'checkpoint', ARGV[2]) end
return 1
