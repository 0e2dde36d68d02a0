#!lua flags=allow-oom
-- Puts a parked room back in line at its old place; an assigned one too, when its agent was removed at Qiscus.
-- Prelude: records line roster matching
-- ARGV[2]  room     text    id of the room
-- ARGV[3]  token    text    '': parked rooms only; else the fencing token of the assignment whose agent was removed
-- Returns  {'done', state} | {'unknown'} | {'wrong_state', state, agent}
-- Replay   wrong_state: it is in line already
-- Cost     O(log rooms + log agents)
local ROOM, TOKEN = ARGV[2], tonumber(ARGV[3])

local room = room_read(ROOM)
if not room then return { 'unknown' } end
-- By now somebody else may hold it, whom nobody removed.
if room.state ~= 'parked' and not (room.state == 'assigned' and room.token == TOKEN) then
  return { 'wrong_state', room.state, room.agent }
end
journal('room.requeued', ROOM, room, 'was', room.state, 'agent', room.agent, 'state', 'waiting', 'reason', 'operator', 'by', 'operator')
local group
if room.state == 'parked' then redis.call('ZREM', PARKED, ROOM) else group = free_slot(ROOM, room) end
attempts_forget(room)
queue(ROOM, room)
if group then settle(group, 64) end
pair(room.channel)
return { 'done', room_read(ROOM).state }
