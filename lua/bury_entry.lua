#!lua flags=allow-oom
-- Moves the oldest pending webhook to the dead letters when it made the script raise too often.
-- Prelude: records
-- KEYS[15] inbox    stream  webhooks accepted and not yet applied
-- KEYS[16] dead     hash    inbox id -> packed dead entry
-- ARGV[2]  limit    number  deliveries from which an entry is buried
-- ARGV[3]  reason   text    what the script raised, without data
-- Returns  {'buried', id} | {'kept', deliveries} | {'none'}
-- Replay   looks at the next pending entry
-- Cost     O(1)
local INBOX, DEAD = KEYS[15], KEYS[16]
local LIMIT, REASON = tonumber(ARGV[2]), ARGV[3]

local pending = redis.call('XPENDING', INBOX, 'ledger', '-', '+', 1)[1]
if not pending then return { 'none' } end
local id, deliveries = pending[1], pending[4]
if deliveries < LIMIT then return { 'kept', deliveries } end

local found = redis.call('XRANGE', INBOX, id, id)[1]
if found then
  local fields, request = {}, ''
  for i = 1, #found[2], 2 do
    local name, value = found[2][i], found[2][i + 1]
    if name == 'request' then request = value end
    -- A dead letter may lie for long, and the customer's name is not needed to replay it.
    if name ~= 'name' then fields[#fields + 1], fields[#fields + 2] = name, value end
  end
  redis.call('HSET', DEAD, id, cmsgpack.pack({ at = NOW, reason = REASON, deliveries = deliveries, fields = fields }))
  journal('entry.buried', nil, nil, 'entry', id, 'request', request, 'reason', REASON)
end
redis.call('XACK', INBOX, 'ledger', id)
redis.call('XDEL', INBOX, id)
return { 'buried', id }
