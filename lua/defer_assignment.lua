#!lua flags=allow-oom
-- No word about the room: it keeps its agent and its slot, and the same call is due again later.
-- Prelude: records line roster matching qiscus
-- ARGV[2]  intent   text    id of the outbox entry
-- ARGV[3]  room     text    id of the room
-- ARGV[4]  agent    text    whom the call named
-- ARGV[5]  token    number  fencing token of the reservation
-- ARGV[6]  reason   text    in our words
-- ARGV[7]  kind     text    'unknown' (no answer) | 'denied' | 'slowed' (Qiscus definitely did not look at the room)
-- ARGV[8]  sent     number  1: Qiscus may have done it; 0: it certainly has not
-- ARGV[9]  due      number  ms since the epoch
-- ARGV[10] pause    number  ms that Qiscus asked us to wait, 0 when it named none
-- ARGV[11] limit    number  unanswered calls, while others are answered, after which the room is parked
-- Returns  {'done'} | {'fenced'}
-- Replay   fenced: nothing changes
-- Cost     O(log rooms)
local INTENT, ROOM, AGENT, TOKEN, REASON = ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6]
local KIND, SENT, DUE, PAUSE, LIMIT = ARGV[7], ARGV[8] == '1', tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11])

local room = reservation(ROOM, TOKEN)
-- What cannot be read raises here, before the intent is gone.
local agent = room and holder_of(room)
acknowledge_intent(INTENT)
-- Only a failure among answered calls tells against the room; when all fail, Qiscus is to blame.
local alone = KIND == 'unknown' and breaker_read().failures == 0
breaker_note(KIND, PAUSE)
if not room then return fenced(ROOM, AGENT, REASON) end
if SENT then
  room.call = 'unknown'
elseif room.call == 'sent' then
  room.call = 'queued'
end
if alone then room.unknowns = room.unknowns + 1 end
if room.unknowns >= LIMIT then
  journal('room.parked', ROOM, room, 'agent', room.agent, 'state', 'parked', 'unknowns', room.unknowns, 'reason', REASON)
  park(ROOM, room)
  return { 'done' }
end
journal('call.deferred', ROOM, room, 'agent', room.agent, 'state', 'reserved', 'call', room.call,
  'unknowns', room.unknowns, 'due', DUE, 'reason', REASON)
room_write(ROOM, room)
redis.call('ZADD', LATER, DUE, ROOM)
-- The agent may have gone while the call was under way.
if room.call == 'queued' and not agent.member then
  return_queued(room.agent, 'agent_away')
  drain()
end
return { 'done' }
