#!lua flags=allow-oom
-- Puts a parked room back in line at its old place; an assigned one too, when its agent was removed at Qiscus.
-- Whoever else can take that one goes before the agent who was removed.
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
holder_of(room)
journal('room.requeued', ROOM, room, 'was', room.state, 'agent', room.agent, 'state', 'waiting', 'reason', 'operator', 'by', 'operator')
local removed, group = room.agent, nil
if room.state == 'parked' then redis.call('ZREM', PARKED, ROOM) else group = free_slot(ROOM, room) end
attempts_forget(room)

-- Whom to choose when only the one whom it was taken from comes before him; nil: nobody else can take it now. No room is
-- overtaken: where an older one waits that this agent may serve, he has no capacity. Only in a larger drain nobody knows.
local function another(removed)
  if drain_under_way() or line_position(ROOM, room) > 1 then return nil end
  local choice = pick(room.channel)
  return choice and choice.agent == removed and pick(room.channel, removed)
end

local choice = group and another(removed)
if choice then reserve(ROOM, room, choice, 'agent_removed', 'removed', removed) else queue(ROOM, room) end
if group then settle(group, 64) end
if not choice then pair(room.channel) end
return { 'done', room_read(ROOM).state }
