#!lua flags=allow-oom
-- Sets the default limit. In force at once: a raised one drains the line, a lowered one takes nothing away.
-- Prelude: records line roster matching
-- ARGV[2]  field    text    'max_customers' (an operator's) | 'initial_max_customers' (the configuration's)
-- ARGV[3]  value    number  1..1000
-- Returns  {'done'} | {'more'}  more: pairs are left to make, drain_line makes them
-- Replay   sets the same value again
-- Cost     O(groups + pairs), at most 64 pairs
local FIELD, VALUE = ARGV[2], tonumber(ARGV[3])

local before = limit_default()
redis.call('HSET', META, FIELD, VALUE)
default_limit = nil
if limit_default() ~= before then journal('limit.changed', nil, nil, 'from', before, 'to', limit_default(),
  'by', FIELD == 'max_customers' and 'operator' or 'configuration') end
return { drain() == 1 and 'more' or 'done' }
