-- Writes entries under the lease and renews it.
-- KEYS: meta, journal. ARGV: run, epoch, lease ms, most entries, most bytes, place, body, ...
-- Answers OK | DUP index body (already stored, and different) | FULL entries bytes | FENCED | LOST.
local state = standing(KEYS[1], ARGV[1], ARGV[2])
if state ~= 'HELD' then return {state} end
renew(KEYS[1], ARGV[3])
return write(KEYS[2], 6, ARGV[4], ARGV[5])
