#!lua flags=no-writes
-- Reads a part of what a dry run found out: counts by name, and rooms by agent.
-- Prelude: records
-- KEYS[15] compared hash    what a dry run found out about the allocation beside it
-- ARGV[2]  cursor   text    '0', or the cursor of the call before
-- Returns  {'compared', cursor, field, value…}  cursor '0': that was the end; a field may come twice
-- Replay   changes nothing
-- Cost     O(fields in the part): about 500
local COMPARED = KEYS[15]
local CURSOR = ARGV[2]

local part = redis.call('HSCAN', COMPARED, CURSOR, 'COUNT', 500)
return { 'compared', part[1], unpack(part[2]) }
