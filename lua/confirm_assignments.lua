#!lua flags=allow-oom
-- Qiscus has these rooms with our agents: each reservation becomes an assignment.
-- Prelude: records line roster matching qiscus
-- ARGV[2…] reports  text    five each, at most 64: id of the outbox entry, room, agent whom the call named, fencing token of
--                           the reservation, 'confirmed' | 'inferred' (an earlier call without an answer must have done it)
--                           | 'dry_run' (Qiscus was not called)
-- Returns  {'reported', word…}  in the order of the reports: 'done', 'fenced', or what that report raised
-- Replay   fenced: nothing changes
-- Cost     O(reports x log agents)
if #ARGV < 6 or (#ARGV - 1) % 5 ~= 0 then error('reports come five arguments each') end
local heard = false
for i = 5, #ARGV, 5 do
  if not tonumber(ARGV[i]) then error('a token is not a number') end
  heard = heard or ARGV[i + 1] ~= 'dry_run'
end

local function confirm(intent, room_id, agent_id, token, reason)
  local room = reservation(room_id, token)
  -- What cannot be read raises here, before the intent is gone.
  local agent = room and holder_of(room)
  acknowledge_intent(intent)
  if not room then return fenced(room_id, agent_id, 'assigned')[1] end
  -- What it took: since the customer came, and since it was reserved. The metrics have nothing else to go by. Who had an agent
  -- before in this session did not wait since he came: '' then.
  local came = tonumber(room.place:match('^%d+'))
  local waited, took = room.again == 1 and '' or math.max(0, NOW - came), math.max(0, NOW - room.since)
  -- Two may hold one intent after its group was lost, and the other one's report had the call made again later.
  redis.call('ZREM', LATER, room_id)
  local last = agent.last
  agent.reserved, agent.assigned, agent.last = agent.reserved - 1, agent.assigned + 1, NOW
  agent.doubts, agent.doubted = 0, ''
  agent_write(room.agent, agent)
  room.state, room.since, room.call, room.confirmed = 'assigned', NOW, '', NOW
  room.takeovers, room.asked_by = 0, ''
  journal('room.assigned', room_id, room, 'agent', room.agent, 'state', 'assigned', 'token', token, 'reason', reason,
    'waited', waited, 'took', took, 'last', last)
  room_write(room_id, room)
  return 'done'
end

-- A call that was not made says nothing about Qiscus.
if heard then breaker_note('answered', 0) end
local answer = { 'reported' }
for i = 2, #ARGV, 5 do
  -- A record that cannot be read must not keep the other rooms from being confirmed.
  local done, word = pcall(confirm, ARGV[i], ARGV[i + 1], ARGV[i + 2], tonumber(ARGV[i + 3]), ARGV[i + 4])
  answer[#answer + 1] = done and word or tostring(type(word) == 'table' and word.err or word)
end
return answer
