#!lua flags=no-writes
-- Reads a part of all assigned rooms, for the comparison with Qiscus.
-- Prelude: records
-- ARGV[2]  after    text    last member of the part before, '' to begin
-- ARGV[3]  limit    number  1..500
-- Returns  {'held', next after or '', {room, token, confirmed}…}
-- Replay   changes nothing
-- Cost     O(limit)
local AFTER, LIMIT = ARGV[2], tonumber(ARGV[3])

local members = redis.call('ZRANGEBYLEX', HELD, AFTER == '' and '-' or '(' .. AFTER, '+', 'LIMIT', 0, LIMIT)
local found = { 'held', #members == LIMIT and members[#members] or '' }
for _, member in ipairs(members) do
  local id = member:match('^[^%z]*%z(.*)$')
  local room = room_read(id)
  if room.state == 'assigned' then found[#found + 1] = { id, room.token, room.confirmed } end
end
return found
