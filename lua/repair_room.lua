#!lua flags=allow-oom
-- Closes a room that we hold and Qiscus shows as resolved: its resolve webhook was lost.
-- Prelude: records line roster matching
-- ARGV[2]  room     text    room id
-- ARGV[3]  token    number  fencing token of the assignment that was compared with Qiscus
-- ARGV[4]  shown    text    'resolved' | 'missing': what Qiscus says of it
-- Returns  {'done'} | {'changed'}  changed: the room went on since then, or a question about it is open
-- Replay   changed
-- Cost     O(log rooms + log agents)
local ROOM, TOKEN, SHOWN = ARGV[2], tonumber(ARGV[3]), ARGV[4]

local room = room_read(ROOM)
if not room or room.state ~= 'assigned' or room.token ~= TOKEN then return { 'changed' } end
if room.asked_by ~= '' then
  -- A webhook has asked for this room and waits for the answer, which also opens the next session: that one decides.
  if question(ROOM, room, '') then
    journal('room.questioned', ROOM, room, 'agent', room.agent, 'token', room.token, 'ours', 'assigned', 'qiscus', SHOWN)
    room_write(ROOM, room)
  end
  return { 'changed' }
end
holder_of(room)
journal('room.repaired', ROOM, room, 'state', 'resolved', 'agent', room.agent, 'ours', 'assigned', 'qiscus', SHOWN)
settle(close(ROOM, room), 64)
return { 'done' }
