-- Prelude: what all dispatchers together know of Qiscus: may we call, how fast. One breaker and one bucket per app.
-- KEYS[15] qiscus   hash    breaker: state, until, trips, failures; bucket: tokens, tokens_at

local QISCUS = KEYS[15]

-- Consecutive calls without an answer that open the breaker.
local FAILURES_TO_OPEN = 5
local LONGEST_PAUSE_MS = 30000
-- The longest that Qiscus can ask for (src/qiscus/call.ts).
local LONGEST_ASKED_MS = 300000
-- How far the clocks of the processes may be apart.
local MOST_SKEW_MS = 2000

local function breaker_read()
  local f = redis.call('HMGET', QISCUS, 'state', 'until', 'trips', 'failures')
  local until_ms = tonumber(f[2] or 0)
  -- The clock went back: until its old time nobody would be called.
  if until_ms > NOW + LONGEST_ASKED_MS + MOST_SKEW_MS then until_ms = 0 end
  return { state = f[1] or 'closed', until_ms = until_ms, trips = tonumber(f[3] or 0), failures = tonumber(f[4] or 0) }
end

local function breaker_write(b)
  redis.call('HSET', QISCUS, 'state', b.state, 'until', b.until_ms, 'trips', b.trips, 'failures', b.failures)
end

-- Notes one answer of Qiscus. `kind`: 'answered' (any definite word about a room), 'unknown', 'denied' (it refuses us)
-- or 'slowed'; `pause_ms`: what Qiscus asked for, 0 when it named no time.
local function breaker_note(kind, pause_ms)
  local b = breaker_read()
  if kind == 'answered' then
    -- An answer to a call begun before the pause does not end it: only what comes after the time is a word about it.
    if b.state ~= 'closed' and NOW < b.until_ms then return end
    if b.state == 'closed' and b.failures == 0 then return end
    if b.state ~= 'closed' then journal('qiscus.recovered', nil, nil, 'was', b.state) end
    return breaker_write({ state = 'closed', until_ms = 0, trips = 0, failures = 0 })
  end
  b.failures = b.failures + 1
  -- Late answers of calls begun before the pause do not make it longer.
  local trips = kind ~= 'unknown' or b.failures >= FAILURES_TO_OPEN or b.state ~= 'closed'
  if trips and (b.state == 'closed' or NOW >= b.until_ms) then
    if b.state == 'closed' then
      local state = ({ unknown = 'open', denied = 'denied', slowed = 'slowed' })[kind]
      journal('qiscus.paused', nil, nil, 'state', state)
      b.state = state
    end
    b.trips = b.trips + 1
    local pause = pause_ms > 0 and pause_ms or math.min(LONGEST_PAUSE_MS, 1000 * 2 ^ math.min(b.trips - 1, 5))
    b.until_ms = NOW + pause
  end
  breaker_write(b)
end

-- Tokens in the bucket: it refills at `rate` a second, up to a fifth of a second's worth; below 0 calls were made ahead.
local function bucket_look(rate)
  local burst = math.max(1, math.floor(rate / 5))
  local f = redis.call('HMGET', QISCUS, 'tokens', 'tokens_at')
  local tokens, at = tonumber(f[1] or burst), tonumber(f[2] or NOW)
  -- The clock went back by more than hosts differ: until its old time nothing would be refilled.
  if at > NOW + MOST_SKEW_MS then tokens, at = burst, NOW end
  return math.min(burst, tokens + math.max(0, NOW - at) * rate / 1000)
end

local function bucket_write(tokens) redis.call('HSET', QISCUS, 'tokens', tostring(tokens), 'tokens_at', NOW) end

-- The reservation that a report is about, or nil when it is no longer the caller's: fenced by the token.
local function reservation(room_id, token)
  local room = room_read(room_id)
  if room and room.state == 'reserved' and room.token == token then return room end
  return nil
end

local function acknowledge_intent(id)
  redis.call('XACK', OUTBOX, 'dispatch', id)
  redis.call('XDEL', OUTBOX, id)
end

-- A late report of somebody who is no longer the holder changes nothing but is on record.
local function fenced(room_id, agent_id, outcome)
  local room = room_read(room_id)
  journal('call.fenced', room_id, room, 'agent', agent_id, 'outcome', outcome)
  if room then room_write(room_id, room) end
  return { 'fenced' }
end
