-- Prelude: snapshots in the journal. A replay begins at one, so the journal is cut nowhere but in front of one.
-- Fields of `meta`: `snapshots` the complete ones that the journal still has, oldest first, each {id of its first record,
-- ms, changes before it, changes before its last record}; `snapshot` the one under way (snapshot_journal.lua);
-- `journal_gone` records trimmed so far, `journal_parts` records of snapshots so far.

local function snapshots_read()
  local raw = redis.call('HGET', META, 'snapshots')
  return raw and cmsgpack.unpack(raw) or {}
end

local function snapshots_write(list) redis.call('HSET', META, 'snapshots', cmsgpack.pack(list)) end

-- Records ever written but for those of snapshots: what the journal's length counts.
local function changes_written()
  local counts = redis.call('HMGET', META, 'journal_gone', 'journal_parts')
  return redis.call('XLEN', JOURNAL) + tonumber(counts[1] or 0) - tonumber(counts[2] or 0)
end

-- Cuts the journal in front of the newest snapshot that has all of `keep_ms`, or `entries` changes, behind it.
local function journal_trim(keep_ms, entries)
  local list, changes, first = snapshots_read(), changes_written(), nil
  for i, one in ipairs(list) do
    if NOW - one[2] >= keep_ms or changes - one[3] >= entries then first = i end
  end
  if not first then return end
  local gone = redis.call('XTRIM', JOURNAL, 'MINID', '~', list[first][1])
  if gone > 0 then redis.call('HINCRBY', META, 'journal_gone', gone) end
  if first == 1 then return end
  local left = {}
  for i = first, #list do left[#left + 1] = list[i] end
  snapshots_write(left)
end
