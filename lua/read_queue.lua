#!lua flags=no-writes
-- Reads the line over all channels, oldest first: a merge of the channels' lines.
-- Prelude: records line
-- ARGV[2]  after    text    place of the last room of the page before, '' for the first page
-- ARGV[3]  room     text    that room, '' for the first page
-- ARGV[4]  limit    number  1..500
-- Returns  {'queue', total, before, {room, place, channel, since}…}  before: rooms in line ahead of this page
-- Replay   changes nothing
-- Cost     O(channels x log rooms + limit x channels)
local AFTER, ROOM, LIMIT = ARGV[2], ARGV[3], tonumber(ARGV[4])

local after = AFTER == '' and '' or sortable(AFTER) .. '\0' .. ROOM
local total, before = redis.call('ZCARD', LINE), 0
local lines = {}
for _, head in ipairs(redis.call('ZRANGE', HEADS, 0, -1)) do
  local channel = head:match('^[^%z]*%z(.*)$')
  local from = '(' .. channel .. '\0' .. after
  if after ~= '' then before = before + redis.call('ZLEXCOUNT', LINE, '[' .. channel .. '\0', '[' .. channel .. '\0' .. after) end
  local members = redis.call('ZRANGEBYLEX', LINE, from, '(' .. channel .. '\1', 'LIMIT', 0, LIMIT)
  if #members > 0 then lines[#lines + 1] = { members = members, at = 1 } end
end
local found = { 'queue', total, before }
while #found < LIMIT + 3 do
  local next_line, next_key
  for _, line in ipairs(lines) do
    local member = line.members[line.at]
    if member then
      local key = member:match('^[^%z]*%z(.*)$')
      if not next_key or key < next_key then next_line, next_key = line, key end
    end
  end
  if not next_line then break end
  local channel, place, room_id = line_parse(next_line.members[next_line.at])
  next_line.at = next_line.at + 1
  found[#found + 1] = { room_id, (place_of(place)), channel, room_read(room_id).since }
end
return found
