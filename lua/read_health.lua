#!lua flags=allow-oom
-- Reads the figures that tell whether all is well. Not marked as reading only: a Redis that takes in no writes fails it.
-- Prelude: records line qiscus
-- KEYS[16] inbox    stream  webhooks accepted and not yet applied
-- Returns  {'health', inbox length, oldest ms or 0, outbox length, oldest ms or 0, roster ms or 0, waiting, oldest ms
--           or 0, parked, breaker state, until ms, failures,
--           'ok' | 'unset' | 'disabled' | 'elsewhere' | '' (resolve webhook, '' not checked), agents online, paused,
--           offline, oldest room in line or '', first parked room or '', parked at ms or 0, the leader's notes,
--           {code, since} of each alert…}
-- Replay   changes nothing
-- Cost     O(log rooms + alerts)
local INBOX = KEYS[16]

local function oldest(stream)
  local first = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1]
  return first and tonumber(first[1]:match('^(%d+)')) or 0
end
local head = redis.call('ZRANGE', HEADS, 0, 0)[1]
local first = head and line_first(head:match('^[^%z]*%z(.*)$'), 1)[1]
local _, _, oldest_room = line_parse(first or '\0\0')
local parked = redis.call('ZRANGE', PARKED, 0, 0, 'WITHSCORES')
local breaker = breaker_read()
local f = redis.call('HMGET', META, 'roster_at', 'webhook_check', 'agents_ready', 'agents_paused', 'agents_offline', 'watch',
  'alerts')
local health = { 'health', redis.call('XLEN', INBOX), oldest(INBOX), redis.call('XLEN', OUTBOX), oldest(OUTBOX),
  tonumber(f[1] or 0), redis.call('ZCARD', LINE), head and tonumber(head:sub(1, 13)) or 0, redis.call('ZCARD', PARKED),
  breaker.state, breaker.until_ms, breaker.failures, f[2] or '', tonumber(f[3] or 0), tonumber(f[4] or 0),
  tonumber(f[5] or 0), oldest_room, parked[1] or '', tonumber(parked[2] or 0), f[6] or '' }
for _, alert in ipairs(f[7] and cmsgpack.unpack(f[7]) or {}) do
  health[#health + 1] = { alert[1], alert[2] }
end
return health
