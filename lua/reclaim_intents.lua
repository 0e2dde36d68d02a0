#!lua flags=allow-oom
-- Takes over intents whose dispatcher died or hangs: same agent, new token, marked `unknown`, queued anew.
-- Prelude: records line roster matching qiscus
-- ARGV[2]  idle     number  ms without a report after which an intent is taken over
-- ARGV[3]  limit    number  takeovers of one reservation after which its room is parked
-- ARGV[4]  from     text    '0-0', or the cursor of the call before
-- Returns  {'reclaimed', n, cursor}  cursor '0-0': that was the end; else call again from there
-- Replay   finds nothing more that is idle
-- Cost     at most 64 intents
local IDLE, LIMIT, FROM = ARGV[2], tonumber(ARGV[3]), ARGV[4]

local claimed = redis.call('XAUTOCLAIM', OUTBOX, 'dispatch', 'dispatch', IDLE, FROM, 'COUNT', 64)
local count = 0
for _, raw in ipairs(claimed[2]) do
  local entry = fields_of(raw)
  acknowledge_intent(raw[1])
  local room = entry.room and room_read(entry.room)
  local wanted = entry.kind == 'question' and 'assigned' or 'reserved'
  if room and room.state == wanted and room.token == tonumber(entry.token) then
    count = count + 1
    room.takeovers = room.takeovers + 1
    if wanted == 'assigned' then
      room.asked = 0
      -- Asked again at once, unless asking is what dispatchers die of: then a webhook or a sweep has to raise it anew.
      if room.takeovers < LIMIT then question(entry.room, room, '') else room.takeovers = 0 end
      journal('call.reclaimed', entry.room, room, 'agent', room.agent, 'token', room.token)
      room_write(entry.room, room)
    elseif room.takeovers >= LIMIT then
      journal('room.parked', entry.room, room, 'agent', room.agent, 'state', 'parked', 'reason', 'left_behind')
      park(entry.room, room)
    else
      room.call, room.token = 'unknown', redis.call('HINCRBY', META, 'token', 1)
      redis.call('XADD', OUTBOX, '*', 'room', entry.room, 'agent', room.agent, 'token', room.token)
      journal('call.reclaimed', entry.room, room, 'agent', room.agent, 'token', room.token)
      room_write(entry.room, room)
    end
  end
end
return { 'reclaimed', count, claimed[1] }
