/**
 * The table of mutants: each takes one rule out of the code, and names the quickest suite that must then fail.
 *
 * `find` stands exactly once in its file; the runner stops when it does not, so that the table cannot rot unseen.
 */

export interface Edit {
  file: string;
  find: string;
  replace: string;
}

/** Which suite must fail: an exploration with these flags, or tests of one file by name. */
export type Killer = { explore: string } | { test: string; only: string };

export interface Mutant {
  name: string;
  /** The rule that it removes. */
  rule: string;
  edits: Edit[];
  killer: Killer;
}

const TAKE = 'lua/take_entries.lua';
const MATCHING = 'lua/prelude/matching.lua';
const POLICY = 'src/dispatch/policy.ts';

/** One room, two agents, two sessions, a webhook that comes twice: enough for most rules about sessions. */
const SESSIONS = '--rooms 1 --episodes 2 --duplicates 1';
/** One slot and two rooms, one call that goes wrong. */
const ONE_SLOT = '--rooms 2 --agents 1 --faults 1';

const releaseOnUnknown: Edit = {
  file: POLICY,
  find: "return { ...deferred('unknown', outcome.sent, intent.unknowns, jitter), reason: outcome.reason };",
  replace: "return { do: 'later', delayMs: 1_000, reason: outcome.reason };",
};
const noMaxAgent: Edit = {
  file: 'src/qiscus/client.ts',
  find: "replace_latest_agent: 'false', max_agent: '1' }",
  replace: "replace_latest_agent: 'false' }",
};

export const MUTANTS: Mutant[] = [
  {
    name: 'no limit',
    rule: 'an agent at its limit gets nothing',
    edits: [
      {
        file: 'lua/prelude/roster.lua',
        find: 'return limit >= 0 and limit or limit_default()',
        replace: 'return 99999',
      },
    ],
    killer: { explore: '--rooms 2 --agents 1' },
  },
  {
    name: 'release in two steps',
    rule: 'a count goes down in the step that takes the room from its holder',
    edits: [{ file: MATCHING, find: "  redis.call('ZREM', HELD, room.agent .. '\\0' .. room_id)\n", replace: '' }],
    killer: { explore: '--rooms 1' },
  },
  {
    name: 'reservation not counted',
    rule: 'a reserved room is part of the load',
    edits: [
      { file: MATCHING, find: 'agent.reserved = agent.reserved + 1', replace: 'agent.reserved = agent.reserved' },
    ],
    killer: { explore: '--rooms 1' },
  },
  {
    name: 'integer counters',
    rule: 'counts follow the holders: a second resolve changes none',
    edits: [
      {
        file: TAKE,
        find: "journal('entry.stale', entry.room, room, 'state', 'not_held')",
        replace:
          "local id = redis.call('HKEYS', AGENTS)[1]; local agent = agent_read(id); agent.assigned = agent.assigned - 1; agent_write(id, agent)",
      },
    ],
    killer: { explore: '--rooms 1 --duplicates 1' },
  },
  {
    name: 'acknowledged before applied',
    rule: 'a webhook is acknowledged in the step that applies it, not when it is read',
    edits: [
      {
        file: TAKE,
        find: "'COUNT', COUNT, 'STREAMS', INBOX, '>')",
        replace: "'COUNT', COUNT, 'NOACK', 'STREAMS', INBOX, '>')",
      },
    ],
    killer: { test: 'test/integration/ledger-inbox.test.ts', only: 'is buried at its fifth delivery' },
  },
  {
    name: 'no tie-break',
    rule: 'lowest load first, then longest since the last confirmed assignment',
    edits: [{ file: MATCHING, find: '  if a.order ~= b.order then return a.order < b.order end\n', replace: '' }],
    killer: { test: 'test/property/ledger.test.ts', only: 'any life' },
  },
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
    name: 'no high-water mark',
    rule: 'a resolve of a service that is over already changes nothing',
    edits: [{ file: TAKE, find: 'service ~= UNKNOWN and service <= room.mark then', replace: 'false then' }],
    killer: { explore: SESSIONS },
  },
  {
    name: 'mark learnt too late',
    rule: 'a session learns from its webhook which service was over before it',
    edits: [
      {
        file: TAKE,
        find: 'room.base, room.mark = service, math.max(room.mark, service)',
        replace: 'room.base = service',
      },
    ],
    killer: { explore: SESSIONS },
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
    name: 'no question',
    rule: 'a customer who writes while we think the room held raises a question',
    edits: [
      {
        file: TAKE,
        find: 'if math.abs(NOW - room.confirmed) >= GRACE_MS and question(',
        replace: 'if false and question(',
      },
    ],
    killer: {
      test: 'test/integration/scenarios/lost-webhooks.test.ts',
      only: 'without ids, and Qiscus still shows it resolved',
    },
  },
  {
    name: 'no sweep',
    rule: 'rooms are compared with Qiscus every period',
    edits: [
      { file: 'src/reconcile/leader.ts', find: '() => this.#compareRooms()', replace: '() => Promise.resolve()' },
    ],
    killer: {
      test: 'test/integration/scenarios/lost-webhooks.test.ts',
      only: 'a lost resolve and nobody writes again',
    },
  },
  {
    name: 'raised limit without a drain',
    rule: 'a raised limit serves the line at once',
    edits: [
      {
        file: 'lua/set_max_customers.lua',
        find: "return { drain() == 1 and 'more' or 'done' }",
        replace: "return { 'done' }",
      },
    ],
    killer: { test: 'test/integration/ledger-inbox.test.ts', only: 'a raised limit serves all of the line' },
  },
  {
    name: 'resolve without a match',
    rule: 'a slot that is freed goes to the line in the same step',
    edits: [{ file: TAKE, find: '  if group then settle(group, 64) end\nend', replace: 'end' }],
    killer: { explore: '--rooms 2 --agents 1' },
  },
  {
    name: 'group created at $',
    rule: 'a lost group begins at 0: what waits is not skipped',
    edits: [{ file: 'src/streams/groups.ts', find: "group, '0', 'MKSTREAM'", replace: "group, '$', 'MKSTREAM'" }],
    killer: { test: 'test/integration/ledger-inbox.test.ts', only: 'its group is deleted while 1,000 entries wait' },
  },
  {
    name: 'place lost on return',
    rule: 'a room that comes back keeps its old place',
    edits: [
      {
        file: 'lua/refuse_assignment.lua',
        find: "room.state, room.since = 'waiting', NOW",
        replace: "room.state, room.since, room.place = 'waiting', NOW, ('%d-0'):format(NOW)",
      },
    ],
    killer: { explore: '--rooms 1 --faults 1 --kinds refused' },
  },
  {
    name: 'heads not updated',
    rule: 'each line’s head is known',
    edits: [
      {
        file: 'lua/prelude/line.lua',
        find: "if first[2] then redis.call('ZADD', HEADS, '0', head_member(first[2])) end",
        replace: '',
      },
    ],
    killer: { explore: '--rooms 3 --agents 1' },
  },
  {
    name: 'line out of order',
    rule: 'first come, first served',
    edits: [
      {
        file: MATCHING,
        find: '  local head = line_first(channel, 1)[1]\n  if not head then return false end',
        replace:
          '  local two = line_first(channel, 2)\n  local head = two[2] or two[1]\n  if not head then return false end',
      },
    ],
    killer: { explore: '--rooms 3 --agents 1' },
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
    edits: [{ file: 'lua/confirm_assignments.lua', find: "redis.call('ZREM', LATER, room_id)", replace: '' }],
    killer: { explore: '--rooms 1 --agents 1 --faults 1 --regroups 1' },
  },
  {
    name: 'short way in beside a drain',
    rule: 'while a drain is under way only the drain pairs: nobody comes in before the heads that it has not looked at',
    edits: [
      { file: MATCHING, find: '  if not drain_under_way() and not line_first(', replace: '  if not line_first(' },
    ],
    killer: { test: 'test/property/enter.test.ts', only: 'the short way' },
  },
  {
    name: 'reported and acknowledged before it is checked',
    rule: 'a report that raises leaves its intent where it is',
    edits: [
      {
        file: 'lua/confirm_assignments.lua',
        find: '  local agent = room and agent_read(room.agent)\n  acknowledge_intent(intent)\n',
        replace: '  acknowledge_intent(intent)\n  local agent = room and agent_read(room.agent)\n',
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
  {
    name: 'ioredis defaults on ingest',
    rule: 'an append is sent once or fails',
    edits: [{ file: 'src/redis/client.ts', find: '    maxRetriesPerRequest: 0,\n', replace: '' }],
    killer: { test: 'test/integration/appends.test.ts', only: 'an append whose answer is lost' },
  },
  {
    name: 'newer format not heeded',
    rule: 'what a newer version wrote is left to the newer ones',
    edits: [
      {
        file: 'lua/prelude/records.lua',
        find: "if ledger_format > FORMAT then error('NEWER ' .. ledger_format) end\n",
        replace: '',
      },
    ],
    killer: { test: 'test/integration/ledger-format.test.ts', only: 'refuses it' },
  },
];
