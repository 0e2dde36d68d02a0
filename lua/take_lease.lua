#!lua flags=allow-oom
-- Lets one process at a time lead (sync the agents, advance the clock); the lease lapses when its holder does.
-- KEYS[1]  lease    text    who leads
-- ARGV[1]  holder   text    unique per process
-- ARGV[2]  ttl      number  ms; 0 gives the lease back
-- Returns  {'held'} | {'other'}
-- Replay   renews
-- Cost     O(1)
local LEASE = KEYS[1]
local HOLDER, TTL = ARGV[1], tonumber(ARGV[2])

local current = redis.call('GET', LEASE)
if current and current ~= HOLDER then return { 'other' } end
if TTL == 0 then
  redis.call('DEL', LEASE)
  return { 'other' }
end
redis.call('SET', LEASE, HOLDER, 'PX', TTL)
return { 'held' }
