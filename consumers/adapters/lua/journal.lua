-- Write-once entries of a run. ARGV holds place, body, place, body ... from `first` on.
-- Fields that begin with '#' are this file's own: '#entries', '#bytes', '#closed' (the epoch that closed it).

-- The stored body that ours must give way to, if any, and what is to be written before it.
local function compare(journal, first)
  local fresh, ours = {}, {}
  for i = first, #ARGV, 2 do
    local place, body = ARGV[i], ARGV[i + 1]
    local stored = ours[place] or redis.call('HGET', journal, place)
    if not stored then
      ours[place] = body
      fresh[#fresh + 1] = i
    elseif stored ~= body then
      return fresh, {'DUP', (i - first) / 2, stored}
    end
  end
  return fresh, nil
end

local function write(journal, first, max_entries, max_bytes)
  local fresh, other = compare(journal, first)
  if #fresh == 0 then return other or {'OK'} end
  local bytes = 0
  for _, i in ipairs(fresh) do bytes = bytes + #ARGV[i] + #ARGV[i + 1] end
  local used = redis.call('HMGET', journal, '#entries', '#bytes')
  local entries = tonumber(used[1] or 0) + #fresh
  bytes = tonumber(used[2] or 0) + bytes
  if entries > tonumber(max_entries) or bytes > tonumber(max_bytes) then return {'FULL', entries, bytes} end
  for _, i in ipairs(fresh) do redis.call('HSET', journal, ARGV[i], ARGV[i + 1]) end
  redis.call('HSET', journal, '#entries', text(entries), '#bytes', text(bytes))
  return other or {'OK'}
end
