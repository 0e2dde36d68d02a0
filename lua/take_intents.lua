#!lua flags=allow-oom
-- Hands intents to a dispatcher, as many as concurrency, rate and the breaker allow for all dispatchers together.
-- Prelude: records qiscus
-- ARGV[2]  want         number  intents the caller can run now, 1..64
-- ARGV[3]  concurrency  number  calls in flight, all processes together
-- ARGV[4]  rate         number  calls a second, all processes together
-- ARGV[5]  longest      number  ms that a call can last: what is pending for longer has lost its dispatcher
-- Returns  {'taken', {{id, room, agent, token, refusals, unknowns, unsure, kind}…}, entries read, more, {room that could not be
--          read…}}  reservations are marked `sent`, stale intents are dropped; kind 'assign', or 'question': is the room still
--          held? more: 1: it may have left some; what could not be read is left to be taken over
--          {'wait', ms}  nothing may be sent before that; {'busy'} all calls are in flight
-- Replay   hands out the next ones
-- Cost     O(want + calls in flight)
local WANT, CONCURRENCY, RATE, LONGEST = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]

local breaker = breaker_read()
if NOW < breaker.until_ms then return { 'wait', breaker.until_ms - NOW } end
-- After a pause one call goes first, and the others follow when it was answered.
local most = breaker.state == 'closed' and CONCURRENCY or 1
local in_flight = redis.call('XPENDING', OUTBOX, 'dispatch')[1]
if in_flight > 0 and in_flight + WANT > most then
  -- Calls of a process that died take no room from the others while nobody has taken them over yet.
  in_flight = in_flight - #redis.call('XPENDING', OUTBOX, 'dispatch', 'IDLE', LONGEST, '-', '+', in_flight)
end
local allowed = math.min(WANT, most - in_flight)
if allowed <= 0 then return { 'busy' } end
local tokens = bucket_look(RATE)
if tokens < 1 then return { 'wait', math.ceil((1 - tokens) * 1000 / RATE) } end
allowed = math.min(allowed, math.floor(tokens))

local read = redis.call('XREADGROUP', 'GROUP', 'dispatch', 'dispatch', 'COUNT', allowed, 'STREAMS', OUTBOX, '>')
local intents = {}
for _, raw in ipairs(read and read[1][2] or {}) do
  local entry = fields_of(raw)
  local kind = entry.kind or 'assign'
  local room = room_try(entry.room)
  local wanted = kind == 'assign' and 'reserved' or 'assigned'
  if room and room.state == wanted and room.token == tonumber(entry.token) then
    -- Sent before and handed out again: the consumer group was lost, and that call may have been applied.
    local unsure = kind == 'assign' and room.call ~= 'queued'
    if kind == 'assign' then
      room.call = unsure and 'unknown' or 'sent'
      journal('call.sent', entry.room, room, 'agent', room.agent, 'token', room.token)
      room_write(entry.room, room)
    end
    intents[#intents + 1] =
      { raw[1], entry.room, room.agent, room.token, room.refusals, room.unknowns, unsure and 1 or 0, kind }
  elseif room ~= false then
    acknowledge_intent(raw[1])
  end
end
if #intents > 0 then bucket_write(tokens - #intents) end
local count = read and #read[1][2] or 0
return { 'taken', intents, count, count == allowed and 1 or 0, unreadable }
