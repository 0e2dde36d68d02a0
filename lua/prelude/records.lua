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
-- Redis writes out a number in a command anew each time, at twice the cost of a text.
local NOW_TEXT = ('%d'):format(NOW)

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

-- A record is a MessagePack array that starts with its format; trailing defaults are left out, so that a room in line stays
-- small. New fields are appended, never moved: in `room_of` and `room_values` (`agent_of`, `agent_values`) alike. Written
-- out, because a table made at its full size costs half of one that grows field by field.
local function codec(record_of, values_of)
  local defaults = values_of(record_of({}))
  local function pack(record)
    local values, size = values_of(record), #defaults
    while size > 1 and values[size] == defaults[size] do
      values[size] = nil
      size = size - 1
    end
    return cmsgpack.pack(values)
  end
  local function unpack_record(raw)
    local packed = cmsgpack.unpack(raw)
    if packed[1] > FORMAT then refuse_newer(packed[1]) end
    if packed[1] < 1 then error('a record cannot be read') end
    return record_of(packed)
  end
  return pack, unpack_record
end

local function room_of(packed)
  return {
    state = packed[2] or '',      -- waiting | reserved | assigned | parked | resolved
    since = packed[3] or 0,       -- ms: in this state since
    place = packed[4] or '',      -- inbox id that opened this session: the order of arrival
    channel = packed[5] or '',    -- channel id, '' when the room has none
    last = packed[6] or '',       -- id of the newest journal record about this room: each record names the one before it
    source = packed[7] or '', name = packed[8] or '',
    base = packed[9] or -1,       -- service finished before this session began (0: none, -1: unknown)
    mark = packed[10] or 0,       -- newest service known to be finished
    refusals = packed[11] or 0,   -- definite refusals of this session
    agent = packed[12] or '', token = packed[13] or 0,
    call = packed[14] or '',      -- of a reserved room: queued | sent | unknown
    unknowns = packed[15] or 0,   -- calls of this reservation without an answer, counted towards parking
    takeovers = packed[16] or 0,  -- times that a dispatcher left this reservation behind
    confirmed = packed[17] or 0,  -- ms when Qiscus confirmed; 0 unless assigned
    asked = packed[18] or 0,      -- ms when Qiscus was last asked whether it still holds
    asked_by = packed[19] or '',  -- the webhook that made us ask, until Qiscus answered
    again = packed[20] or 0,      -- 1: it was taken from an agent who had it in this session
  }
end

local function room_values(room)
  return { FORMAT, room.state, room.since, room.place, room.channel, room.last, room.source, room.name, room.base, room.mark,
    room.refusals, room.agent, room.token, room.call, room.unknowns, room.takeovers, room.confirmed, room.asked,
    room.asked_by, room.again }
end

local pack_room, unpack_room = codec(room_of, room_values)

local function room_new() return room_of({}) end

local function room_read(id)
  local raw = redis.call('HGET', ROOMS, id)
  return raw and unpack_room(raw) or nil
end

-- One room of many: false when its record cannot be read. A script passes such a one over, goes on, and tells of it.
local unreadable = {}
local function room_try(id)
  local read, room = pcall(room_read, id)
  if read then return room end
  unreadable[#unreadable + 1] = id
  return false
end

local function room_write(id, room) redis.call('HSET', ROOMS, id, pack_room(room)) end

-- Calls for this session that did not get its room served: refusals, and those that the last reservation left unanswered
-- or behind. What people are shown, of a room and of a dead letter alike.
local function attempts_of(room) return room.refusals + room.unknowns + room.takeovers end

local function attempts_forget(room) room.refusals, room.unknowns, room.takeovers = 0, 0, 0 end

local function agent_of(packed)
  return {
    name = packed[2] or '',
    group = packed[3] or '',      -- id of its group
    channels = packed[4] or '*',  -- '*': every channel; else ids in order, joined by commas
    limit = packed[5] or -1,      -- its own limit; -1: the default
    online = packed[6] or 0, paused = packed[7] or 0, -- 0 | 1
    misses = packed[8] or 0,      -- readings in a row that did not show it online
    reserved = packed[9] or 0, assigned = packed[10] or 0, outside = packed[11] or 0, -- its load is their sum
    last = packed[12] or 0,       -- ms of its last confirmed assignment
    seen = packed[13] or 0,       -- ms of the last reading that showed it
    counted = packed[14] or 0,    -- 1: the last reading that showed it told how many rooms it holds; 0: outside is from before
    doubts = packed[15] or 0,     -- different rooms in a row that Qiscus would not give it
    doubted = packed[16] or '',   -- the last of them
    aside = packed[17] or 0,      -- ms: not before then is it online again, whatever Qiscus's list says
  }
end

local function agent_values(agent)
  return { FORMAT, agent.name, agent.group, agent.channels, agent.limit, agent.online, agent.paused, agent.misses,
    agent.reserved, agent.assigned, agent.outside, agent.last, agent.seen, agent.counted, agent.doubts, agent.doubted,
    agent.aside }
end

local pack_agent, unpack_agent = codec(agent_of, agent_values)

local function agent_new() return agent_of({}) end

-- The inbox entry being applied, if any: the first record about its room answers it, others name it as their cause.
local cause = nil

-- Tells every process that the stream `key` has news up to `id` (streams/doorbell.ts). It may be forbidden or fail: a script
-- must not raise half-way, and who is not told looks by himself.
local BELL = JOURNAL:match('^[^{]*') .. 'bell'
local function ring(key, id) redis.pcall('PUBLISH', BELL, key .. ' ' .. id) end
local rung = false

-- What every record of a newer format says of itself, in front of `...`.
local function versioned(...)
  if FORMAT > 1 then return 'v', FORMAT, ... end
  return ...
end

-- The room and its record before this one, in front of `...`.
local function linked(room_id, room, ...)
  if not room_id then return ... end
  if room and room.last ~= '' then return 'room', room_id, 'prev', room.last, ... end
  return 'room', room_id, ...
end

-- The notes after the one named `name` (nil: all), in front of `...`.
local function noted(notes, name, ...)
  local following, value = next(notes, name)
  if following == nil then return ... end
  return noted(notes, following, following, value, ...)
end

-- The entry that is being applied, in front of `...`.
local function caused(room_id, ...)
  if not cause then return ... end
  if room_id ~= cause.room or cause.answered then return 'cause', cause.id, ... end
  cause.answered = true
  return 'entry', cause.id, 'request', cause.request, noted(cause.notes, nil, ...)
end

-- Appends one record and links it to the room's record before it. `...` are more fields, name and value in turn, never put
-- into a table: that costs more than the append. What a change did must follow from its record and those before it: a
-- replay has nothing else. Returns the record's id.
local function journal(event, room_id, room, ...)
  local id = redis.call('XADD', JOURNAL, '*', 'event', event, 'at', NOW_TEXT,
    linked(room_id, room, versioned(caused(room_id, ...))))
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
  -- A time to come, by more than hosts differ, is from before the clock was set back.
  if room.state ~= 'assigned' or math.abs(NOW - room.asked) < ASK_EVERY_MS then return false end
  room.asked, room.token = NOW, redis.call('HINCRBY', META, 'token', 1)
  if room.asked_by == '' then room.asked_by = entry end
  redis.call('XADD', OUTBOX, '*', 'room', room_id, 'agent', room.agent, 'token', room.token, 'kind', 'question')
  return true
end
