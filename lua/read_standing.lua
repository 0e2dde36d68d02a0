#!lua flags=no-writes
-- Reads how one agent stands, and which journal records this follows from: who takes them back knows how it stood before.
-- Prelude: records roster
-- ARGV[2]  agent    text    id of the agent
-- Returns  {'standing', id of the journal's newest record or '', of its oldest ('': none was ever cut off), online, paused, ms until which it is set aside,
--           own limit or -1, default limit, rooms that it holds, outside, ms of its last confirmed assignment, channels}
--           | {'unknown'}
-- Replay   changes nothing
-- Cost     O(1)
local AGENT = ARGV[2]

local agent = agent_read(AGENT)
if not agent then return { 'unknown' } end
local newest = redis.call('XREVRANGE', JOURNAL, '+', '-', 'COUNT', 1)[1]
local is_cut = redis.call('HEXISTS', META, 'journal_gone') == 1
local oldest = is_cut and redis.call('XRANGE', JOURNAL, '-', '+', 'COUNT', 1)[1]
return { 'standing', newest and newest[1] or '', oldest and oldest[1] or '', agent.online, agent.paused, agent.aside,
  agent.limit, limit_default(), agent.reserved + agent.assigned, agent.outside, agent.last, agent.channels }
