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
local RECORDS_BACK = 4

-- Why the room was parked. A late webhook or an operator may have left a record since then that has no reason.
local function reason_of(room)
  local id = room.last
  for _ = 1, RECORDS_BACK do
    local record = redis.call('XRANGE', JOURNAL, id, id)[1]
    if not record then return '' end
    local fields = fields_of(record)
    if fields.reason then return fields.reason end
    if not fields.prev then return '' end
    id = fields.prev
  end
  return ''
end

local found = {}
for _, id in ipairs(redis.call('ZRANGE', PARKED, 0, LIMIT - 1)) do
  local room = room_read(id)
  found[#found + 1] = { 'room', id, room.since, attempts_of(room), reason_of(room) }
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
