#!lua flags=allow-oom
-- Notes whether Qiscus calls us when a room is resolved, for everybody who asks how we do.
-- Prelude: records
-- ARGV[2]  finding  text    'ok' | 'unset' | 'disabled' | 'elsewhere'
-- Returns  {'done'}
-- Replay   notes the same again
-- Cost     O(1)
local FINDING = ARGV[2]

if redis.call('HGET', META, 'webhook_check') ~= FINDING then
  redis.call('HSET', META, 'webhook_check', FINDING)
  journal('webhook.checked', nil, nil, 'finding', FINDING)
end
return { 'done' }
