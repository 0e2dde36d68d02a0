#!lua flags=allow-oom
-- What Qiscus said about a room that we think assigned: held by somebody, free (and ours again or not), or resolved.
-- Prelude: records line roster matching qiscus
-- ARGV[2]  intent   text    id of the outbox entry
-- ARGV[3]  room     text    room id
-- ARGV[4]  agent    text    whom the question named
-- ARGV[5]  token    number  fencing token of the question
-- ARGV[6]  answer   text    'held' | 'taken_again' | 'refused' (not with this agent) | 'resolved' | 'none' (no word about the room)
-- ARGV[7]  kind     text    'answered' | 'unknown' | 'denied' | 'slowed': what it tells about Qiscus
-- ARGV[8]  pause    number  ms that Qiscus asked us to wait, 0 when it named none
-- Returns  {'done'} | {'fenced'}
-- Replay   fenced: nothing changes
-- Cost     O(log rooms + log agents)
local INTENT, ROOM, AGENT, TOKEN, ANSWER = ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6]
local KIND, PAUSE = ARGV[7], tonumber(ARGV[8])

local room = room_read(ROOM)
-- What cannot be read raises here, before the intent is gone.
local holder = room and holder_of(room)
acknowledge_intent(INTENT)
breaker_note(KIND, PAUSE)
if not room or room.state ~= 'assigned' or room.token ~= TOKEN then return fenced(ROOM, AGENT, ANSWER) end
if ANSWER == 'none' then
  -- Not answered: the next webhook or sweep may ask again at once, and the webhook that asked stays on record.
  room.asked = 0
elseif ANSWER ~= 'resolved' then
  room.takeovers, room.asked_by = 0, ''
end
if ANSWER == 'refused' and holder.online == 0 then
  -- Nobody serves the customer, and whom we had for it is gone: back to its old place in line.
  journal('room.returned', ROOM, room, 'agent', room.agent, 'state', 'waiting', 'reason', 'agent_gone',
    'ours', 'assigned', 'qiscus', ANSWER, 'position', line_position(ROOM, room))
  free_slot(ROOM, room)
  queue(ROOM, room)
  pair(room.channel)
  return { 'done' }
end
if ANSWER ~= 'resolved' then
  journal('room.answered', ROOM, room, 'agent', room.agent, 'state', 'assigned', 'ours', 'assigned', 'qiscus', ANSWER)
  room_write(ROOM, room)
  return { 'done' }
end
-- The session is over; the webhook that made us ask opens the next one, in the order of its arrival.
journal('room.repaired', ROOM, room, 'state', 'resolved', 'agent', room.agent, 'ours', 'assigned', 'qiscus', 'resolved')
local place, channel, source, name = room.asked_by, room.channel, room.source, room.name
local group = close(ROOM, room)
if place ~= '' then
  local again = room_read(ROOM)
  redis.call('ZREM', ENDED, ROOM)
  again.place, again.channel, again.source, again.name = place, channel, source, name
  journal('room.waiting', ROOM, again, 'state', 'waiting', 'place', place, 'channel', channel,
    'position', line_position(ROOM, again))
  queue(ROOM, again)
end
settle(group, 64)
pair(channel)
return { 'done' }
