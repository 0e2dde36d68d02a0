#!lua flags=allow-oom
-- Writes the next part of a snapshot into the journal, or begins one when none is under way and one is due.
-- Due when there is none, or a quarter of what the journal keeps was written since the last. Between the parts work goes on:
-- who starts at `snapshot.begun` with nothing, overwrites with each part and applies each change is exact at `snapshot.ended`.
-- Prelude: records line roster snapshots
-- ARGV[2]  days     number  ms that journal records are kept
-- ARGV[3]  entries  number  journal records kept
-- Returns  {'idle'} none is due | {'more'} a part was written: call again | {'ended'} that was the last one
-- Replay   writes the next part
-- Cost     O(rooms in the part): about 48 of a hash of any size, all of one that has not yet outgrown its first encoding
local DAYS, ENTRIES = tonumber(ARGV[2]), tonumber(ARGV[3])
local SHARE = 1 / 4
local PART, MOST_IN_RECORD = 48, 64

-- Columns of an item, behind its id; those that hold their blank are empty, and none at the end.
local ROOM_COLUMNS = { 'state', 'since', 'mark', 'base', 'place', 'channel', 'agent', 'token', 'call', 'confirmed', 'due',
  'refusals', 'unknowns', 'takeovers', 'asked', 'asked_by' }
local ROOM_BLANKS = room_new()
local AGENT_COLUMNS = { 'online', 'paused', 'limit', 'outside', 'last', 'channels' }
local AGENT_BLANKS = { online = 0, paused = 0, limit = -1, outside = 0, last = 0, channels = '' }

local function item(id, record, columns, blanks)
  local cells = { id }
  for i, column in ipairs(columns) do
    local value = record[column]
    if value == blanks[column] then value = '' end
    cells[i + 1] = type(value) == 'number' and ('%.0f'):format(value) or value
  end
  return (table.concat(cells, ' '):gsub(' +$', ''))
end

local function room_item(id, raw)
  local room = unpack_room(raw)
  room.due = (room.state == 'waiting' or room.state == 'reserved') and tonumber(redis.call('ZSCORE', LATER, id) or 0) or ''
  if room.due == 0 then room.due = '' end
  return item(id, room, ROOM_COLUMNS, ROOM_BLANKS)
end

local function agent_item(id, raw) return item(id, unpack_agent(raw), AGENT_COLUMNS, AGENT_BLANKS) end

-- Where a part ends is told by the server's own hash table: after a restart or on another server that means nothing.
local function server_run()
  local info = redis.pcall('INFO', 'server')
  return type(info) == 'string' and info:match('run_id:(%x+)') or ''
end

local written = 0
local function record(...)
  written = written + 1
  return journal(...)
end

local function scan(hash, cursor) return redis.call('HSCAN', hash, cursor, 'COUNT', PART) end

-- What cannot be read is passed over and counted: a snapshot that never ends would keep the journal from being cut.
local function write_items(kind, walk, found, item_of)
  local items, unreadable = {}, 0
  for i = 1, #found, 2 do
    local read, text = pcall(item_of, found[i], found[i + 1])
    if read then items[#items + 1] = text else unreadable = unreadable + 1 end
    if #items == MOST_IN_RECORD or i == #found - 1 then
      local part = { 'snapshot', walk.id, kind, table.concat(items, '\n') }
      if unreadable > 0 then part[5], part[6] = 'unreadable', unreadable end
      record('snapshot.' .. kind, nil, nil, unpack(part))
      items, unreadable = {}, 0
    end
  end
end

local raw = redis.call('HGET', META, 'snapshot')
local walk = raw and cmsgpack.unpack(raw) or nil
local list, changes = snapshots_read(), changes_written()
if not walk then
  local newest = list[#list]
  if newest and NOW - newest[2] < DAYS * SHARE and changes - newest[4] < ENTRIES * SHARE then return { 'idle' } end
end

local run = server_run()
local ended = false
if not walk or walk.run ~= run then
  walk = { at = NOW, changes = changes, run = run, of = 'agents', cursor = '0' }
  walk.id = record('snapshot.begun', nil, nil, 'limit', limit_default())
else
  local agents = walk.of == 'agents'
  local part = agents and scan(AGENTS, walk.cursor) or scan(ROOMS, walk.cursor)
  write_items(walk.of, walk, part[2], agents and agent_item or room_item)
  walk.cursor = part[1]
  if walk.cursor == '0' then
    ended = not agents
    walk.of = 'rooms'
  end
end
if ended then
  record('snapshot.ended', nil, nil, 'snapshot', walk.id)
  list[#list + 1] = { walk.id, walk.at, walk.changes, changes }
  snapshots_write(list)
  redis.call('HDEL', META, 'snapshot')
else
  redis.call('HSET', META, 'snapshot', cmsgpack.pack(walk))
end
redis.call('HINCRBY', META, 'journal_parts', written)
return { ended and 'ended' or 'more' }
