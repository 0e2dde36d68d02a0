-- Prelude: appends webhooks to the inbox, eight values each, in the order of the fields, and rings when it was empty.
-- KEYS[1]  inbox    stream  webhooks accepted and not yet applied
-- ARGV[1]  format   number  what the entries say of themselves in `v` (src/redis/format.ts)
-- ARGV[2…] values   text    kind, room, request, service, channel, source, name, agent; '' for unknown
local INBOX = KEYS[1]
local FORMAT = ARGV[1]
if (#ARGV - 1) % 8 ~= 0 then error('entries come eight values each') end
local BELL = INBOX:match('^[^{]*') .. 'bell'

-- One call with all fields by name each: to build lists of fields costs Redis more than the append itself.
local function append_all()
  local ids = {}
  for i = 2, #ARGV, 8 do
    local kind, room, request, service, agent = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 7]
    if kind == 'allocation' and agent == '' then
      ids[#ids + 1] = redis.call('XADD', INBOX, '*', 'v', FORMAT, 'kind', kind, 'room', room, 'request', request,
        'service', service, 'channel', ARGV[i + 4], 'source', ARGV[i + 5], 'name', ARGV[i + 6])
    elseif kind == 'allocation' then
      ids[#ids + 1] = redis.call('XADD', INBOX, '*', 'v', FORMAT, 'kind', kind, 'room', room, 'request', request,
        'service', service, 'channel', ARGV[i + 4], 'source', ARGV[i + 5], 'name', ARGV[i + 6], 'agent', agent)
    elseif agent ~= '' then
      ids[#ids + 1] = redis.call('XADD', INBOX, '*', 'v', FORMAT, 'kind', kind, 'room', room, 'request', request,
        'service', service, 'agent', agent)
    else
      ids[#ids + 1] = redis.call('XADD', INBOX, '*', 'v', FORMAT, 'kind', kind, 'room', room, 'request', request,
        'service', service)
    end
  end
  -- Who empties the inbox goes on until it is empty, so only the first to come is told of (streams/doorbell.ts): a message
  -- for each turn of the event loop costs 3 us a webhook. Not to be told is no error.
  if redis.call('XLEN', INBOX) == #ids then redis.pcall('PUBLISH', BELL, INBOX .. ' ' .. ids[#ids]) end
  return ids
end
