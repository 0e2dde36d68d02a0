#!lua flags=allow-oom
-- Takes over intents whose dispatcher died or hangs: same agent, new token, marked `unknown`, queued anew.
-- Prelude: records line roster matching qiscus
-- ARGV[2]  idle     number  ms without a report after which an intent is taken over
-- ARGV[3]  limit    number  takeovers of one reservation after which its room is parked
-- ARGV[4]  from     text    '0-0', or the cursor of the call before
-- Returns  {'reclaimed', n, cursor, {room that could not be read…}}  cursor '0-0': that was the end; else call again from
--          there; what could not be read is idle again after as long
-- Replay   finds nothing more that is idle
-- Cost     at most 64 intents
local IDLE, LIMIT, FROM = ARGV[2], tonumber(ARGV[3]), ARGV[4]

local function take_over(id, room_id, kind, token)
  local room = room_read(room_id)
  local wanted = kind == 'question' and 'assigned' or 'reserved'
  if not room or room.state ~= wanted or room.token ~= token then
    acknowledge_intent(id)
    return 0
  end
  -- What cannot be read raises here, before the intent is gone.
  holder_of(room)
  acknowledge_intent(id)
  room.takeovers = room.takeovers + 1
  if wanted == 'assigned' then
    room.asked = 0
    -- Asked again at once, unless asking is what dispatchers die of: then a webhook or a sweep has to raise it anew.
    if room.takeovers < LIMIT then question(room_id, room, '') else room.takeovers = 0 end
  elseif room.takeovers >= LIMIT then
    journal('room.parked', room_id, room, 'agent', room.agent, 'state', 'parked', 'reason', 'left_behind')
    park(room_id, room)
    return 1
  else
    room.call, room.token = 'unknown', redis.call('HINCRBY', META, 'token', 1)
    redis.call('XADD', OUTBOX, '*', 'room', room_id, 'agent', room.agent, 'token', room.token)
  end
  journal('call.reclaimed', room_id, room, 'agent', room.agent, 'token', room.token)
  room_write(room_id, room)
  return 1
end

local claimed = redis.call('XAUTOCLAIM', OUTBOX, 'dispatch', 'dispatch', IDLE, FROM, 'COUNT', 64)
local count = 0
for _, raw in ipairs(claimed[2]) do
  local entry = fields_of(raw)
  if entry.room then
    local done, more = pcall(take_over, raw[1], entry.room, entry.kind, tonumber(entry.token))
    if done then count = count + more else unreadable[#unreadable + 1] = entry.room end
  else
    acknowledge_intent(raw[1])
  end
end
return { 'reclaimed', count, claimed[1], unreadable }
