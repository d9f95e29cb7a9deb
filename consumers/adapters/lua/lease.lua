-- The lease of a session: who may write, and by which clock. Part of every script.

-- Redis's own clock: the workers' clocks may differ.
local function now_us()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end

local function now_ms()
  return math.floor(now_us() / 1000)
end

-- Lua prints large numbers with an exponent.
local function text(number)
  return string.format('%.0f', number)
end

-- HELD: ours. FENCED: given back or taken by another. LOST: this Redis does not know what we were given, or has
-- forgotten what we wrote. A higher revision under our epoch is our own writing whose answer got lost.
local function standing(meta, run, epoch, revision)
  local stored = redis.call('HMGET', meta, 'epoch', 'holder', 'revision')
  local known = tonumber(stored[1] or 0)
  if known < tonumber(epoch) then return 'LOST' end
  if known > tonumber(epoch) or stored[2] ~= run then return 'FENCED' end
  if tonumber(stored[3] or 0) < tonumber(revision) then return 'LOST' end
  return 'HELD'
end

local function renew(meta, lease_ms)
  local now = now_ms()
  redis.call('HSET', meta, 'lease_until', text(now + tonumber(lease_ms)), 'updated_at', text(now))
end

local function give_back(meta)
  redis.call('HSET', meta, 'holder', '', 'lease_until', '0', 'updated_at', text(now_ms()))
end

local function expire(ttl_ms, ...)
  for _, key in ipairs({...}) do redis.call('PEXPIRE', key, ttl_ms) end
end
