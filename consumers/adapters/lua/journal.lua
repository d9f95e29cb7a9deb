-- Write-once entries of a run. ARGV holds place, body, place, body ... from `first` on.
-- Fields that begin with '#' are this file's own: '#entries', '#bytes', '#closed' (the epoch that ended it), '#left' (the
-- epoch that last wrote its context and gave the lease back).
-- Answers begin with a word. With OK and DUP, the second is the session's revision: how often it was written.

-- What is to be written, and after it the index and the stored body of the entry that ours must give way to, if any.
local function compare(journal, first)
  local fresh, ours = {}, {}
  for i = first, #ARGV, 2 do
    local place, body = ARGV[i], ARGV[i + 1]
    local stored = ours[place] or redis.call('HGET', journal, place)
    if not stored then
      ours[place] = body
      fresh[#fresh + 1] = i
    elseif stored ~= body then
      return fresh, {(i - first) / 2, stored}
    end
  end
  return fresh, nil
end

-- What has to be said with OK beside our own entries: a cancellation, written by somebody without the lease.
local function written(meta, journal, other)
  local revision = tonumber(redis.call('HGET', meta, 'revision') or 0)
  if other then return {'DUP', revision, other[1], other[2]} end
  return {'OK', revision, redis.call('HGET', journal, 'cancel')}
end

local function write(meta, journal, first, max_entries, max_bytes)
  local fresh, other = compare(journal, first)
  if #fresh == 0 then return written(meta, journal, other) end
  local bytes = 0
  for _, i in ipairs(fresh) do bytes = bytes + #ARGV[i] + #ARGV[i + 1] end
  local used = redis.call('HMGET', journal, '#entries', '#bytes')
  local entries = tonumber(used[1] or 0) + #fresh
  bytes = tonumber(used[2] or 0) + bytes
  if entries > tonumber(max_entries) or bytes > tonumber(max_bytes) then return {'FULL', entries, bytes} end
  for _, i in ipairs(fresh) do redis.call('HSET', journal, ARGV[i], ARGV[i + 1]) end
  redis.call('HSET', journal, '#entries', text(entries), '#bytes', text(bytes))
  redis.call('HINCRBY', meta, 'revision', 1)
  return written(meta, journal, other)
end
