#!lua flags=allow-oom
-- Puts on record who got a room at Qiscus while our dry run decided for itself, and counts it.
-- Prelude: records
-- KEYS[15] compared hash    what a dry run found out about the allocation beside it
-- ARGV[2]  room     text    room id
-- ARGV[3]  last     text    id of the newest journal record about the room that the caller has seen
-- ARGV[4]  place    text    the session: the inbox id that opened it
-- ARGV[5]  ours     text    the agent whom we chose, '' nobody
-- ARGV[6]  theirs   text    the agent who got it there, '' unknown
-- ARGV[7]  source   text    'reading' | 'resolver' | 'candidate' | 'none': how that is known
-- Returns  {'done'} | {'changed'}  changed: there is a newer record, look again
-- Replay   changed: nothing is counted twice
-- Cost     O(1)
local COMPARED = KEYS[15]
local ROOM, LAST, PLACE, OURS, THEIRS, SOURCE = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]

local room = room_read(ROOM)
if not room or room.last ~= LAST then return { 'changed' } end
local agrees = ''
if THEIRS ~= '' then agrees = OURS == THEIRS and 1 or 0 end
journal('room.compared', ROOM, room, 'agent', OURS, 'theirs', THEIRS, 'source', SOURCE, 'agrees', agrees, 'place', PLACE)
room_write(ROOM, room)
redis.call('HINCRBY', COMPARED, 'by:' .. SOURCE, 1)
if agrees == 1 then redis.call('HINCRBY', COMPARED, 'agreed', 1) end
-- Two counts at most for each agent whom we know; those of one who leaves go (note_compared).
local function count(whose, agent)
  if redis.call('HEXISTS', AGENTS, agent) == 1 then redis.call('HINCRBY', COMPARED, whose .. agent, 1) end
end
count('ours:', OURS)
count('theirs:', THEIRS)
return { 'done' }
