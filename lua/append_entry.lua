#!lua flags=allow-oom
-- Appends a resolve webhook when Redis is too full for append_entries: taking it in is what makes room again.
-- Prelude: entries
-- Returns  {'appended', id}
-- Replay   appends a second entry, which the ledger finds stale
-- Cost     O(1)

return { 'appended', unpack(append_all()) }
