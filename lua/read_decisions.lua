#!lua flags=no-writes
-- Reads the journal records about one room, newest first: each names the one before it.
-- Prelude: records
-- ARGV[2]  room     text    id of the room
-- ARGV[3]  limit    number  1..100
-- Returns  {'records', {id, {field, value, …}}…} | {'unknown'}
-- Replay   changes nothing
-- Cost     O(limit)
local ROOM, LIMIT = ARGV[2], tonumber(ARGV[3])

local room = room_read(ROOM)
if not room then return { 'unknown' } end
local found, id = { 'records' }, room.last
while id and id ~= '' and #found <= LIMIT do
  local record = redis.call('XRANGE', JOURNAL, id, id)[1]
  if not record then break end
  found[#found + 1] = record
  id = nil
  for i = 1, #record[2], 2 do
    if record[2][i] == 'prev' then id = record[2][i + 1] end
  end
end
return found
