-- Tries what the other scripts do to a session, on keys of its own that are gone within a minute, so that a right we
-- lack shows at the start and not in the middle of an event. KEYS: a hash, a string, a sorted set.
-- Answers the errors, each after the command it is about; none if all may be done.
local hash, context, runs = KEYS[1], KEYS[2], KEYS[3]
local refused = {}

local function try(command, ...)
  local answer = redis.pcall(command, ...)
  if type(answer) == 'table' and answer.err then refused[#refused + 1] = command .. ': ' .. answer.err end
end

try('TIME')
try('HSET', hash, 'epoch', '1')
try('PEXPIRE', hash, 60000)
try('HSETNX', hash, 'cancel', '1')
try('HGET', hash, 'epoch')
try('HMGET', hash, 'epoch', 'holder')
try('HGETALL', hash)
try('HEXISTS', hash, '#closed')
try('HINCRBY', hash, 'revision', 1)
try('HDEL', hash, 'cancel')
try('EXISTS', hash)
try('SET', context, '1')
try('GET', context)
try('PERSIST', context)
try('DEL', context)
try('ZADD', runs, 1, 'run')
try('PEXPIRE', runs, 60000)
try('ZCARD', runs)
try('ZRANGE', runs, 0, 0)
try('ZREM', runs, 'nobody')
try('ZREMRANGEBYRANK', runs, 0, -2)
return refused
