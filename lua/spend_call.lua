#!lua flags=allow-oom
-- Counts calls beside the outbox (roster, sweep, reads) against the rate. They have priority: they may run a second ahead.
-- Prelude: records qiscus
-- ARGV[2]  calls    number  how many
-- ARGV[3]  rate     number  calls a second, all processes together
-- ARGV[4]  when     text    'made' (counted whatever it costs) | 'before' (only if it may be made now)
-- Returns  {'ok'} counted | {'wait', ms} not counted: Qiscus is left in peace, or the rate is used up
-- Replay   counts again
-- Cost     O(1)
local CALLS, RATE, WHEN = tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]

local tokens = bucket_look(RATE)
if WHEN == 'before' then
  local pause = breaker_read().until_ms - NOW
  if pause > 0 then return { 'wait', pause } end
  local behind = CALLS - RATE - tokens
  if behind > 0 then return { 'wait', math.ceil(behind * 1000 / RATE) } end
end
bucket_write(tokens - CALLS)
return { 'ok' }
