#!lua flags=allow-oom
-- Says how far the decision log has come, and notes that it went on: a new leader goes on where the last one was.
-- Prelude: records
-- ARGV[2]  seen     text    journal id of the last record written to the log, '' only to ask
-- Returns  {'at', id}  '0-0' before the first
-- Replay   notes the same again
-- Cost     O(1)
local SEEN = ARGV[2]

if SEEN ~= '' then redis.call('HSET', META, 'logged', SEEN) end
return { 'at', redis.call('HGET', META, 'logged') or '0-0' }
