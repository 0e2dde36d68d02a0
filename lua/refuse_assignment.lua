#!lua flags=allow-oom
-- Qiscus definitely said no for this room: the slot is free, and the room is closed, tried again later, or parked.
-- Prelude: records line roster matching qiscus
-- ARGV[2]  intent   text    id of the outbox entry
-- ARGV[3]  room     text    id of the room
-- ARGV[4]  agent    text    whom the call named
-- ARGV[5]  token    number  fencing token of the reservation
-- ARGV[6]  reason   text    what Qiscus said, in our words
-- ARGV[7]  then     text    'close' | 'later' (back to its place at `due`) | 'park'
-- ARGV[8]  due      number  ms since the epoch (then = 'later')
-- ARGV[9]  doubt    number  1: Qiscus has the room, unresolved, so the no may be about the agent
-- Returns  {'done'} | {'fenced'}
-- Replay   fenced: nothing changes
-- Cost     O(log agents + log rooms)
local INTENT, ROOM, AGENT, TOKEN, REASON = ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6]
local NEXT, DUE, DOUBT = ARGV[7], tonumber(ARGV[8]), ARGV[9] == '1'
-- An agent with so many refused rooms in a row is set aside, each further time for twice as long. Otherwise one whom
-- Qiscus refuses would stay the least loaded, get every room, and have all of them parked.
local DOUBTS_TO_SET_ASIDE = 2
local ASIDE_MS = 10000

local room = reservation(ROOM, TOKEN)
-- What cannot be read raises here, before the intent is gone.
if room then holder_of(room) end
acknowledge_intent(INTENT)
breaker_note('answered', 0)
if not room then return fenced(ROOM, AGENT, REASON) end
room.refusals = room.refusals + 1

-- Returns whether rooms that it was about to get may have come back into the line.
local function doubt_agent(id)
  local agent = agent_read(id)
  -- Calls that were under way when it was set aside tell nothing new.
  if not agent or agent.doubted == ROOM or is_aside(agent) then return false end
  agent.doubts, agent.doubted = agent.doubts + 1, ROOM
  local was = agent.online
  if agent.doubts >= DOUBTS_TO_SET_ASIDE then
    agent.aside = NOW + math.min(LONGEST_ASIDE_MS, ASIDE_MS * 2 ^ (agent.doubts - DOUBTS_TO_SET_ASIDE))
    agent.online = 0
  end
  agent_write(id, agent)
  if agent.online == was then return false end
  journal('agent.offline', nil, nil, 'agent', id, 'reason', 'refused')
  return_queued(id, 'agent_offline')
  return true
end

local returned = DOUBT and doubt_agent(room.agent)
if NEXT == 'close' then
  journal('room.closed', ROOM, room, 'agent', room.agent, 'state', 'resolved', 'reason', REASON)
  settle(close(ROOM, room), 64)
elseif NEXT == 'park' then
  journal('room.parked', ROOM, room, 'agent', room.agent, 'state', 'parked', 'refusals', room.refusals, 'reason', REASON)
  park(ROOM, room)
else
  journal('room.refused', ROOM, room, 'agent', room.agent, 'state', 'waiting', 'refusals', room.refusals, 'due', DUE,
    'reason', REASON, 'position', line_position(ROOM, room))
  local group = free_slot(ROOM, room)
  room.state, room.since = 'waiting', NOW
  room_write(ROOM, room)
  redis.call('ZADD', LATER, DUE, ROOM)
  settle(group, 64)
end
-- Agents of any group may serve what came back.
if returned then drain() end
return { 'done' }
