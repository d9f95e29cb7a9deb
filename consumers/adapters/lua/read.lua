-- Reads a run. KEYS: journal [, guard]. ARGV: token. Answers OK {place, body, ...} | UNCHECKED.
if not checked(KEYS[2], ARGV[1]) then return {'UNCHECKED'} end
return {'OK', redis.call('HGETALL', KEYS[1])}
