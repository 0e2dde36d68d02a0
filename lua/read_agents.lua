#!lua flags=no-writes
-- Reads one agent, or a part of all agents.
-- Prelude: records roster
-- ARGV[2]  agent    text    '' for all
-- ARGV[3]  cursor   text    '0' to begin
-- Returns  {'agents', next cursor, {id, name, online, paused, reserved, assigned, outside, limit, own limit or -1, channels,
--           counted, last}…}  counted 1: outside is from the last reading; 0: that one told no count;
--           last: ms of its last confirmed assignment, 0: none
-- Replay   changes nothing
-- Cost     O(agents in the part)
local AGENT, CURSOR = ARGV[2], ARGV[3]

local function view(id, agent)
  return { id, agent.name, agent.online, agent.paused, agent.reserved, agent.assigned, agent.outside, agent_limit(agent),
    agent.limit, agent.channels, agent.counted, agent.last }
end
if AGENT ~= '' then
  local agent = agent_read(AGENT)
  return { 'agents', '0', agent and view(AGENT, agent) or nil }
end
local part = redis.call('HSCAN', AGENTS, CURSOR, 'COUNT', 500)
local found = { 'agents', part[1] }
for i = 1, #part[2], 2 do found[#found + 1] = view(part[2][i], unpack_agent(part[2][i + 1])) end
return found
