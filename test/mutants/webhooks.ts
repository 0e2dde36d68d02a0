/** Mutants of what comes in: webhooks taken once, in order, by session, and the lost ones found. */
import { type Mutant, SESSIONS, TAKE } from './mutant';

export const WEBHOOKS: Mutant[] = [
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
      { file: 'src/reconcile/leader.ts', find: '() => this.#comparisons.rooms()', replace: '() => Promise.resolve()' },
    ],
    killer: {
      test: 'test/integration/scenarios/lost-webhooks.test.ts',
      only: 'a lost resolve and nobody writes again',
    },
  },
  {
    name: 'group created at $',
    rule: 'a lost group begins at 0: what waits is not skipped',
    edits: [{ file: 'src/streams/groups.ts', find: "group, '0', 'MKSTREAM'", replace: "group, '$', 'MKSTREAM'" }],
    killer: { test: 'test/integration/ledger-inbox.test.ts', only: 'its group is deleted while 1,000 entries wait' },
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
