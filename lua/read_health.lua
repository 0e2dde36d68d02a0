#!lua flags=allow-oom
-- Reads the figures that tell whether all is well. Not marked as reading only: a Redis that takes in no writes fails it.
-- Prelude: records line qiscus
-- KEYS[16] inbox    stream  webhooks accepted and not yet applied
-- Returns  {'health', inbox length, oldest ms or 0, outbox length, oldest ms or 0, roster ms or 0, waiting, oldest ms
--           or 0, parked, breaker state, until ms, failures,
--           'ok' | 'unset' | 'disabled' | 'elsewhere' | '' (resolve webhook, '' not checked)}
-- Replay   changes nothing
-- Cost     O(log rooms)
local INBOX = KEYS[16]

local function oldest(stream)
  local first = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1]
  return first and tonumber(first[1]:match('^(%d+)')) or 0
end
local head = redis.call('ZRANGE', HEADS, 0, 0)[1]
local breaker = breaker_read()
return { 'health', redis.call('XLEN', INBOX), oldest(INBOX), redis.call('XLEN', OUTBOX), oldest(OUTBOX),
  tonumber(redis.call('HGET', META, 'roster_at') or 0), redis.call('ZCARD', LINE),
  head and tonumber(head:sub(1, 13)) or 0, redis.call('ZCARD', PARKED), breaker.state, breaker.until_ms, breaker.failures,
  redis.call('HGET', META, 'webhook_check') or '' }
