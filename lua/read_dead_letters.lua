#!lua flags=no-writes
-- Reads the rooms and the webhooks that need a person, oldest first.
-- Prelude: records
-- KEYS[15] dead     hash    inbox id -> packed dead entry
-- ARGV[2]  limit    number  of each kind at most
-- Returns  {'dead', {kind, id, since, attempts, reason}…}
-- Replay   changes nothing
-- Cost     O(limit)
local DEAD = KEYS[15]
local LIMIT = tonumber(ARGV[2])

local found = { 'dead' }
for _, id in ipairs(redis.call('ZRANGE', PARKED, 0, LIMIT - 1)) do
  local room = room_read(id)
  local reason = ''
  local record = redis.call('XRANGE', JOURNAL, room.last, room.last)[1]
  for i = 1, #(record and record[2] or {}), 2 do
    if record[2][i] == 'reason' then reason = record[2][i + 1] end
  end
  found[#found + 1] = { 'room', id, room.since, room.refusals + room.unknowns + room.takeovers, reason }
end
for i, id in ipairs(redis.call('HKEYS', DEAD)) do
  if i > LIMIT then break end
  local entry = cmsgpack.unpack(redis.call('HGET', DEAD, id))
  found[#found + 1] = { 'entry', id, entry.at, entry.deliveries, entry.reason }
end
return found
