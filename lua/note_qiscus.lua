#!lua flags=allow-oom
-- Notes what a call beside the outbox tells of Qiscus: that it refuses us or slows us.
-- Prelude: records qiscus
-- ARGV[2]  kind     text    'denied' | 'slowed'
-- ARGV[3]  pause    number  ms that Qiscus asked us to wait, 0 when it named none
-- Returns  {'done'}
-- Replay   counts again
-- Cost     O(1)
local KIND, PAUSE = ARGV[2], tonumber(ARGV[3])

breaker_note(KIND, PAUSE)
return { 'done' }
