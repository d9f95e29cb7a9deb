-- Whether this store is the one that was checked. A store that was emptied has no guard, and a token is never given twice.
-- No guard is asked for where none is named (in a cluster, whose guard lives in a slot of its own), or by a client that
-- trusts what it finds (an empty token).
local function checked(guard, token)
  return token == '' or not guard or redis.call('HGET', guard, 'token') == token
end
