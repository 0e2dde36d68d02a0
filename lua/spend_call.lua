#!lua flags=allow-oom
-- Counts calls made beside the outbox (roster, sweep, reads) against the rate. They have priority: never refused.
-- Prelude: records qiscus
-- ARGV[2]  calls    number  calls made
-- ARGV[3]  rate     number  calls a second, all processes together
-- Returns  {'ok'}
-- Replay   counts again
-- Cost     O(1)
local CALLS, RATE = tonumber(ARGV[2]), tonumber(ARGV[3])

local burst = math.max(1, math.floor(RATE / 5))
bucket_write(math.max(-RATE, bucket_look(RATE, burst) - CALLS))
return { 'ok' }
