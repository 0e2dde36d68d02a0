#!lua
-- Appends the webhooks of one turn of a process's event loop. Redis refuses it as a whole when its memory is used up.
-- Prelude: entries
-- Returns  {'appended', id…}  in the order of the webhooks
-- Replay   appends second entries, which the ledger finds repeated or stale
-- Cost     O(entries)

return { 'appended', unpack(append_all()) }
