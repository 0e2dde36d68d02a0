#!lua flags=allow-oom
-- An operator's hand on one agent: its own limit, a pause.
-- Prelude: records line roster matching
-- ARGV[2]  agent    text    id of the agent
-- ARGV[3]  limit    text    'keep' | '' (the default applies) | 1..1000
-- ARGV[4]  paused   text    'keep' | '0' | '1'
-- Returns  {'done'} | {'more'} | {'unknown'}  more: pairs are left to make, drain_line makes them
-- Replay   sets the same again
-- Cost     O(rooms of the agent + pairs), at most 64 pairs
local AGENT, LIMIT, PAUSED = ARGV[2], ARGV[3], ARGV[4]
local set = tonumber(LIMIT) or 0
if LIMIT ~= 'keep' and LIMIT ~= '' and not (set >= 1 and set <= 1000) then error('a limit is 1 to 1000') end

local agent = agent_read(AGENT)
if not agent then return { 'unknown' } end
local limit, paused = agent.limit, agent.paused
if LIMIT ~= 'keep' then agent.limit = LIMIT == '' and -1 or set end
if PAUSED ~= 'keep' then agent.paused = PAUSED == '1' and 1 or 0 end
group_join(agent, true)
agent_write(AGENT, agent)
if agent.limit ~= limit then journal('agent.limited', nil, nil, 'agent', AGENT, 'from', limit, 'to', agent.limit, 'by', 'operator') end
if agent.paused ~= paused then
  journal(agent.paused == 1 and 'agent.paused' or 'agent.unpaused', nil, nil, 'agent', AGENT, 'by', 'operator')
  if agent.paused == 1 then return_queued(AGENT, 'agent_paused') end
end
return { drain() == 1 and 'more' or 'done' }
