#!lua flags=no-writes
-- Reads the states of some rooms, for the comparison with Qiscus.
-- Prelude: records
-- ARGV[2…] rooms    text    room ids, at most 500
-- Returns  {'states', state or ''…}  in the order asked for; '' for a room that is not known
-- Replay   changes nothing
-- Cost     O(rooms)

local found = { 'states' }
for i = 2, #ARGV do
  local room = room_read(ARGV[i])
  found[i] = room and room.state or ''
end
return found
