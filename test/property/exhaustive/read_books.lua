#!lua flags=no-writes
-- Test only: the whole state of one app as JSON, records decoded. For the exhaustive model (books.ts).
-- Prelude: records
-- KEYS[15] qiscus   hash    breaker and bucket
-- KEYS[16] inbox    stream  webhooks accepted and not yet applied
-- Returns  {'books', json}
-- Replay   changes nothing
-- Cost     O(state)
local QISCUS, INBOX = KEYS[15], KEYS[16]

local function decoded(key, decode)
  local found = {}
  local flat = redis.call('HGETALL', key)
  for i = 1, #flat, 2 do found[flat[i]] = decode(flat[i + 1]) end
  return found
end
local function all(key) return redis.call('ZRANGE', key, 0, -1) end
local pending = {}
for i, item in ipairs(redis.call('XPENDING', OUTBOX, 'dispatch', '-', '+', 100)) do pending[i] = item[1] end

return { 'books', cjson.encode({
  rooms = decoded(ROOMS, unpack_room), agents = decoded(AGENTS, unpack_agent),
  line = all(LINE), heads = all(HEADS), held = all(HELD), ready = all(READY), parked = all(PARKED),
  later = redis.call('ZRANGE', LATER, 0, -1, 'WITHSCORES'),
  outbox = redis.call('XRANGE', OUTBOX, '-', '+'), pending = pending,
  inbox = redis.call('XRANGE', INBOX, '-', '+'),
  limit = tonumber(redis.call('HGET', META, 'max_customers') or redis.call('HGET', META, 'initial_max_customers')),
  drain = redis.call('HEXISTS', META, 'drain'),
  breaker = redis.call('HMGET', QISCUS, 'state', 'until', 'trips', 'failures'),
}) }
