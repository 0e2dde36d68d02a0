#!lua flags=allow-oom
-- Puts a dead entry back into the inbox; it keeps the place of the webhook that it was at first. Or forgets it.
-- Prelude: records
-- KEYS[15] inbox    stream  webhooks accepted and not yet applied
-- KEYS[16] dead     hash    inbox id -> packed dead entry
-- ARGV[2]  id       text    inbox id of the dead entry
-- ARGV[3]  verb     text    'replay' | 'delete'
-- Returns  {'done'} | {'unknown'}
-- Replay   unknown
-- Cost     O(1)
local INBOX, DEAD = KEYS[15], KEYS[16]
local ID, VERB = ARGV[2], ARGV[3]

local raw = redis.call('HGET', DEAD, ID)
if not raw then return { 'unknown' } end
if VERB == 'replay' then
  local fields = cmsgpack.unpack(raw).fields
  local placed = false
  for i = 1, #fields, 2 do placed = placed or fields[i] == 'place' end
  if not placed then fields[#fields + 1], fields[#fields + 2] = 'place', ID end
  ring(INBOX, redis.call('XADD', INBOX, '*', unpack(fields)))
end
redis.call('HDEL', DEAD, ID)
journal(VERB == 'replay' and 'entry.replayed' or 'entry.deleted', nil, nil, 'dead', ID, 'reason', 'operator', 'by', 'operator')
return { 'done' }
