#!lua flags=allow-oom
-- Queues the calls of reserved rooms anew after the outbox was lost: same agent, new token, `unknown` if it was sent.
-- Prelude: records
-- ARGV[2]  from     text    '', or the cursor of the call before
-- Returns  {'restored', n, cursor}  cursor '': that was the end; else call again from there
-- Replay   queues them once more; the newer token fences the one before
-- Cost     looks at 64 held rooms
local FROM = ARGV[2]
local MOST = 64

local members = redis.call('ZRANGEBYLEX', HELD, FROM == '' and '-' or '(' .. FROM, '+', 'LIMIT', 0, MOST)
local count = 0
for _, member in ipairs(members) do
  local room_id = member:match('^[^%z]*%z(.*)$')
  local room = room_try(room_id)
  -- Its call is due when it can be read again.
  if room == false then redis.call('ZADD', LATER, NOW_TEXT, room_id) end
  -- One that is due later was not in the outbox.
  if room and room.state == 'reserved' and not redis.call('ZSCORE', LATER, room_id) then
    count = count + 1
    room.takeovers = room.takeovers + 1
    -- One that was never sent cannot have been applied: who is in that room now, we did not bring in.
    if room.call ~= 'queued' then room.call = 'unknown' end
    room.token = redis.call('HINCRBY', META, 'token', 1)
    redis.call('XADD', OUTBOX, '*', 'room', room_id, 'agent', room.agent, 'token', room.token)
    journal('call.reclaimed', room_id, room, 'agent', room.agent, 'token', room.token, 'call', room.call)
    room_write(room_id, room)
  end
end
return { 'restored', count, #members == MOST and members[MOST] or '' }
