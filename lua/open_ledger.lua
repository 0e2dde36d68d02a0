#!lua flags=allow-oom
-- Asks whether this process may work on the ledger, at its start: says no more than every script does before its work.
-- Prelude: records
-- Returns  {'opened', format}
-- Replay   changes nothing
-- Cost     O(1)

return { 'opened', FORMAT }
