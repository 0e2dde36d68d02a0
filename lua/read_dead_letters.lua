#!lua flags=no-writes
-- Reads the rooms and the webhooks that need a person, oldest first.
-- Prelude: records line
-- KEYS[15] dead     hash    inbox id -> packed dead entry
-- ARGV[2]  limit    number  of each kind at most
-- Returns  {'dead', {kind, id, since, attempts, reason}…}
-- Replay   changes nothing
-- Cost     O(dead entries x log + limit)
local DEAD = KEYS[15]
local LIMIT = tonumber(ARGV[2])

local found = {}
for _, id in ipairs(redis.call('ZRANGE', PARKED, 0, LIMIT - 1)) do
  local room = room_read(id)
  local reason = ''
  local record = redis.call('XRANGE', JOURNAL, room.last, room.last)[1]
  for i = 1, #(record and record[2] or {}), 2 do
    if record[2][i] == 'reason' then reason = record[2][i + 1] end
  end
  found[#found + 1] = { 'room', id, room.since, attempts_of(room), reason }
end
local entries = redis.call('HKEYS', DEAD)
table.sort(entries, function(a, b) return sortable(a) < sortable(b) end)
for i = 1, math.min(LIMIT, #entries) do
  local entry = cmsgpack.unpack(redis.call('HGET', DEAD, entries[i]))
  found[#found + 1] = { 'entry', entries[i], entry.at, entry.deliveries, entry.reason }
end
table.sort(found, function(a, b)
  if a[3] ~= b[3] then return a[3] < b[3] end
  return a[1] .. a[2] < b[1] .. b[2]
end)
return { 'dead', unpack(found) }
