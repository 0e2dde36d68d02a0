#!lua flags=no-writes
-- Explains one room: where it stands, whom the matching rule would choose for it now, and how a part of all agents stand.
-- Prelude: records line roster matching qiscus
-- ARGV[2]  room     text    id of the room
-- ARGV[3]  cursor   text    '0' to begin
-- Returns  {'room', state, who holds it, channel, older rooms of the channel, ms when its next step is due or 0, its call,
--           breaker state, 1: older rooms of other channels come first, whom the rule would choose now, next cursor, {id, name,
--           'able'|'full'|'paused'|'offline'|'aside'|'off_channel', order, reserved, assigned, outside, limit, last, seen}…}
--           with cursor '0' the chosen one is the last, and what comes first is known; order: of two who are able, the rule
--           takes the lesser
--           | {'unknown'}
-- Replay   changes nothing
-- Cost     O(groups x log agents + agents in the part), and a look at 64 heads against the chosen one's channels
local ROOM, CURSOR = ARGV[2], ARGV[3]
local AT_ONCE, MOST_HEADS = 100, 64

local room = room_read(ROOM)
if not room then return { 'unknown' } end
local due = tonumber(redis.call('ZSCORE', LATER, ROOM) or 0)
local found = { 'room', room.state, room.agent, room.channel, 0, due, room.call, breaker_read().state, 0, '', '0' }
-- A closed session keeps its mark only: whom its channel would get, nobody knows.
if room.state == 'resolved' then return found end

local serving = {}
for _, group in ipairs(groups_serving(room.channel)) do serving[group] = true end

local function standing(agent)
  if not serving[agent.group] then return 'off_channel' end
  if agent.online == 0 then return is_aside(agent) and 'aside' or 'offline' end
  if agent.paused == 1 then return 'paused' end
  return load_of(agent) < agent_limit(agent) and 'able' or 'full'
end

local function view(id, agent)
  local word = standing(agent)
  -- Its order in `ready`, or what it would be there.
  agent.online, agent.paused = 1, 0
  local order = ready_member(id, agent):match('^[^%z]*%z(.*)$')
  return { id, agent.name, word, order, agent.reserved, agent.assigned, agent.outside, agent_limit(agent), agent.last, agent.seen }
end

-- Is there an older head that the agent may serve, too? It is before this room, whoever gets it. Of the 64 oldest.
local function older_head(agent)
  local own = sortable(room.place)
  local served = ',' .. agent.channels .. ','
  for _, head in ipairs(redis.call('ZRANGE', HEADS, 0, MOST_HEADS - 1)) do
    local place, channel = head:match('^([^%z]*)%z(.*)$')
    if place >= own then return 0 end
    if channel == '' or served == ',*,' or served:find(',' .. channel .. ',', 1, true) then return 1 end
  end
  return 0
end

local part = redis.call('HSCAN', AGENTS, CURSOR, 'COUNT', AT_ONCE)
found[11] = part[1]
for i = 1, #part[2], 2 do found[#found + 1] = view(part[2][i], unpack_agent(part[2][i + 1])) end
-- The choice is told with the last part.
if part[1] ~= '0' then return found end

if room.state == 'waiting' then found[5] = line_position(ROOM, room) - 1 end
local choice = pick(room.channel)
if choice then
  local agent = agent_read(choice.agent)
  found[10] = choice.agent
  if room.state == 'waiting' then found[9] = older_head(agent) end
  found[#found + 1] = view(choice.agent, agent)
end
return found
