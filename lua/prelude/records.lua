-- Prelude of every ledger script: the shared slots, the codecs of rooms and agents, the journal.
-- KEYS[1]  rooms    hash    room -> packed room record
-- KEYS[2]  line     zset    rooms in line: channel NUL place NUL room, all of score 0
-- KEYS[3]  heads    zset    first room of each channel's line: place NUL channel, all of score 0
-- KEYS[4]  agents   hash    agent -> packed agent record
-- KEYS[5]  ready    zset    agents online and unpaused: group NUL load NUL last confirmed NUL agent, all of score 0
-- KEYS[6]  groups   hash    agents of the same channels and the same limit form a group (roster.lua)
-- KEYS[7]  held     zset    who holds what: agent NUL room, all of score 0
-- KEYS[8]  recent   zset    confirmed rooms given back a moment ago: agent NUL when NUL confirmed NUL room
-- KEYS[9]  later    zset    rooms whose next step is due at a time: score ms
-- KEYS[10] parked   zset    rooms that need a person or their next webhook: score ms
-- KEYS[11] ended    zset    resolved rooms, swept when old: score ms
-- KEYS[12] meta     hash    counters, the default limit, the drain mark
-- KEYS[13] outbox   stream  intents for the dispatchers
-- KEYS[14] journal  stream  one record per inbox entry and per change
-- ARGV[1]  now      number  ms since the epoch, from the caller's one clock

local ROOMS, LINE, HEADS, AGENTS, READY, GROUPS, HELD, RECENT, LATER, PARKED, ENDED, META, OUTBOX, JOURNAL =
  KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7],
  KEYS[8], KEYS[9], KEYS[10], KEYS[11], KEYS[12], KEYS[13], KEYS[14]
local NOW = tonumber(ARGV[1])

-- The format of all that stands under an app's keys (src/redis/format.ts: the same number, and how to make a next one).
local FORMAT = 1

-- What a newer process wrote is left to the newer ones: on record, so that nobody older looks at it again.
local function refuse_newer(format)
  redis.pcall('HSET', META, 'format', format)
  error('NEWER ' .. format)
end

-- Before anything else, in every script: a newer ledger is refused, an older one is this process's from now on.
local ledger_format = tonumber(redis.call('HGET', META, 'format') or 1)
if ledger_format > FORMAT then error('NEWER ' .. ledger_format) end
if ledger_format < FORMAT then redis.pcall('HSET', META, 'format', FORMAT) end

-- A record is a MessagePack array that starts with its format; trailing defaults are left out,
-- so that a room in line stays small. New fields are appended, never moved.
local function codec(fields, defaults)
  local default_at = {}
  for i, field in ipairs(fields) do default_at[i] = defaults[field] end
  local function pack(record)
    local size = #fields
    while size > 0 and record[fields[size]] == default_at[size] do size = size - 1 end
    local packed = { FORMAT }
    for i = 1, size do packed[i + 1] = record[fields[i]] end
    return cmsgpack.pack(packed)
  end
  local function unpack_record(raw)
    local packed = cmsgpack.unpack(raw)
    if packed[1] > FORMAT then refuse_newer(packed[1]) end
    if packed[1] < 1 then error('a record cannot be read') end
    local record = {}
    for i = 1, #fields do
      local value = packed[i + 1]
      if value == nil then value = default_at[i] end
      record[fields[i]] = value
    end
    return record
  end
  return pack, unpack_record
end

local ROOM_FIELDS = {
  'state',     -- waiting | reserved | assigned | parked | resolved
  'since',     -- ms: in this state since
  'place',     -- inbox id that opened this session: the order of arrival
  'channel',   -- channel id, '' when the room has none
  'last',      -- id of the newest journal record about this room: each record names the one before it
  'source', 'name',
  'base',      -- service finished before this session began (0: none, -1: unknown)
  'mark',      -- newest service known to be finished
  'refusals',  -- definite refusals of this session
  'agent', 'token',
  'call',      -- of a reserved room: queued | sent | unknown
  'unknowns',  -- calls of this reservation without an answer, counted towards parking
  'takeovers', -- times that a dispatcher left this reservation behind
  'confirmed', -- ms when Qiscus confirmed; 0 unless assigned
  'asked',     -- ms when Qiscus was last asked whether it still holds
  'asked_by',  -- the webhook that made us ask, until Qiscus answered
}
local ROOM_DEFAULTS = {
  state = '', since = 0, place = '', channel = '', last = '', source = '', name = '', base = -1, mark = 0, refusals = 0,
  agent = '', token = 0, call = '', unknowns = 0, takeovers = 0, confirmed = 0,
  asked = 0, asked_by = '',
}
local pack_room, unpack_room = codec(ROOM_FIELDS, ROOM_DEFAULTS)

local function room_read(id)
  local raw = redis.call('HGET', ROOMS, id)
  return raw and unpack_room(raw) or nil
end

local function room_new()
  local room = {}
  for field, value in pairs(ROOM_DEFAULTS) do room[field] = value end
  return room
end

-- Calls for this session that did not get its room served: refusals, and those that the last reservation left unanswered
-- or behind. What people are shown, of a room and of a dead letter alike.
local function attempts_of(room) return room.refusals + room.unknowns + room.takeovers end

local function attempts_forget(room) room.refusals, room.unknowns, room.takeovers = 0, 0, 0 end

local function room_write(id, room) redis.call('HSET', ROOMS, id, pack_room(room)) end

local AGENT_FIELDS = {
  'name',
  'group',     -- id of its group
  'channels',  -- '*': every channel; else ids in order, joined by commas
  'limit',     -- its own limit; -1: the default
  'online', 'paused', -- 0 | 1
  'misses',    -- readings in a row that did not show it online
  'reserved', 'assigned', 'outside', -- its load is their sum
  'last',      -- ms of its last confirmed assignment
  'seen',      -- ms of the last reading that showed it
  'counted',   -- 1: the last reading that showed it told how many rooms it holds; 0: outside is from before
  'doubts',    -- different rooms in a row that Qiscus would not give it
  'doubted',   -- the last of them
  'aside',     -- ms: not before then is it online again, whatever Qiscus's list says
}
local AGENT_DEFAULTS = {
  name = '', group = '', channels = '*', limit = -1, online = 0, paused = 0, misses = 0,
  reserved = 0, assigned = 0, outside = 0, last = 0, seen = 0,
  counted = 0, doubts = 0, doubted = '', aside = 0,
}
local pack_agent, unpack_agent = codec(AGENT_FIELDS, AGENT_DEFAULTS)

-- The inbox entry being applied, if any: the first record about its room answers it, others name it as their cause.
local cause = nil

-- Tells every process that the stream `key` has news up to `id` (streams/doorbell.ts). It may be forbidden or fail: a script
-- must not raise half-way, and who is not told looks by himself.
local BELL = JOURNAL:match('^[^{]*') .. 'bell'
local function ring(key, id) redis.pcall('PUBLISH', BELL, key .. ' ' .. id) end
local rung = false

-- Appends one record and links it to the room's record before it. `...` are more fields, name and value in turn. What a
-- change did must follow from its record and those before it: a replay has nothing else. Returns the record's id.
local function journal(event, room_id, room, ...)
  local fields = { 'event', event, 'at', NOW }
  if room_id then
    fields[5], fields[6] = 'room', room_id
    if room and room.last ~= '' then fields[7], fields[8] = 'prev', room.last end
  end
  if FORMAT > 1 then fields[#fields + 1], fields[#fields + 2] = 'v', FORMAT end
  local size = #fields
  if cause then
    if room_id == cause.room and not cause.answered then
      cause.answered = true
      fields[size + 1], fields[size + 2], fields[size + 3], fields[size + 4] = 'entry', cause.id, 'request', cause.request
      size = size + 4
      for name, value in pairs(cause.notes) do
        fields[size + 1], fields[size + 2] = name, value
        size = size + 2
      end
    else
      fields[size + 1], fields[size + 2] = 'cause', cause.id
      size = size + 2
    end
  end
  local more = { ... }
  for i = 1, #more do fields[size + i] = more[i] end
  local id = redis.call('XADD', JOURNAL, '*', unpack(fields))
  if room then room.last = id end
  -- One ring for all records of this script: they are read together.
  if not rung then ring(JOURNAL, id) end
  rung = true
  return id
end

-- The fields of a stream entry by name; none when the entry is gone from its stream.
local function fields_of(raw)
  local fields = {}
  for i = 1, #(raw[2] or {}), 2 do fields[raw[2][i]] = raw[2][i + 1] end
  return fields
end

local ASK_EVERY_MS = 60000

-- Queues the question whether Qiscus still has an assigned room with an agent. `entry`: the webhook that raised it, or ''.
-- False when the room is not assigned or was asked about a moment ago. The caller writes the room.
-- One question at a time: a newer token fences those before. It speaks for the oldest webhook that was not answered.
local function question(room_id, room, entry)
  if room.state ~= 'assigned' or NOW - room.asked < ASK_EVERY_MS then return false end
  room.asked, room.token = NOW, redis.call('HINCRBY', META, 'token', 1)
  if room.asked_by == '' then room.asked_by = entry end
  redis.call('XADD', OUTBOX, '*', 'room', room_id, 'agent', room.agent, 'token', room.token, 'kind', 'question')
  return true
end
