#!lua flags=allow-oom
-- Takes in a room of which no webhook told, at the end of the line: Qiscus lists it. One that we closed ourselves, while Qiscus
-- lists it on, is on record as 'still_listed': no webhook was lost.
-- Prelude: records line roster matching
-- KEYS[15] inbox    stream  webhooks accepted and not yet applied
-- ARGV[2]  room     text    room id
-- ARGV[3]  channel  text    channel id, '' for none
-- ARGV[4]  source   text    where the customer writes, '' unknown
-- ARGV[5]  name     text    customer's name for the board, '' unknown
-- ARGV[6]  shown    text    'unserved' | 'served' (only a dry run takes in what others serve): what Qiscus says of it
-- ARGV[7]  reason   text    'listed': its webhook never came | 'came_back': it looked like a late one of the session before
-- Returns  {'done', state} | {'known'}  known: its webhook came after all, or one of its webhooks may lie in the inbox still
-- Replay   known: nothing changes
-- Cost     O(log rooms + log agents), and a look at 64 webhooks and 8 journal records
local INBOX = KEYS[15]
local ROOM, CHANNEL, SOURCE, NAME, SHOWN, REASON = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local LOOKED_AT = 64
local RECORDS_BACK = 8

local old = room_read(ROOM)
if old and old.state ~= 'resolved' then return { 'known' } end
-- A resolve of the session before, applied after the adoption, would close the one that is adopted. The next sweep asks again.
local waiting = redis.call('XRANGE', INBOX, '-', '+', 'COUNT', LOOKED_AT)
if #waiting == LOOKED_AT then return { 'known' } end
for _, raw in ipairs(waiting) do
  if fields_of(raw).room == ROOM then return { 'known' } end
end
-- Was its last session ended by an operator, or by us as it had waited too long? A webhook after that may have changed nothing.
local function is_closed_by_us(id)
  for _ = 1, RECORDS_BACK do
    local record = id and redis.call('XRANGE', JOURNAL, id, id)[1]
    if not record then return false end
    local fields = fields_of(record)
    if fields.event == 'room.expired' then return true end
    if fields.event == 'room.released' then return fields.by == 'operator' end
    if fields.event ~= 'entry.stale' and fields.event ~= 'entry.unheld' and fields.event ~= 'room.erased' then return false end
    id = fields.prev
  end
  return false
end
local why = REASON
if REASON == 'listed' and old and old.last ~= '' and is_closed_by_us(old.last) then why = 'still_listed' end

-- Behind every webhook that was accepted before, whichever clock is ahead.
local newest = redis.call('XREVRANGE', INBOX, '+', '-', 'COUNT', 1)[1]
local ms = math.max(NOW, newest and tonumber(newest[1]:match('^(%d+)')) + 1 or 0)
local room = room_new()
room.place, room.channel, room.source, room.name = ('%d-0'):format(ms), CHANNEL, SOURCE, NAME
if old then room.mark, room.last = old.mark, old.last end
redis.call('ZREM', ENDED, ROOM)
journal('room.adopted', ROOM, room, 'state', 'waiting', 'channel', CHANNEL, 'place', room.place,
  'ours', old and old.state or 'unknown', 'qiscus', SHOWN, 'reason', why)
enter(ROOM, room)
return { 'done', room_read(ROOM).state }
