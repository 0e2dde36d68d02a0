#!lua flags=allow-oom
-- Queues the calls of reserved rooms anew after the outbox was lost: same agent, new token, marked `unknown`.
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
  local room = room_read(room_id)
  -- One that is due later was not in the outbox.
  if room.state == 'reserved' and not redis.call('ZSCORE', LATER, room_id) then
    count = count + 1
    room.takeovers, room.call = room.takeovers + 1, 'unknown'
    room.token = redis.call('HINCRBY', META, 'token', 1)
    redis.call('XADD', OUTBOX, '*', 'room', room_id, 'agent', room.agent, 'token', room.token)
    journal('call.reclaimed', room_id, room, 'agent', room.agent, 'token', room.token)
    room_write(room_id, room)
  end
end
return { 'restored', count, #members == MOST and members[MOST] or '' }
