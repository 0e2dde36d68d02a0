#!lua flags=allow-oom
-- Applies one reading of Qiscus's agents, or a part of it: presence, channels, and the load that is not ours.
-- Prelude: records line roster matching qiscus
-- ARGV[2]  begun    number  ms: the reading was asked for
-- ARGV[3]  ended    number  ms: the reading was complete
-- ARGV[4]  lag      number  ms that Qiscus's counts may be late
-- ARGV[5]  last     number  1: the last part of this reading
-- ARGV[6…] agents   text    five each, at most 64 agents: id, name, 'online'|'offline'|'absent', channels ('*', or ids in
--                           order joined by commas), count of customers ('' unknown)
-- Returns  {'done', {room that could not be read…}} | {'more', the same} | {'stale'}  more: pairs are left to make,
--           drain_line makes them; stale: a reading begun later was applied already (its reader is no longer the leader),
--           nothing was done
-- Replay   counts as another reading: an agent offline in both goes offline
-- Cost     O(agents given x their rooms + pairs), at most 64 pairs
local BEGUN, ENDED_AT, LAG, LAST = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5] == '1'
if (#ARGV - 5) % 5 ~= 0 then error('agents come five arguments each') end
local MISSES_TO_GO_OFFLINE = 2
-- An operator's pause and limit outlive the agent's absence by this.
local KEEP_SETTINGS_MS = 30 * 24 * 3600000

-- A time to come is from before the clock was set back, and refuses nothing.
local applied = tonumber(redis.call('HGET', META, 'roster_begun') or 0)
if BEGUN < applied and applied <= NOW then return { 'stale' } end
redis.call('HSET', META, 'roster_begun', BEGUN)

-- Our rooms that Qiscus's count may include, and those that it must include, at the time of the reading.
local function ours_in_count(id, agent)
  local may, must = 0, 0
  local function look(confirmed, released)
    -- A time to come is from before the clock was set back: nobody knows how long ago that was.
    local may_count = confirmed <= ENDED_AT or confirmed > NOW + MOST_SKEW_MS
    if may_count and released >= BEGUN - LAG then may = may + 1 end
    if confirmed <= BEGUN - LAG and released > ENDED_AT then must = must + 1 end
  end
  if agent.assigned > 0 then
    for _, member in ipairs(redis.call('ZRANGEBYLEX', HELD, '[' .. id .. '\0', '(' .. id .. '\1')) do
      local room = room_read(member:match('^[^%z]*%z(.*)$'))
      if room.state == 'assigned' then look(room.confirmed, math.huge) end
    end
  end
  for _, member in ipairs(redis.call('ZRANGEBYLEX', RECENT, '[' .. id .. '\0', '(' .. id .. '\1')) do
    local released, confirmed = member:match('^[^%z]*%z(%d+)%z(%d+)')
    -- At a time to come: before the clock was set back, and in no count any more.
    if tonumber(released) <= NOW + MOST_SKEW_MS then look(tonumber(confirmed), tonumber(released)) end
  end
  return may, must
end

local function read_outside(id, agent, count, may, must)
  local outside = agent.outside
  if outside < count - may then
    outside = count - may
  elseif outside > math.max(0, count - must) then
    outside = math.max(0, count - must)
  end
  if outside == agent.outside then return end
  journal('agent.outside', nil, nil, 'agent', id, 'from', agent.outside, 'to', outside, 'count', count, 'ours', agent.assigned)
  agent.outside = outside
end

for i = 6, #ARGV, 5 do
  local id, name, presence, channels, count = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], tonumber(ARGV[i + 4])
  local agent = agent_read(id)
  if agent or presence ~= 'absent' then
    local before = agent and agent.online or 0
    -- Rooms that cannot be read raise here, before anything of the agent is written.
    local may, must = 0, 0
    if agent and count then may, must = ours_in_count(id, agent) end
    if not agent then
      agent = agent_new()
      journal('agent.joined', nil, nil, 'agent', id, 'channels', channels)
    end
    if presence ~= 'absent' then
      if agent.group ~= '' and agent.channels ~= channels then
        journal('agent.channels', nil, nil, 'agent', id, 'from', agent.channels, 'channels', channels)
      end
      agent.name, agent.channels, agent.seen = name, channels, NOW
    end
    group_join(agent, true)
    if presence == 'online' then
      agent.misses = 0
      if not is_aside(agent) then agent.online = 1 end
    else
      agent.misses = agent.misses + 1
      if agent.misses >= MISSES_TO_GO_OFFLINE then agent.online = 0 end
    end
    -- With or without a count: what was given back so long ago is in no count any more.
    redis.call('ZREMRANGEBYLEX', RECENT, '[' .. id .. '\0', ('(%s\0%013d'):format(id, BEGUN - LAG))
    redis.call('ZREMRANGEBYLEX', RECENT, ('[%s\0%013d'):format(id, NOW + MOST_SKEW_MS), '(' .. id .. '\1')
    if count then read_outside(id, agent, count, may, must) end
    if presence ~= 'absent' then agent.counted = count and 1 or 0 end
    agent_write(id, agent)
    if agent.online ~= before then
      if agent.online == 1 then
        -- With the time until which it was set aside while it was away.
        journal('agent.online', nil, nil, 'agent', id, 'reason', presence, 'aside', agent.aside)
      else
        journal('agent.offline', nil, nil, 'agent', id, 'reason', presence)
        return_queued(id, 'agent_offline')
      end
    end
    agent = agent_read(id)
    local set = agent.paused == 1 or agent.limit >= 0
    local kept = agent.reserved + agent.assigned > 0 or (set and NOW - agent.seen < KEEP_SETTINGS_MS)
    if presence == 'absent' and agent.online == 0 and not kept then
      agent_delete(id, agent)
      journal('agent.left', nil, nil, 'agent', id)
    end
  end
end
if LAST then
  redis.call('HSET', META, 'roster_at', NOW)
  -- Qiscus answers us. That ends a pause when there is no call to try it with; otherwise a call has to tell.
  local idle = redis.call('XLEN', OUTBOX) == 0 and redis.call('ZCARD', LATER) == 0
  if idle and NOW >= breaker_read().until_ms then breaker_note('answered', 0) end
end
return { drain() == 1 and 'more' or 'done', unreadable }
