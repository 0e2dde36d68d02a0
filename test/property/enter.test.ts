/**
 * The short way into the ledger (`enter` in lua/prelude/matching.lua: a room that finds an agent at once is in no line
 * first) against the long one: in line, then paired. Random offices, the same steps in both: the same journal, field by
 * field, and the same state, with drains under way, rooms that come back, and lines of several channels for one agent.
 *
 * PROPERTY_RUNS sets how many offices; PROPERTY_SEED replays one.
 */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import fc from 'fast-check';
import { connect, type RedisClient } from '../../src/redis/client';
import type { Keys } from '../../src/redis/keys';
import { loadScript, type Reply, Scripts } from '../../src/redis/scripts';
import { readBooks } from '../support/books';
import { entryOf } from '../support/entry';
import { allocation, openTestLedger, resolved, type TestLedger } from '../support/ledger';
import { startTestRedis } from '../support/redis';

const RUNS = Number(process.env.PROPERTY_RUNS ?? 60);
const SEED = Number(process.env.PROPERTY_SEED ?? 1);
const BEGUN_MS = Date.now();
/** More than one drain pairs at a time. */
const CROWD = 90;

const SHORT = /local function enter\(room_id, room\)\n.*?\nend\n/s;
const LONG = 'local function enter(room_id, room)\n  queue(room_id, room)\n  pair(room.channel)\nend\n';
const ENTERING = new Map(
  ['take_entries', 'adopt_room'].map((name) => {
    const { source, keys } = loadScript(name);
    return [name, { source: source.replace(SHORT, LONG), changed: SHORT.test(source), keys }];
  }),
);

class LongWay extends Scripts {
  constructor(
    readonly client: RedisClient,
    readonly keys: Keys,
  ) {
    super(client, keys);
  }

  override async run(name: string, ...args: (string | number)[]): Promise<Reply[]> {
    const long = ENTERING.get(name);
    if (!long) return super.run(name, ...args);
    const keys = long.keys.map((noun) => this.keys[noun]);
    return (await this.client.eval(long.source, keys.length, ...keys, ...args)) as Reply[];
  }
}

const room = fc.constantFrom('1', '2', '3', '4', '5', '6');
const channel = fc.constantFrom(null, '10', '20');
const service = fc.constantFrom(null, 0, 1, 2);
const agent = fc.record({
  id: fc.constantFrom('a', 'b', 'aa'),
  online: fc.constantFrom(true, true, false),
  channels: fc.constantFrom(null, ['10'], ['10', '20']),
});
const webhook = fc.oneof(
  fc
    .record({ roomId: room, channelId: channel, finishedService: service })
    .map(({ roomId, ...more }) => allocation(roomId, more)),
  fc.record({ roomId: room, service }).map(({ roomId, service }) => resolved(roomId, service)),
);
const what = fc.constantFrom('confirm', 'close', 'later', 'park' as const);
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('webhooks' as const), webhooks: fc.array(webhook) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('crowd' as const), of: channel, channel }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('adopt' as const), room, channel }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('limit' as const), limit: fc.constantFrom(1, 2, 3, 50, 100) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('report' as const), want: fc.constantFrom(1, 3, 64), what }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('roster' as const), agents: fc.array(agent) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('requeue' as const), room }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.constantFrom(1, 600, 20_000) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

let stop: () => Promise<void>;
let client: RedisClient;
beforeAll(async () => {
  const redis = await startTestRedis();
  client = await connect(redis.url, 'command');
  stop = redis.stop;
});
afterAll(async () => {
  client.disconnect();
  await stop();
});

/** Returns how many rooms came in the middle of a drain. */
async function live(steps: Step[], t: TestLedger, scripts: Scripts): Promise<number> {
  t.clock.ms = BEGUN_MS;
  let entries = 0;
  let inDrain = 0;
  const arrive = async (webhooks: ReturnType<typeof resolved>[]) => {
    for (const one of webhooks) {
      entries += 1;
      await client.xadd(t.keys.inbox, `${BEGUN_MS}-${entries}`, ...entryOf(one, `r${entries}`));
    }
    await t.applyAll();
  };
  const limit = (most: number) => scripts.run('set_max_customers', t.clock.ms, 'max_customers', most);
  const adopt = (roomId: string, channelId: string | null) =>
    t.ledger.adopt({ roomId, channelId, source: null, customerName: null });
  await t.roster([
    { id: 'a', channels: null },
    { id: 'b', channels: ['10'] },
  ]);
  for (const next of steps) {
    if (next.do === 'webhooks') await arrive(next.webhooks);
    if (next.do === 'crowd') {
      const name = `crowd-${entries}`;
      await limit(1);
      await arrive(Array.from({ length: CROWD }, (_, n) => allocation(`${name}-${n}`, { channelId: next.of })));
      // The first 64 pairs only.
      await limit(100);
      if ((await client.hexists(t.keys.meta, 'drain')) === 1) inDrain += 1;
      await adopt(name, next.channel);
    }
    if (next.do === 'adopt') await adopt(next.room, next.channel);
    if (next.do === 'limit') await limit(next.limit);
    if (next.do === 'roster') await t.roster([...new Map(next.agents.map((one) => [one.id, one])).values()]);
    if (next.do === 'requeue') await t.desk.requeueRoom(next.room, null);
    if (next.do === 'advance') t.clock.ms += next.ms;
    if (next.do === 'advance') await scripts.run('advance_clock', t.clock.ms, '', 0, 1e12, 1e12, 1e12, 1e6);
    if (next.do === 'report') {
      const taken = await t.ledger.takeIntents(next.want, 1_000, 1e9);
      for (const intent of taken.kind === 'taken' ? taken.intents : []) {
        if (intent.kind === 'question') await t.ledger.answer(intent, 'held', { kind: 'answered', pauseMs: 0 });
        else if (next.what === 'confirm') await t.ledger.confirm(intent, 'confirmed');
        else await t.ledger.refuse(intent, 'no', next.what, t.clock.ms + 500);
      }
    }
  }
  return inDrain;
}

/** All of the books, with the numbers of records and intents in the place of their ids, which tell the time. */
async function told(t: TestLedger) {
  const { journal, outbox, inbox, ...state } = await readBooks(client, t.keys);
  const numbers = new Map(journal.map(({ id }, n) => [id, n]));
  return {
    ...state,
    outbox: outbox.entries.map(({ fields }) => fields),
    // The first one is from before the clock was set.
    journal: journal.slice(1).map(({ event, atMs, fields: { prev = '', ...fields } }) => ({
      ...{ event, atMs, fields },
      prev: numbers.get(prev),
    })),
  };
}

test('the short way into the ledger does what the long one does', async () => {
  expect([...ENTERING.values()].map(({ changed }) => changed)).toEqual([true, true]);
  let inDrain = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30, size: 'max' }), async (steps) => {
      const short = await openTestLedger(client);
      let long = new Scripts(client, short.keys);
      inDrain += await live(steps, short, long);
      const other = await openTestLedger(client, 2, (keys) => {
        long = new LongWay(client, keys);
        return long;
      });
      await live(steps, other, long);
      const [one, two] = [await told(short), await told(other)];
      expect(one).toEqual(two);
    }),
    { numRuns: RUNS, seed: SEED },
  );
  expect(inDrain).toBeGreaterThan(0);
}, 120_000);
