#!lua flags=allow-oom
-- Notes which alerts hold now: a new one is told, one that stands is told again now and then, one that is over is told once.
-- Prelude: records
-- ARGV[2]  again    number  ms after which an alert that stands is told again
-- ARGV[3]  calm     number  ms that its condition must be away before it is over; a silence is over at once
-- ARGV[4]  watch    text    notes of the leader for the next one
-- ARGV[5…] alerts   text    three each: code, count, id of the room that it is about or ''
-- Returns  {'done'}
-- Replay   notes the same again, and tells nothing twice
-- Cost     O(alerts)
local AGAIN, CALM, WATCH = tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
if (#ARGV - 4) % 3 ~= 0 then error('alerts come three arguments each') end

local function tell(event, alert)
  if event == 'alert.cleared' then
    return journal(event, nil, nil, 'code', alert.code, 'since', alert.since, 'until', alert.seen)
  end
  local notes = { 'code', alert.code, 'since', alert.since, 'count', alert.count }
  if alert.about ~= '' then
    notes[7], notes[8] = 'about', alert.about
  end
  journal(event, nil, nil, unpack(notes))
end

local raw = redis.call('HGET', META, 'alerts')
local standing, at = {}, {}
for i, packed in ipairs(raw and cmsgpack.unpack(raw) or {}) do
  local alert = { code = packed[1], since = packed[2], told = packed[3], seen = packed[4], count = packed[5], about = packed[6] }
  standing[i], at[alert.code] = alert, alert
end
for i = 5, #ARGV, 3 do
  local alert = at[ARGV[i]]
  -- Told in the future: the clock was set back, and waiting for its old time could take hours.
  local event = not alert and 'alert.raised' or (NOW - alert.told >= AGAIN or alert.told > NOW) and 'alert.repeated'
  if not alert then
    alert = { code = ARGV[i], since = NOW }
    standing[#standing + 1] = alert
  end
  alert.holds = true
  alert.seen, alert.count, alert.about = NOW, tonumber(ARGV[i + 1]), ARGV[i + 2]
  if event then
    alert.told = NOW
    tell(event, alert)
  end
end

local kept = {}
for _, alert in ipairs(standing) do
  alert.seen = math.min(alert.seen, NOW)
  -- A webhook that came proves that they come: a silence after it is another one.
  local calm = alert.code == 'no_webhooks' and 0 or CALM
  if not alert.holds and NOW - alert.seen >= calm then
    tell('alert.cleared', alert)
  else
    -- Count and room are for processes of the version before.
    kept[#kept + 1] = { alert.code, alert.since, alert.told, alert.seen, alert.count, alert.about }
  end
end
redis.call('HSET', META, 'alerts', cmsgpack.pack(kept), 'watch', WATCH)
return { 'done' }
