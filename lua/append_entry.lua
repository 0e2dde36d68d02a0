#!lua flags=allow-oom
-- Appends a resolve webhook when Redis is too full for a plain XADD: taking it in is what makes room again.
-- KEYS[1]  inbox    stream  webhooks accepted and not yet applied
-- ARGV[1…] fields   text    name and value in turn
-- Returns  {'appended', id}
-- Replay   appends a second entry, which the ledger finds stale
-- Cost     O(1)
local INBOX = KEYS[1]

return { 'appended', redis.call('XADD', INBOX, '*', unpack(ARGV)) }
