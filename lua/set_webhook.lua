#!lua flags=allow-oom
-- Remembers the resolve webhook that Qiscus says it has.
-- Prelude: records
-- ARGV[2]  url      text    as Qiscus has it
-- ARGV[3]  enabled  number  0 | 1
-- Returns  {'done'}
-- Replay   sets the same again
-- Cost     O(1)
local URL, ENABLED = ARGV[2], ARGV[3]

redis.call('HSET', META, 'webhook_url', URL, 'webhook_enabled', ENABLED)
journal('webhook.registered', nil, nil, 'enabled', ENABLED)
return { 'done' }
