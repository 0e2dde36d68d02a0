#!lua flags=allow-oom
-- Closes a room's session in our books and frees what it held: an operator's hand, or Qiscus shows it resolved.
-- Prelude: records line roster matching
-- ARGV[2]  room     text    id of the room
-- ARGV[3]  reason   text    'operator' | 'deleted' (a dead letter given up: a parked room only)
-- Returns  {'done', state} | {'unknown'} | {'wrong_state', state, agent}
-- Replay   wrong_state: it is resolved already
-- Cost     O(log rooms + log agents)
local ROOM, REASON = ARGV[2], ARGV[3]

local room = room_read(ROOM)
if not room then return { 'unknown' } end
if room.state == 'resolved' or (REASON == 'deleted' and room.state ~= 'parked') then
  return { 'wrong_state', room.state, room.agent }
end
holder_of(room)
journal('room.released', ROOM, room, 'state', 'released', 'was', room.state, 'agent', room.agent, 'call', room.call, 'reason', REASON, 'by', 'operator')
local group = close(ROOM, room)
if group then settle(group, 64) end
return { 'done', 'resolved' }
