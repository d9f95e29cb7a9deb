-- Writes one entry of an unfinished run without its lease; whoever holds it learns of it with the next answer.
-- KEYS: journal [, guard]. ARGV: place, body, token. The first body stands. Answers MARKED | ENDED | UNKNOWN | UNCHECKED.
if not checked(KEYS[2], ARGV[3]) then return 'UNCHECKED' end
local journal = KEYS[1]
if redis.call('EXISTS', journal) == 0 then return 'UNKNOWN' end
if redis.call('HEXISTS', journal, '#closed') == 1 then return 'ENDED' end
redis.call('HSETNX', journal, ARGV[1], ARGV[2])
return 'MARKED'
