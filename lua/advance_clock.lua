#!lua flags=allow-oom
-- Does what is due by time alone: delayed rooms and calls, the fallback agent, expiry, old records, the journal's end.
-- Prelude: records line roster matching
-- ARGV[2]  fallback text    id of the fallback agent, '' for none
-- ARGV[3]  after    number  ms in line after which the fallback agent gets a room
-- ARGV[4]  longest  number  ms in line after which a room is closed as expired
-- ARGV[5]  keep     number  ms that a resolved room's mark is kept
-- ARGV[6]  days     number  ms that journal records are kept
-- ARGV[7]  entries  number  journal records kept at most
-- Returns  {'done', more 0 | 1, ms of the next delayed step or 0, rooms in line}
-- Replay   finds nothing more that is due
-- Cost     at most 64 of each kind
local FALLBACK, AFTER, LONGEST, KEEP = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local JOURNAL_MS, JOURNAL_ENTRIES = tonumber(ARGV[6]), tonumber(ARGV[7])
local MOST = 64
local more = 0

local due = redis.call('ZRANGEBYSCORE', LATER, '-inf', NOW, 'LIMIT', 0, MOST)
if #due == MOST then more = 1 end
for _, room_id in ipairs(due) do
  redis.call('ZREM', LATER, room_id)
  local room = room_read(room_id)
  if room.state == 'reserved' then
    room.token = redis.call('HINCRBY', META, 'token', 1)
    redis.call('XADD', OUTBOX, '*', 'room', room_id, 'agent', room.agent, 'token', room.token)
    journal('call.due', room_id, room, 'agent', room.agent, 'token', room.token)
    room_write(room_id, room)
  else
    journal('room.due', room_id, room, 'state', 'waiting', 'place', room.place)
    queue(room_id, room)
  end
end
if #due > 0 or redis.call('HEXISTS', META, 'drain') == 1 then more = math.max(more, drain()) end

-- The oldest room in line over all channels, if it is at least `age` old.
local function oldest_room(age)
  local head = redis.call('ZRANGE', HEADS, 0, 0)[1]
  if not head or NOW - tonumber(head:sub(1, 13)) < age then return nil end
  local channel = head:match('^[^%z]*%z(.*)$')
  local _, _, room_id = line_parse(line_first(channel, 1)[1])
  return room_id, room_read(room_id)
end

for i = 1, MOST do
  local room_id, room = oldest_room(LONGEST)
  if not room_id then break end
  journal('room.expired', room_id, room, 'state', 'resolved', 'reason', 'waited_too_long')
  close(room_id, room)
  if i == MOST then more = 1 end
end

for i = 1, FALLBACK ~= '' and MOST or 0 do
  local agent = agent_read(FALLBACK)
  if not agent or not agent.member or load_of(agent) >= agent_limit(agent) then break end
  local room_id, room = oldest_room(AFTER)
  if not room_id then break end
  reserve(room_id, room, { agent = FALLBACK, limit = agent_limit(agent), runner_up = '', full = 0, off_channel = 0 }, 'fallback')
  if i == MOST then more = 1 end
end

for _, room_id in ipairs(redis.call('ZRANGEBYSCORE', ENDED, '-inf', NOW - KEEP, 'LIMIT', 0, MOST)) do
  redis.call('ZREM', ENDED, room_id)
  redis.call('HDEL', ROOMS, room_id)
end
redis.call('XTRIM', JOURNAL, 'MINID', '~', math.max(0, NOW - JOURNAL_MS))
redis.call('XTRIM', JOURNAL, 'MAXLEN', '~', JOURNAL_ENTRIES)
local first = redis.call('ZRANGE', LATER, 0, 0, 'WITHSCORES')
return { 'done', more, tonumber(first[2] or 0), redis.call('ZCARD', LINE) }
