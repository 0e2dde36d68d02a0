#!lua flags=allow-oom
-- Forgets the customer's name of a room, the only thing of a customer that is kept: somebody asked for it.
-- Prelude: records
-- ARGV[2]  room     text    id of the room
-- Returns  {'done', 1 | 0} | {'unknown'}  0: no name was kept
-- Replay   0: there is none any more
-- Cost     O(1)
local ROOM = ARGV[2]

local room = room_read(ROOM)
if not room then return { 'unknown' } end
if room.name == '' then return { 'done', 0 } end
room.name = ''
journal('room.erased', ROOM, room, 'by', 'operator')
room_write(ROOM, room)
return { 'done', 1 }
