#!lua flags=no-writes
-- Reads what operators have set.
-- Prelude: records
-- Returns  {'settings', max_customers, url or '', enabled 0 | 1}
-- Replay   changes nothing
-- Cost     O(1)

local set = redis.call('HMGET', META, 'max_customers', 'initial_max_customers', 'webhook_url', 'webhook_enabled')
return { 'settings', tonumber(set[1] or set[2] or 0), set[3] or '', tonumber(set[4] or 0) }
