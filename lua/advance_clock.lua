#!lua flags=allow-oom
-- Does what is due by time alone: delayed rooms and calls, the fallback agent, expiry, old records, the journal's end.
-- Prelude: records line roster matching snapshots
-- ARGV[2]  fallback text    id of the fallback agent, '' for none
-- ARGV[3]  after    number  ms in line after which the fallback agent gets a room
-- ARGV[4]  longest  number  ms in line after which a room is closed as expired
-- ARGV[5]  keep     number  ms that a resolved room's mark is kept
-- ARGV[6]  days     number  ms after which a journal record may go, as far as a snapshot allows
-- ARGV[7]  entries  number  journal records; one with so many behind it may go, too, however young
-- Returns  {'done', more 0 | 1, ms of the next delayed step or 0, rooms in line, {room that could not be read…}}
-- Replay   finds nothing more that is due
-- Cost     at most 64 of each kind; 256 rooms in line are looked at for their age
local FALLBACK, AFTER, LONGEST, KEEP = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local JOURNAL_MS, JOURNAL_ENTRIES = tonumber(ARGV[6]), tonumber(ARGV[7])
local MOST = 64
-- What cannot be read is looked at again after so long.
local AGAIN_MS = 30000
-- Nothing is put off by as much. What is due later than this is from before the clock was set back, and is due now.
local LONGEST_DELAY_MS = 60000
local more = 0

-- First: what raises below must not keep the journal from being cut.
journal_trim(JOURNAL_MS, JOURNAL_ENTRIES)

local due = redis.call('ZRANGEBYSCORE', LATER, '-inf', NOW, 'LIMIT', 0, MOST)
if #due == 0 then due = redis.call('ZRANGEBYSCORE', LATER, NOW + LONGEST_DELAY_MS, '+inf', 'LIMIT', 0, MOST) end
if #due == MOST then more = 1 end
for _, room_id in ipairs(due) do
  local room = room_try(room_id)
  if room == false then redis.call('ZADD', LATER, NOW + AGAIN_MS, room_id) else redis.call('ZREM', LATER, room_id) end
  if not room then
    -- It cannot be read, or is gone: it must not keep those behind it waiting.
  elseif room.state == 'reserved' then
    room.token = redis.call('HINCRBY', META, 'token', 1)
    redis.call('XADD', OUTBOX, '*', 'room', room_id, 'agent', room.agent, 'token', room.token)
    journal('call.due', room_id, room, 'agent', room.agent, 'token', room.token)
    room_write(room_id, room)
  elseif room.state == 'waiting' then
    journal('room.due', room_id, room, 'state', 'waiting', 'place', room.place)
    queue(room_id, room)
  end
end
if #due > 0 or drain_under_way() then more = math.max(more, drain()) end

-- Rooms in line for `age` or longer, by place. One that came back keeps its place and begins to wait anew, so an old place
-- is not enough; nor is a young head the end of its channel. At most 256 rooms are looked at.
local function waiting_for(age)
  local found, looks = {}, 0
  for _, head in ipairs(redis.call('ZRANGE', HEADS, 0, MOST - 1)) do
    if looks >= 256 or NOW - tonumber(head:sub(1, 13)) < age then break end
    for _, member in ipairs(line_first(head:match('^[^%z]*%z(.*)$'), MOST)) do
      local _, place, room_id = line_parse(member)
      if NOW - tonumber(place:sub(1, 13)) < age then break end
      looks = looks + 1
      local room = room_try(room_id)
      if room and NOW - room.since >= age then found[#found + 1] = { id = room_id, room = room, place = place } end
    end
  end
  table.sort(found, function(a, b) return a.place < b.place end)
  return found
end

for i, old in ipairs(waiting_for(LONGEST)) do
  if i > MOST then
    more = 1
    break
  end
  journal('room.expired', old.id, old.room, 'state', 'resolved', 'reason', 'waited_too_long')
  close(old.id, old.room)
end

local agent = FALLBACK ~= '' and agent_read(FALLBACK)
local capacity = agent and agent.member and agent_limit(agent) - load_of(agent) or 0
for i, old in ipairs(capacity > 0 and waiting_for(AFTER) or {}) do
  if i > math.min(capacity, MOST) then
    if i > MOST then more = 1 end
    break
  end
  local choice = { agent = FALLBACK, limit = agent_limit(agent), runner_up = '', full = 0, off_channel = 0 }
  line_remove(old.id, old.room)
  reserve(old.id, old.room, choice, 'fallback')
end

local old_marks = redis.call('ZRANGEBYSCORE', ENDED, '-inf', NOW - KEEP, 'LIMIT', 0, MOST)
if #old_marks > 0 then
  redis.call('ZREM', ENDED, unpack(old_marks))
  redis.call('HDEL', ROOMS, unpack(old_marks))
  journal('rooms.forgotten', nil, nil, 'rooms', table.concat(old_marks, ' '), 'reason', 'resolved_long_ago')
end
local first = redis.call('ZRANGE', LATER, 0, 0, 'WITHSCORES')
return { 'done', more, tonumber(first[2] or 0), redis.call('ZCARD', LINE), unreadable }
