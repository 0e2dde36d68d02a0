#!lua flags=allow-oom
-- Notes how far a dry run has compared, how many rooms each agent holds at Qiscus, or how evenly; or only asks.
-- Prelude: records
-- KEYS[15] compared hash    what a dry run found out about the allocation beside it
-- ARGV[2]  what     text    'seen': journal id of the last record looked at | 'loads': JSON, rooms by agent
--                           | 'deviations': JSON, their sums
-- ARGV[3]  value    text    '' only to ask
-- Returns  {'at', value}  '' before the first
-- Replay   notes the same again
-- Cost     O(1)
local COMPARED = KEYS[15]
local WHAT, VALUE = ARGV[2], ARGV[3]

if VALUE ~= '' then redis.call('HSET', COMPARED, WHAT, VALUE) end
return { 'at', redis.call('HGET', COMPARED, WHAT) or '' }
