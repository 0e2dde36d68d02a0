-- Prelude: the one matching rule. While a line's head has an eligible agent with capacity, pair them.
-- Every change (a room in line, a slot freed, an agent online, a raised limit) changes the state and then calls
-- `pair` for a channel, `settle` for a group, or `drain` for all lines; all three end in the same pick.

-- Does choice `a` come before choice `b`? `order` is digits and NULs of fixed width: load, last confirmed, length of id.
local function comes_before(a, b)
  if not b then return true end
  if a.order ~= b.order then return a.order < b.order end
  for i = 1, #a.agent do
    local x, y = a.agent:byte(i), b.agent:byte(i)
    if x ~= y then return x < y end
  end
  return false
end

-- The agent for a channel: lowest load, then longest since the last confirmed assignment, then id by length and bytes.
-- `avoid`: an agent who is passed over, nil: nobody.
local function pick(channel, avoid)
  local best, second
  local served, full = 0, 0
  for _, group in ipairs(groups_serving(channel)) do
    local limit, found = group_limit(group), tally(group)
    served, full = served + found.ready, full + found.full
    for _, member in ipairs(found.full < found.ready and ready_first(group, avoid and 3 or 2) or {}) do
      local order, id = member:match('^[^%z]*%z(%d+%z%d+%z%d%d%d)(.*)$')
      local load = tonumber(order:sub(1, 5))
      if load >= limit then break end
      local choice = { agent = id, load = load, limit = limit, order = order }
      if id == avoid then
        -- Whoever comes behind is looked at.
      elseif comes_before(choice, best) then
        best, second = choice, best
      elseif comes_before(choice, second) then
        second = choice
      end
    end
  end
  if not best then return nil end
  best.runner_up = second and (second.agent .. ':' .. second.load) or ''
  best.full = full
  best.off_channel = redis.call('ZCARD', READY) - served
  return best
end

local function hold(room_id, room, agent_id, agent)
  room.token = redis.call('HINCRBY', META, 'token', 1)
  room.state, room.since, room.agent, room.call = 'reserved', NOW, agent_id, 'queued'
  room.unknowns, room.takeovers, room.confirmed = 0, 0, 0
  agent.reserved = agent.reserved + 1
  agent_write(agent_id, agent)
  redis.call('ZADD', HELD, '0', agent_id .. '\0' .. room_id)
  redis.call('XADD', OUTBOX, '*', 'room', room_id, 'agent', agent_id, 'token', room.token)
end

-- Counts a room that is in no line for the agent, with the reasons for this agent on record; `...` are more of its fields.
local function reserve(room_id, room, choice, why, ...)
  local agent = agent_read(choice.agent)
  local load = load_of(agent)
  hold(room_id, room, choice.agent, agent)
  local away = redis.call('HMGET', META, 'agents_offline', 'agents_paused')
  journal('room.reserved', room_id, room, 'agent', choice.agent, 'state', 'reserved', 'token', room.token,
    'place', room.place, 'channel', room.channel, 'load', load, 'limit', choice.limit, 'runner_up', choice.runner_up,
    'last', agent.last, 'full', choice.full, 'off_channel', choice.off_channel, 'offline', away[1] or 0, 'paused', away[2] or 0,
    'reason', why or 'least_loaded', ...)
  room_write(room_id, room)
end

-- Pairs the head of a channel's line with the best agent for it; false when there is no such pair. Behind a head that cannot be
-- read the channel's line stands still, and only that: with the next reading of the agents a drain goes on with the others.
local function pair_head(channel)
  local head = line_first(channel, 1)[1]
  if not head then return false end
  local choice = pick(channel)
  if not choice then return false end
  local _, _, room_id = line_parse(head)
  local room = room_try(room_id)
  if not room then return false end
  -- In this order: an agent who cannot be read raises while the room is in line still.
  reserve(room_id, room, choice)
  line_remove(room_id, room)
  return true
end

-- The channel whose line has the oldest head that agents of the group may serve.
local function oldest_channel(group)
  local channels = group_read(group).channels
  if channels == '*' then
    local head = redis.call('ZRANGE', HEADS, 0, 0)[1]
    return head and head:match('^[^%z]*%z(.*)$')
  end
  local oldest, found
  local function look(channel)
    local head = line_first(channel, 1)[1]
    if not head then return end
    local _, place = line_parse(head)
    if not oldest or place < oldest then oldest, found = place, channel end
  end
  look('')
  for channel in channels:gmatch('[^,]+') do look(channel) end
  return found
end

-- Is a larger drain under way? Then there are heads that nobody has looked at yet, and only the drain may pair: whoever
-- else did would let a younger room overtake them.
local draining = nil
local function drain_under_way()
  if draining == nil then draining = redis.call('HEXISTS', META, 'drain') == 1 end
  return draining
end

-- Pairs for all lines, oldest head first, at most 64. Leaves a mark when there may be more, so that the next script that
-- takes entries finishes this first, whoever runs it. Returns 1 when there may be more.
local function drain()
  -- Capacity only shrinks here: heads before `passed` have nobody, groups before `at` are full, and neither is looked at
  -- again. Nobody has capacity: no head is.
  local passed, made = 0, 0
  local groups, at = group_list('all'), 1
  while made < 64 do
    local head = redis.call('ZRANGE', HEADS, passed, passed)[1]
    while head and groups[at] and not has_capacity(groups[at]) do at = at + 1 end
    if not head or not groups[at] then
      redis.call('HDEL', META, 'drain')
      draining = false
      return 0
    end
    if pair_head(head:match('^[^%z]*%z(.*)$')) then made = made + 1 else passed = passed + 1 end
  end
  redis.call('HSET', META, 'drain', 1)
  draining = true
  return 1
end

-- Pairs for one group until it is full or nobody waits for it; at most `budget` pairs.
local function settle(group, budget)
  if drain_under_way() then
    drain()
    return
  end
  local made = 0
  while made < budget and has_capacity(group) do
    local channel = oldest_channel(group)
    if not channel or not pair_head(channel) then break end
    made = made + 1
  end
end

-- Pairs for one channel, where a room came into line.
local function pair(channel)
  if drain_under_way() then drain() else pair_head(channel) end
end

-- Takes the room from its agent, in the one place where a count goes down. Returns the agent's group.
local function free_slot(room_id, room)
  local agent = agent_read(room.agent)
  if room.state == 'reserved' then
    agent.reserved = agent.reserved - 1
  else
    agent.assigned, room.again = agent.assigned - 1, 1
    redis.call('ZADD', RECENT, '0', ('%s\0%013d\0%013d\0%s'):format(room.agent, NOW, room.confirmed, room_id))
  end
  redis.call('ZREM', HELD, room.agent .. '\0' .. room_id)
  redis.call('ZREM', LATER, room_id)
  agent_write(room.agent, agent)
  room.agent, room.token, room.call, room.confirmed = '', 0, '', 0
  return agent.group
end

-- Takes a room that keeps failing from its agent and sets it aside, out of the way. The caller has put the reason on record.
local function park(room_id, room)
  local group = free_slot(room_id, room)
  room.state, room.since = 'parked', NOW
  room_write(room_id, room)
  redis.call('ZADD', PARKED, NOW_TEXT, room_id)
  settle(group, 64)
end

-- Puts a room (back) in line at its place.
local function queue(room_id, room)
  room.state, room.since = 'waiting', NOW
  line_add(room_id, room)
  room_write(room_id, room)
end

-- Puts a room in line and pairs for its channel. With nobody before it, it would be the head, and a pick looks at agents
-- only: then the pair is the same without the way into the line and out again, a quarter of the cost
-- (test/property/enter.test.ts holds it against the long way).
local function enter(room_id, room)
  if not drain_under_way() and not line_first(room.channel, 1)[1] then
    local choice = pick(room.channel)
    if choice then return reserve(room_id, room, choice) end
  end
  queue(room_id, room)
  pair(room.channel)
end

-- Takes a room out of wherever it is and closes its session: a small record with the service mark remains.
-- Returns the group that got a slot back, if any.
local function close(room_id, room)
  local group
  if room.state == 'reserved' or room.state == 'assigned' then
    group = free_slot(room_id, room)
  elseif room.state == 'waiting' then
    if redis.call('ZREM', LATER, room_id) == 0 then line_remove(room_id, room) end
  elseif room.state == 'parked' then
    redis.call('ZREM', PARKED, room_id)
  end
  local small = room_new()
  small.state, small.since, small.mark, small.last = 'resolved', NOW, room.mark, room.last
  room_write(room_id, small)
  redis.call('ZADD', ENDED, NOW_TEXT, room_id)
  return group
end

-- Rooms that an agent may no longer get: reserved, the call not sent. They go back to their places; the caller drains.
local function return_queued(agent_id, reason)
  for _, member in ipairs(redis.call('ZRANGEBYLEX', HELD, '[' .. agent_id .. '\0', '(' .. agent_id .. '\1')) do
    local room_id = member:match('^[^%z]*%z(.*)$')
    local room = room_try(room_id)
    if room and room.state == 'reserved' and room.call == 'queued' then
      free_slot(room_id, room)
      journal('room.returned', room_id, room, 'agent', agent_id, 'state', 'waiting', 'reason', reason,
        'position', line_position(room_id, room))
      queue(room_id, room)
    end
  end
end
