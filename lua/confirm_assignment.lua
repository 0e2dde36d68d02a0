#!lua flags=allow-oom
-- Qiscus has the room with our agent: the reservation becomes an assignment.
-- Prelude: records line roster matching qiscus
-- ARGV[2]  intent   text    id of the outbox entry
-- ARGV[3]  room     text    id of the room
-- ARGV[4]  agent    text    whom the call named
-- ARGV[5]  token    number  fencing token of the reservation
-- ARGV[6]  reason   text    'confirmed' | 'inferred' (an earlier call without an answer must have done it)
-- Returns  {'done'} | {'fenced'}
-- Replay   fenced: nothing changes
-- Cost     O(log agents)
local INTENT, ROOM, AGENT, TOKEN, REASON = ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6]

local room = reservation(ROOM, TOKEN)
acknowledge_intent(INTENT)
breaker_note('answered', 0)
if not room then return fenced(ROOM, AGENT, 'assigned') end
-- Two may hold one intent after its group was lost, and the other one's report had the call made again later.
redis.call('ZREM', LATER, ROOM)
local agent = agent_read(room.agent)
agent.reserved, agent.assigned, agent.last = agent.reserved - 1, agent.assigned + 1, NOW
agent.doubts, agent.doubted = 0, ''
agent_write(room.agent, agent)
room.state, room.since, room.call, room.confirmed = 'assigned', NOW, '', NOW
room.takeovers, room.asked_by = 0, ''
journal('room.assigned', ROOM, room, 'agent', room.agent, 'state', 'assigned', 'token', TOKEN, 'reason', REASON)
room_write(ROOM, room)
return { 'done' }
