/** Mutants of the calls to Qiscus: reservations, tokens, answers and reports. */
import { type Edit, type Mutant, ONE_SLOT, SESSIONS } from './mutant';

const releaseOnUnknown: Edit = {
  file: 'src/dispatch/policy.ts',
  find: "return { ...deferred('unknown', outcome.sent, intent.unknowns, jitter), reason: outcome.reason };",
  replace: "return { do: 'later', delayMs: 1_000, reason: outcome.reason };",
};
const noMaxAgent: Edit = {
  file: 'src/qiscus/client.ts',
  find: "replace_latest_agent: 'false', max_agent: '1' }",
  replace: "replace_latest_agent: 'false' }",
};

export const CALLS: Mutant[] = [
  {
    name: 'no fencing token',
    rule: 'a report counts only for the reservation that it is about',
    edits: [
      {
        file: 'lua/prelude/qiscus.lua',
        find: "room.state == 'reserved' and room.token == token then return room end",
        replace: "room.state == 'reserved' then return room end",
      },
    ],
    killer: { explore: `${SESSIONS} --faults 1` },
  },
  {
    name: 'takeover without a new token',
    rule: 'a takeover fences the holder before',
    edits: [
      {
        file: 'lua/reclaim_intents.lua',
        find: "room.call, room.token = 'unknown', redis.call('HINCRBY', META, 'token', 1)",
        replace: "room.call = 'unknown'",
      },
    ],
    killer: { explore: `${ONE_SLOT} --takeovers 1` },
  },
  {
    name: 'release on no answer',
    rule: 'a call without an answer keeps agent and slot',
    edits: [releaseOnUnknown],
    killer: { explore: ONE_SLOT },
  },
  {
    name: 'release on no answer, no max_agent',
    rule: 'both of them: a room with two agents',
    edits: [releaseOnUnknown, noMaxAgent],
    killer: { explore: '--rooms 2 --limit 2 --faults 1' },
  },
  {
    name: 'no max_agent',
    rule: 'a late request joins nobody who is served',
    edits: [noMaxAgent],
    killer: { explore: '--rooms 1 --episodes 2 --faults 1 --kinds late' },
  },
  {
    name: 'deferred call never due',
    rule: 'a reserved room has an intent or a due time',
    edits: [{ file: 'lua/defer_assignment.lua', find: "redis.call('ZADD', LATER, DUE, ROOM)", replace: '' }],
    killer: { explore: ONE_SLOT },
  },
  {
    name: 'confirmed and still due',
    rule: 'a confirmed room has nothing due, even when two dispatchers held its call',
    // Two guards: the clock, too, queues only what waits.
    edits: [
      { file: 'lua/confirm_assignments.lua', find: "redis.call('ZREM', LATER, room_id)", replace: '' },
      { file: 'lua/advance_clock.lua', find: "  elseif room.state == 'waiting' then", replace: '  else' },
    ],
    killer: { explore: '--rooms 1 --agents 1 --faults 1 --regroups 1' },
  },
  {
    name: 'reported and acknowledged before it is checked',
    rule: 'a report that raises leaves its intent where it is',
    edits: [
      {
        file: 'lua/confirm_assignments.lua',
        find: '  local agent = room and holder_of(room)\n  acknowledge_intent(intent)\n',
        replace: '  acknowledge_intent(intent)\n  local agent = room and holder_of(room)\n',
      },
    ],
    killer: { test: 'test/integration/confirmations.test.ts', only: 'a record that cannot be read' },
  },
  {
    name: 'one bad report fails all',
    rule: 'of reports that go together each fails alone',
    edits: [
      {
        file: 'lua/confirm_assignments.lua',
        find: 'local done, word = pcall(confirm, ',
        replace: 'local done, word = true, confirm(',
      },
    ],
    killer: { test: 'test/integration/confirmations.test.ts', only: 'a record that cannot be read' },
  },
  {
    name: 'concurrency of each process',
    rule: 'all processes together have no more than their one concurrency under way',
    edits: [
      {
        file: 'lua/take_intents.lua',
        find: 'local allowed = math.min(WANT, most - in_flight)',
        replace: 'local allowed = WANT',
      },
    ],
    killer: { test: 'test/integration/dispatcher.test.ts', only: 'two processes never have more' },
  },
];
