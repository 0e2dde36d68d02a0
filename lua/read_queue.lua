#!lua flags=no-writes
-- Reads the line over all channels, oldest first: a merge of the channels' lines.
-- Prelude: records line
-- ARGV[2]  after    text    place of the last room of the page before, '' for the first page
-- ARGV[3]  room     text    that room, '' for the first page
-- ARGV[4]  limit    number  1..500
-- Returns  {'queue', total, before, {room, place, channel, since}…}  before: rooms in line ahead of this page
-- Replay   changes nothing
-- Cost     O(limit x log rooms) for the first page; O(channels x log rooms) more for another
local AFTER, ROOM, LIMIT = ARGV[2], ARGV[3], tonumber(ARGV[4])

local after = AFTER == '' and '' or sortable(AFTER) .. '\0' .. ROOM
local SOME = 16

-- Lines under way, by their next room, the first one last. A line comes in when the merge has come to its head.
local open = {}
local function put(line)
  if line.at > #line.members then
    line.members, line.at = redis.call('ZRANGEBYLEX', LINE, line.from, line.past, 'LIMIT', 0, SOME), 1
  end
  local member = line.members[line.at]
  if not member then return end
  line.from, line.at, line.member = '(' .. member, line.at + 1, member
  line.key = member:match('^[^%z]*%z(.*)$')
  local first, last = 1, #open + 1
  while first < last do
    local middle = math.floor((first + last) / 2)
    if open[middle].key > line.key then first = middle + 1 else last = middle end
  end
  table.insert(open, first, line)
end

local heads = redis.call('ZRANGE', HEADS, 0, after == '' and LIMIT - 1 or -1)
local next_head, before, found = 1, 0, {}
while #found < LIMIT do
  while heads[next_head] and (#open == 0 or heads[next_head]:match('^[^%z]*') <= open[#open].key:match('^[^%z]*')) do
    local channel = heads[next_head]:match('^[^%z]*%z(.*)$')
    next_head = next_head + 1
    local first, past = '[' .. channel .. '\0', '(' .. channel .. '\1'
    if after ~= '' then before = before + redis.call('ZLEXCOUNT', LINE, first, first .. after) end
    put({ members = {}, at = 1, from = after == '' and first or '(' .. channel .. '\0' .. after, past = past })
  end
  local line = table.remove(open)
  if not line then break end
  local channel, place, room_id = line_parse(line.member)
  found[#found + 1] = { room_id, (place_of(place)), channel, room_read(room_id).since }
  put(line)
end
return { 'queue', redis.call('ZCARD', LINE), before, unpack(found) }
