-- Looks at many runs. KEYS: journals ..., guard. ARGV: token, fields ... Answers OK {value, ... of each journal} | UNCHECKED;
-- a journal that cannot be read has an error in its place.
if not checked(KEYS[#KEYS], ARGV[1]) then return {'UNCHECKED'} end
local found = {}
for number = 1, #KEYS - 1 do found[number] = redis.pcall('HMGET', KEYS[number], unpack(ARGV, 2)) end
return {'OK', found}
