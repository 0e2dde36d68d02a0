#!lua flags=allow-oom
-- Asks whether somebody at Qiscus still holds a room that we think assigned; at most once a minute for a room.
-- Prelude: records
-- ARGV[2]  room     text    room id
-- ARGV[3]  token    number  fencing token of the assignment that was compared with Qiscus
-- Returns  {'done'} | {'changed'}  changed: the room went on since then, or was asked about a moment ago
-- Replay   changed
-- Cost     O(1)
local ROOM, TOKEN = ARGV[2], tonumber(ARGV[3])

local room = room_read(ROOM)
if not room or room.token ~= TOKEN or not question(ROOM, room, '') then return { 'changed' } end
journal('room.questioned', ROOM, room, 'agent', room.agent, 'token', room.token, 'ours', 'assigned', 'qiscus', 'unserved')
room_write(ROOM, room)
return { 'done' }
