#!lua flags=allow-oom
-- Takes the next webhooks from the inbox in stream order and applies each: placed in line, matched, or released.
-- Prelude: records line roster matching
-- KEYS[15] inbox    stream  webhooks accepted and not yet applied
-- ARGV[2]  mode     text    'new': entries nobody has taken; 'pending': the oldest one that a raised script left
-- ARGV[3]  count    number  1..64 entries at most (mode 'new')
-- Returns  {'taken', n, id}  n entries applied, acknowledged and deleted, `id` the last; 0: the inbox is empty
--          {'pending'}   a raised script left entries: take those first, one at a time
--          {'more'}      64 pairs of a larger drain were made: call again
-- Replay   takes the entries after those; each entry is applied once, since it is deleted in the same step
-- Cost     O(entries x log(agents + rooms)), at most 64 entries and 128 pairs
local INBOX = KEYS[15]
local MODE, COUNT = ARGV[2], ARGV[3]
local UNKNOWN = -1
-- Repeats of the webhook that led to an assignment may come as late as this.
local GRACE_MS = 10000

if drain_under_way() and drain() == 1 then return { 'more' } end
if MODE == 'new' and redis.call('XPENDING', INBOX, 'ledger')[1] > 0 then return { 'pending' } end

local taken = MODE == 'new'
    and redis.call('XREADGROUP', 'GROUP', 'ledger', 'ledger', 'COUNT', COUNT, 'STREAMS', INBOX, '>')
    or redis.call('XREADGROUP', 'GROUP', 'ledger', 'ledger', 'COUNT', 1, 'STREAMS', INBOX, '0')
if not taken or #taken[1][2] == 0 then return { 'taken', 0, '' } end

-- Everything is decoded before the first change: a malformed entry raises here, and nothing was half done.
local entries = {}
for i, raw in ipairs(taken[1][2]) do
  local entry = { id = raw[1], gone = not raw[2] }
  for field = 1, #(raw[2] or {}), 2 do entry[raw[2][field]] = raw[2][field + 1] end
  if not entry.gone then
    -- Appended without a script: the ledger's format may not say it yet.
    local format = tonumber(entry.v or 1)
    if format > FORMAT then refuse_newer(format) end
    if not entry.room or not entry.request or (entry.kind ~= 'allocation' and entry.kind ~= 'resolved') then
      error('inbox entry ' .. entry.id .. ' is malformed')
    end
    entry.service = tonumber(entry.service) or UNKNOWN
    -- A replayed dead letter keeps the place of the entry that it was.
    entry.place = entry.place or entry.id
  end
  entries[i] = entry
end

local function is_held(room) return room.state == 'reserved' or room.state == 'assigned' end

local function position_of(room_id, room) return room.state == 'waiting' and line_position(room_id, room) or '' end

local function apply_allocation(entry)
  local room = room_read(entry.room)
  local service = entry.service
  if room and service ~= UNKNOWN and service < room.mark then
    journal('entry.stale', entry.room, room, 'state', room.state, 'since', room.since, 'agent', room.agent,
      'position', position_of(entry.room, room))
    return room_write(entry.room, room)
  end

  -- A session finished after this one began: the room's resolve was lost, and this is the next session.
  local superseded = room and room.state ~= 'resolved' and room.base ~= UNKNOWN and service > room.base
  if room and room.state ~= 'resolved' and room.base == UNKNOWN and service ~= UNKNOWN then
    -- Only now we hear which service was over. Its late resolve does not end this session, nor does the answer to a call
    -- under way: that may be about the session before. So the same call is made anew.
    if room.state == 'reserved' and room.call ~= 'queued' and not redis.call('ZSCORE', LATER, entry.room) then
      room.call, room.token = 'unknown', redis.call('HINCRBY', META, 'token', 1)
      redis.call('XADD', OUTBOX, '*', 'room', entry.room, 'agent', room.agent, 'token', room.token)
    end
    room.base, room.mark = service, math.max(room.mark, service)
  end
  if room and room.state ~= 'resolved' and room.state ~= 'parked' and not superseded then
    -- Customers write again only while nobody serves them: perhaps the room's resolve was lost.
    if math.abs(NOW - room.confirmed) >= GRACE_MS and question(entry.room, room, entry.id) then cause.notes.questioned = 1 end
    journal('entry.repeated', entry.room, room, 'state', room.state, 'agent', room.agent, 'token', room.token,
      'position', position_of(entry.room, room))
    return room_write(entry.room, room)
  end

  local group
  if room and room.state == 'parked' and not superseded then
    redis.call('ZREM', PARKED, entry.room)
    attempts_forget(room)
    cause.notes.session = 'revived'
  else
    local old = room or room_new()
    if superseded then
      cause.notes.session = 'superseded'
      if is_held(old) then cause.notes.freed = old.agent end
      holder_of(old)
      -- On record before whoever gets its slot; what becomes of the next session answers the entry.
      cause.answered = true
      journal('room.superseded', entry.room, old, 'state', 'resolved', 'was', old.state, 'agent', old.agent)
      cause.answered = false
      group = close(entry.room, old)
    end
    redis.call('ZREM', ENDED, entry.room)
    room = room_new()
    room.place, room.base, room.mark, room.last = entry.place, service, math.max(old.mark, service), old.last
    room.channel, room.source, room.name = entry.channel or '', entry.source or '', entry.name or ''
    if room.mark < 0 then room.mark = 0 end
  end
  if group then
    queue(entry.room, room)
    settle(group, 1)
    pair(room.channel)
  else
    enter(entry.room, room)
  end
  if not cause.answered then
    journal('room.waiting', entry.room, room, 'state', 'waiting', 'place', room.place, 'channel', room.channel,
      'position', line_position(entry.room, room))
    room_write(entry.room, room)
  end
end

local function apply_resolved(entry)
  local room = room_read(entry.room)
  local service = entry.service
  if room and service ~= UNKNOWN and service <= room.mark then
    journal('entry.stale', entry.room, room, 'state', 'not_held')
    return room_write(entry.room, room)
  end
  if not room or room.state == 'resolved' then
    room = room or room_new()
    if service == UNKNOWN and room.state == '' then return journal('entry.unheld', entry.room, nil, 'state', 'not_held') end
    room.state, room.since, room.mark = 'resolved', NOW, math.max(room.mark, service)
    journal('entry.unheld', entry.room, room, 'state', 'not_held')
    redis.call('ZADD', ENDED, NOW_TEXT, entry.room)
    return room_write(entry.room, room)
  end
  holder_of(room)
  room.mark = math.max(room.mark, service)
  if entry.agent then cause.notes.claimed_agent = entry.agent end
  journal('room.released', entry.room, room, 'state', 'released', 'was', room.state, 'agent', room.agent,
    'call', room.call, 'reason', 'resolved')
  local group = close(entry.room, room)
  if group then settle(group, 64) end
end

local applied = {}
local function apply(entry)
  if entry.gone then return end
  cause = { id = entry.id, request = entry.request, room = entry.room, notes = {} }
  if entry.service ~= UNKNOWN then cause.notes.service = entry.service end
  if entry.agent and entry.kind == 'allocation' then cause.notes.candidate = entry.agent end
  if entry.kind == 'allocation' then apply_allocation(entry) else apply_resolved(entry) end
end

local function acknowledge()
  if #applied == 0 then return end
  redis.call('XACK', INBOX, 'ledger', unpack(applied))
  redis.call('XDEL', INBOX, unpack(applied))
end

-- A script that raises keeps what it wrote, so what was applied before is acknowledged even then.
for _, entry in ipairs(entries) do
  local done, problem = pcall(apply, entry)
  if not done then
    acknowledge()
    error(problem)
  end
  applied[#applied + 1] = entry.id
end
acknowledge()
return { 'taken', #applied, applied[#applied] or '' }
