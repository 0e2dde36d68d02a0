#!lua flags=no-writes
-- Reads one room.
-- Prelude: records line
-- ARGV[2]  room     text    id of the room
-- Returns  {'room', state, agent, channel, source, name, place, position or 0, since, attempts,
--           token, ms when its next step is due or 0, its call} | {'unknown'}
-- Replay   changes nothing
-- Cost     O(log rooms)
local ROOM = ARGV[2]

local room = room_read(ROOM)
if not room then return { 'unknown' } end
local position = room.state == 'waiting' and line_position(ROOM, room) or 0
return { 'room', room.state, room.agent, room.channel, room.source, room.name, room.place, position, room.since,
  attempts_of(room), room.token, tonumber(redis.call('ZSCORE', LATER, ROOM) or 0), room.call }
