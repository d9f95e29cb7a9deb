-- Writes entries under the lease and renews it.
-- KEYS: meta, journal. ARGV: run, epoch, revision, lease ms, most entries, most bytes, place, body, ...
-- Answers OK revision [cancellation] | DUP revision index body (already stored, and different) | FULL entries bytes
-- | FENCED | LOST.
local state = standing(KEYS[1], ARGV[1], ARGV[2], ARGV[3])
if state ~= 'HELD' then return {state} end
renew(KEYS[1], ARGV[4])
return write(KEYS[1], KEYS[2], 7, ARGV[5], ARGV[6])
