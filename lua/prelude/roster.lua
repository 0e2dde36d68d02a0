-- Prelude: agents by group. Agents of the same channels and the same limit are alike but for their load, so the first
-- of a group in `ready` is its best, and when that one is full, all of the group are: no agent is ever scanned.
-- Fields of `groups`: `g:<id>` {limit, channels, size}; `d:<limit>|<channels>` id; and the lists of ids
-- `all`, `any` (every channel) and `c:<channel>`.

local group_cache, list_cache, tallies = {}, {}, {}

local function group_read(id)
  local group = group_cache[id]
  if not group then
    local packed = cmsgpack.unpack(redis.call('HGET', GROUPS, 'g:' .. id))
    group = { limit = packed[1], channels = packed[2], size = packed[3] }
    group_cache[id] = group
  end
  return group
end

local function group_write(id, group)
  group_cache[id] = group
  redis.call('HSET', GROUPS, 'g:' .. id, cmsgpack.pack({ group.limit, group.channels, group.size }))
end

local function group_list(field)
  local list = list_cache[field]
  if not list then
    local raw = redis.call('HGET', GROUPS, field)
    list = raw and cmsgpack.unpack(raw) or {}
    list_cache[field] = list
  end
  return list
end

local function group_list_change(field, id, present)
  local list = {}
  for _, other in ipairs(group_list(field)) do
    if other ~= id then list[#list + 1] = other end
  end
  if present then list[#list + 1] = id end
  list_cache = {}
  if #list == 0 then redis.call('HDEL', GROUPS, field) else redis.call('HSET', GROUPS, field, cmsgpack.pack(list)) end
end

local function group_index(id, group, present)
  group_list_change('all', id, present)
  if group.channels == '*' then group_list_change('any', id, present) end
  if group.channels ~= '*' then
    for channel in group.channels:gmatch('[^,]+') do group_list_change('c:' .. channel, id, present) end
  end
end

-- Moves an agent into the group of its limit and channels; '' leaves all groups. Groups come and go with their agents.
local function group_join(agent, stay)
  if agent.group ~= '' then
    local old = group_read(agent.group)
    if stay and old.limit == agent.limit and old.channels == agent.channels then return end
    old.size = old.size - 1
    if old.size > 0 then
      group_write(agent.group, old)
    else
      redis.call('HDEL', GROUPS, 'g:' .. agent.group, 'd:' .. old.limit .. '|' .. old.channels)
      group_cache[agent.group], tallies[agent.group] = nil, nil
      group_index(agent.group, old, false)
    end
    agent.group = ''
  end
  if not stay then return end
  local definition = 'd:' .. agent.limit .. '|' .. agent.channels
  local id = redis.call('HGET', GROUPS, definition)
  if id then
    local group = group_read(id)
    group.size = group.size + 1
    group_write(id, group)
  else
    id = tostring(redis.call('HINCRBY', META, 'groups', 1))
    redis.call('HSET', GROUPS, definition, id)
    local group = { limit = agent.limit, channels = agent.channels, size = 1 }
    group_write(id, group)
    group_index(id, group, true)
  end
  agent.group = id
end

-- Ids of the groups whose agents may serve a channel; a room without a channel ('') fits every agent.
local function groups_serving(channel)
  if channel == '' then return group_list('all') end
  local any, own = group_list('any'), group_list('c:' .. channel)
  if #own == 0 then return any end
  if #any == 0 then return own end
  local both = {}
  for _, id in ipairs(own) do both[#both + 1] = id end
  for _, id in ipairs(any) do both[#both + 1] = id end
  return both
end

local default_limit = nil
local function limit_default()
  if not default_limit then
    local set = redis.call('HMGET', META, 'max_customers', 'initial_max_customers')
    default_limit = tonumber(set[1] or set[2] or 0)
  end
  return default_limit
end

local function group_limit(id)
  local limit = group_read(id).limit
  return limit >= 0 and limit or limit_default()
end

local function load_of(agent) return agent.reserved + agent.assigned + agent.outside end

local function agent_limit(agent) return agent.limit >= 0 and agent.limit or limit_default() end

-- How many agents of a group are ready, and how many of those are full. Counted once a call and then kept in step, so that
-- a group without capacity costs nothing more, however often it is looked at.
local function tally(id)
  local found = tallies[id]
  if not found then
    local first, past = '[' .. id .. '\0', '(' .. id .. '\1'
    local ready = redis.call('ZLEXCOUNT', READY, first, past)
    found = { ready = ready, full = ready - redis.call('ZLEXCOUNT', READY, first, ('(%s\0%05d'):format(id, group_limit(id))) }
    tallies[id] = found
  end
  return found
end

-- The best agents of a group.
local function ready_first(id, count)
  return redis.call('ZRANGEBYLEX', READY, '[' .. id .. '\0', '(' .. id .. '\1', 'LIMIT', 0, count)
end

local function has_capacity(id)
  local found = tally(id)
  return found.full < found.ready
end

local function tally_change(member, step)
  local id, load = member:match('^([^%z]*)%z(%d+)')
  local found = tallies[id]
  if not found then return end
  found.ready = found.ready + step
  if tonumber(load) >= group_limit(id) then found.full = found.full + step end
end

local function ready_add(member)
  redis.call('ZADD', READY, '0', member)
  tally_change(member, 1)
end

local function ready_remove(member)
  redis.call('ZREM', READY, member)
  tally_change(member, -1)
end

-- Where `ready` keeps an agent; nil when it is offline or paused. Order in a group: load, then longest since the last
-- confirmed assignment, then id by length and bytes.
local function ready_member(id, agent)
  if agent.online == 0 or agent.paused == 1 then return nil end
  return ('%s\0%05d\0%013d\0%03d%s'):format(agent.group, math.min(load_of(agent), 99999), agent.last, #id, id)
end

local function presence_of(agent)
  if agent.online == 0 then return 'offline' end
  return agent.paused == 1 and 'paused' or 'ready'
end

-- The longest that an agent whom Qiscus refuses is set aside at a time.
local LONGEST_ASIDE_MS = 300000

-- A time further off than any is from before the clock was set back.
local function is_aside(agent) return agent.aside > NOW and agent.aside <= NOW + LONGEST_ASIDE_MS end

local function agent_read(id)
  local raw = redis.call('HGET', AGENTS, id)
  if not raw then return nil end
  local agent = unpack_agent(raw)
  agent.member, agent.presence = ready_member(id, agent), presence_of(agent)
  return agent
end

-- Who holds a room, nil: nobody. Every script that changes a room looks first: what cannot be read raises here, while nothing
-- is written yet, since a script that raises keeps what it did until then.
local function holder_of(room)
  if room.agent == '' then return nil end
  return agent_read(room.agent) or error('who holds the room is unknown')
end

local function count_presence(before, after)
  if before == after then return end
  if before then redis.call('HINCRBY', META, 'agents_' .. before, -1) end
  if after then redis.call('HINCRBY', META, 'agents_' .. after, 1) end
end

-- Writes an agent and keeps `ready` and the counts of presence in step. The only writer of both.
local function agent_write(id, agent)
  local member, presence = ready_member(id, agent), presence_of(agent)
  redis.call('HSET', AGENTS, id, pack_agent(agent))
  if member ~= agent.member then
    if agent.member then ready_remove(agent.member) end
    if member then ready_add(member) end
  end
  count_presence(agent.presence, presence)
  agent.member, agent.presence = member, presence
end

local function agent_delete(id, agent)
  if agent.member then ready_remove(agent.member) end
  group_join(agent, false)
  count_presence(agent.presence, nil)
  redis.call('ZREMRANGEBYLEX', RECENT, '[' .. id .. '\0', '(' .. id .. '\1')
  redis.call('HDEL', AGENTS, id)
end
