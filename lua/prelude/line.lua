-- Prelude: the line. One line per channel inside one zset, ordered by place; `heads` orders the lines by their first room.

-- A place `<ms>-<seq>` as text whose byte order is the order of arrival: ms padded, seq led by its length.
local function sortable(place)
  local ms, seq = place:match('^(%d+)%-(%d+)$')
  return ('0'):rep(13 - #ms) .. ms .. '-' .. string.char(96 + #seq) .. seq
end

-- The place that a sortable text came from.
local function place_of(text)
  return text:sub(1, 13):gsub('^0+', '') .. '-' .. text:sub(16)
end

local function line_member(id, room) return room.channel .. '\0' .. sortable(room.place) .. '\0' .. id end

local function line_parse(member) return member:match('^([^%z]*)%z([^%z]*)%z(.*)$') end

local function line_first(channel, count)
  return redis.call('ZRANGEBYLEX', LINE, '[' .. channel .. '\0', '(' .. channel .. '\1', 'LIMIT', 0, count)
end

local function head_member(member)
  local channel, place = line_parse(member)
  return place .. '\0' .. channel
end

local function line_add(id, room)
  local member = line_member(id, room)
  redis.call('ZADD', LINE, '0', member)
  if line_first(room.channel, 1)[1] ~= member then return end
  local second = line_first(room.channel, 2)[2]
  if second then redis.call('ZREM', HEADS, head_member(second)) end
  redis.call('ZADD', HEADS, '0', head_member(member))
end

local function line_remove(id, room)
  local member = line_member(id, room)
  local first = line_first(room.channel, 2)
  redis.call('ZREM', LINE, member)
  if first[1] == member then
    redis.call('ZREM', HEADS, head_member(member))
    if first[2] then redis.call('ZADD', HEADS, '0', head_member(first[2])) end
  end
end

-- 1 + rooms of the same channel with an older place.
local function line_position(id, room)
  return 1 + redis.call('ZLEXCOUNT', LINE, '[' .. room.channel .. '\0', '(' .. line_member(id, room))
end
