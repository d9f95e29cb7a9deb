-- Renews the lease if it is ours. KEYS: meta. ARGV: run, epoch, lease ms.
local state = standing(KEYS[1], ARGV[1], ARGV[2], 0)
if state == 'HELD' then renew(KEYS[1], ARGV[3]) end
return state
