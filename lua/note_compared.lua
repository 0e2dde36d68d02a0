#!lua flags=allow-oom
-- Notes how far a dry run has compared, how many rooms each agent holds at Qiscus, or how evenly; or only asks.
-- With the loads, a reading of all agents, it forgets a part of what was counted for agents who have left.
-- Prelude: records
-- KEYS[15] compared hash    what a dry run found out about the allocation beside it
-- ARGV[2]  what     text    'seen': journal id of the last record looked at | 'loads': JSON, rooms by agent
--                           | 'deviations': JSON, their sums
-- ARGV[3]  value    text    '' only to ask
-- Returns  {'at', value}  '' before the first
-- Replay   notes the same again
-- Cost     O(1); with loads about 64 fields are looked at
local COMPARED = KEYS[15]
local WHAT, VALUE = ARGV[2], ARGV[3]

if WHAT == 'loads' then
  local part = redis.call('HSCAN', COMPARED, redis.call('HGET', COMPARED, 'swept') or '0', 'COUNT', 64)
  for i = 1, #part[2], 2 do
    local field = part[2][i]
    local agent = field:match('^ours:(.*)$') or field:match('^theirs:(.*)$')
    if agent and redis.call('HEXISTS', AGENTS, agent) == 0 then redis.call('HDEL', COMPARED, field) end
  end
  redis.call('HSET', COMPARED, 'swept', part[1])
end
if VALUE ~= '' then redis.call('HSET', COMPARED, WHAT, VALUE) end
return { 'at', redis.call('HGET', COMPARED, WHAT) or '' }
