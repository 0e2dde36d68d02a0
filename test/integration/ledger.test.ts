/**
 * The ledger's promises one by one, on a real Redis and on a cluster of one node, with a clock that the test moves.
 * After every test the invariant checker looks at the whole state.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { Redis } from 'ioredis';
import pino from 'pino';
import { Applier } from '../../src/ledger/apply';
import { type Intent, Ledger } from '../../src/ledger/index';
import type { Webhook } from '../../src/ledger/model';
import { connect, type RedisClient } from '../../src/redis/client';
import { Scripts } from '../../src/redis/scripts';
import { ensureGroups } from '../../src/streams/groups';
import { brokenInvariants, readSnapshot } from '../support/invariants';
import { allocation, openTestLedger, resolved, type TestLedger } from '../support/ledger';
import { startTestRedis, type TestRedis } from '../support/redis';
import { until } from '../support/wait';

const silent = pino({ level: 'silent' });
const HOUR_MS = 3_600_000;
const CALM = {
  fallbackAgentId: null,
  fallbackAfterMs: 0,
  waitMaxMs: 1e12,
  keepMarkMs: 1e12,
  journalMs: 1e12,
  journalEntries: 1e6,
};

for (const cluster of [false, true]) {
  describe(cluster ? 'on a cluster of one node' : 'on a standalone Redis', () => {
    let redis: TestRedis;
    let client: RedisClient;
    let t: TestLedger;
    let known: Set<string>;

    beforeAll(async () => {
      redis = await startTestRedis({ cluster });
      client = await connect(redis.url, 'command');
    });
    afterAll(async () => {
      client.disconnect();
      await redis.stop();
    });
    beforeEach(async () => {
      known = new Set();
      t = await openTestLedger(client);
    });
    afterEach(async () => expect(brokenInvariants(await readSnapshot(t), known)).toEqual([]));

    async function send(...webhooks: Webhook[]): Promise<void> {
      for (const webhook of webhooks) {
        await t.append(webhook);
        if (webhook.kind === 'allocation') known.add(webhook.roomId);
      }
    }
    async function arrive(...webhooks: Webhook[]): Promise<void> {
      await send(...webhooks);
      await t.applyAll();
    }
    async function take(want = 64): Promise<Intent[]> {
      const taken = await t.ledger.takeIntents(want, 1_000, 1e9);
      return taken.kind === 'taken' ? taken.intents : [];
    }
    async function confirmAll(): Promise<string[]> {
      const rooms: string[] = [];
      for (let intents = await take(); intents.length > 0; intents = await take()) {
        for (const intent of intents) expect(await t.ledger.confirm(intent, 'confirmed')).toBe('done');
        rooms.push(...intents.map(({ roomId }) => roomId));
      }
      return rooms;
    }
    async function advance(ms: number, rules: Partial<typeof CALM> | { fallbackAgentId: string } = {}): Promise<void> {
      t.clock.ms += ms;
      while ((await t.ledger.advanceClock({ ...CALM, ...rules })).more);
    }
    const stateOf = async (room: string) => (await t.desk.readRoom(room))?.state;
    const agentOf = async (room: string) => (await t.desk.readRoom(room))?.agentId;
    const loadOf = async (agent: string) => (await t.desk.readAgent(agent))?.load;
    const eventsOf = async (room: string) => (await t.desk.readDecisions(room, 50)).map(({ event }) => event).reverse();
    async function theIntent(): Promise<Intent> {
      const [intent] = await take();
      if (!intent) throw new Error('there is no intent');
      return intent;
    }
    /** Runs the loop that applies the inbox while `body` runs. */
    async function applying(body: () => Promise<unknown>): Promise<void> {
      const recreate = () => ensureGroups(client, t.keys);
      const applier = new Applier(t.ledger, await connect(redis.url, 'blocking'), t.keys.inbox, recreate, silent);
      applier.start();
      try {
        await body();
      } finally {
        await applier.stop();
      }
    }
    const inboxEmpty = () => until(async () => (await client.xlen(t.keys.inbox)) === 0, { what: 'the inbox empty' });

    describe('a webhook that cannot be applied', () => {
      const rooms = (from: number, to: number) =>
        Array.from({ length: to - from }, (_, i) => allocation(`room-${String(from + i).padStart(3, '0')}`));

      test('is buried at its fifth delivery; the others are applied in order', async () => {
        await send(...rooms(0, 50));
        const poison = (await client.xadd(t.keys.inbox, '*', 'kind', 'allocation', 'request', 'p1')) as string;
        await send(...rooms(50, 100));
        await applying(inboxEmpty);
        expect((await t.desk.readQueue(null, 200)).rooms.map(({ roomId }) => roomId)).toEqual([...known].sort());
        expect(await t.desk.listDeadLetters()).toMatchObject([
          {
            id: `entry-${poison}`,
            kind: 'entry',
            roomId: null,
            attempts: 5,
            reason: 'the webhook could not be applied',
          },
        ]);
        const buried = (await client.xrange(t.keys.journal, '-', '+')).filter(([, fields]) =>
          fields.includes('entry.buried'),
        );
        expect(buried.map(([, fields]) => fields[fields.indexOf('entry') + 1])).toEqual([poison]);
        expect(await client.xpending(t.keys.inbox, 'ledger')).toMatchObject([0, null, null, null]);

        expect(await t.desk.deleteDeadLetter(`entry-${poison}`)).toBe(true);
        expect(await t.desk.deleteDeadLetter(`entry-${poison}`)).toBe(false);
        expect(await t.desk.listDeadLetters()).toEqual([]);
      });

      test('keeps its place when it is replayed, however often it was buried', async () => {
        // A record of a newer version: the room cannot be read by this one.
        const newer = Buffer.from([0x91, 0x02]);
        await client.hset(t.keys.rooms, 'odd', newer);
        await send(allocation('first'));
        await t.append(allocation('odd', { customerName: 'Quixotic' }));
        await send(allocation('last'));
        const buryIt = () =>
          applying(async () => {
            await until(async () => (await t.desk.listDeadLetters()).length === 1, { what: 'the webhook buried' });
            await inboxEmpty();
          });
        await buryIt();
        for (let round = 0; round < 2; round++) {
          const [letter] = await t.desk.listDeadLetters();
          expect(JSON.stringify(await client.hgetall(t.keys.dead))).not.toContain('Quixotic');
          expect(await t.desk.replayDeadLetter(letter?.id ?? '')).toBe(true);
          expect(await t.desk.replayDeadLetter(letter?.id ?? '')).toBe(false);
          if (round === 0) await buryIt();
        }
        await client.hdel(t.keys.rooms, 'odd');
        known.add('odd');
        await t.applyAll();
        expect((await t.desk.readQueue(null, 9)).rooms.map(({ roomId }) => roomId)).toEqual(['first', 'odd', 'last']);
      });
    });

    describe('the inbox is damaged', () => {
      test('a pending entry that was deleted is passed over', async () => {
        const id = (await client.xadd(
          t.keys.inbox,
          '*',
          'kind',
          'allocation',
          'room',
          'gone',
          'request',
          'g',
        )) as string;
        await client.xreadgroup('GROUP', 'ledger', 'ledger', 'COUNT', 1, 'STREAMS', t.keys.inbox, '>');
        await client.xdel(t.keys.inbox, id);
        await send(allocation('1'));
        await applying(() => until(async () => stateOf('1'), { what: 'the next one applied' }));
        expect(await client.xpending(t.keys.inbox, 'ledger')).toMatchObject([0, null, null, null]);
        expect(await stateOf('gone')).toBeUndefined();
      });

      test('its group is deleted while 1,000 entries wait: all are applied once, in order', async () => {
        const ids = Array.from({ length: 1_000 }, (_, i) => String(1_000 + i));
        await send(...ids.slice(0, 500).map((id) => allocation(id)));
        await applying(async () => {
          await until(async () => (await client.hlen(t.keys.rooms)) > 0, { what: 'the first ones applied' });
          await client.xgroup('DESTROY', t.keys.inbox, 'ledger');
          await send(...ids.slice(500).map((id) => allocation(id)));
          await client.xgroup('DESTROY', t.keys.inbox, 'ledger');
          await inboxEmpty();
        });
        const { rooms } = await t.desk.readQueue(null, 500);
        expect(rooms.map(({ roomId }) => roomId)).toEqual(ids.slice(0, 500));
        expect((await t.desk.readHealth()).waiting).toBe(1_000);
        const records = await client.xrange(t.keys.journal, '-', '+');
        expect(records.filter(([, fields]) => fields.includes('entry')).length).toBe(1_000);
      });

      test('the stream itself is deleted: what comes after is applied', async () => {
        await applying(async () => {
          await send(allocation('1'));
          await inboxEmpty();
          await client.del(t.keys.inbox);
          await send(allocation('2'));
          await until(() => stateOf('2'), { what: 'the next one applied' });
        });
      });

      test('the outbox loses its group after a call was sent: the call is repeated, and known to be one', async () => {
        await t.roster([{ id: 'a' }]);
        await arrive(allocation('1'));
        const first = await theIntent();
        await client.xgroup('DESTROY', t.keys.outbox, 'dispatch');
        await ensureGroups(client, t.keys);
        const again = await theIntent();
        expect(again).toMatchObject({ roomId: '1', agentId: 'a', unsure: true });
        expect(await t.ledger.confirm(again, 'inferred')).toBe('done');
        expect(await t.ledger.confirm(first, 'confirmed')).toBe('fenced');
      });
    });

    test('Redis forgets its scripts all the time: nothing is noticed', async () => {
      const other = new Redis({ host: '127.0.0.1', port: redis.port });
      let flushing = true;
      const flush = (async () => {
        while (flushing) await other.script('FLUSH');
      })();
      await t.roster([{ id: 'a' }, { id: 'b' }]);
      for (let i = 0; i < 100; i++) {
        await arrive(allocation(String(i)));
        await confirmAll();
        await arrive(resolved(String(i)));
      }
      flushing = false;
      await flush;
      other.disconnect();
      expect([await loadOf('a'), await loadOf('b')]).toEqual([0, 0]);
      expect(
        (await client.xrange(t.keys.journal, '-', '+')).filter(([, f]) => f.includes('room.assigned')),
      ).toHaveLength(100);
    });

    describe('a drain of more than 64 pairs', () => {
      const waiting = Array.from({ length: 200 }, (_, i) => String(1_000 + i));

      test('a raised limit serves all of the line, in order', async () => {
        await t.ledger.setInitialLimit(1);
        await t.roster([{ id: 'a' }, { id: 'b' }]);
        await arrive(...waiting.map((id) => allocation(id)));
        await t.desk.setMaxCustomers(100);
        expect((await t.desk.readHealth()).waiting).toBe(0);
        expect(await confirmAll()).toEqual(waiting);
        expect([await loadOf('a'), await loadOf('b')]).toEqual([100, 100]);
      });

      test('a hundred agents come online at once: all are served, in order', async () => {
        await arrive(...waiting.map((id) => allocation(id)));
        const agents = Array.from({ length: 100 }, (_, i) => ({ id: `agent_${i}` }));
        for (let i = 0; i < agents.length; i += 50) await t.roster([...agents.slice(0, i), ...agents.slice(i, i + 50)]);
        expect(await confirmAll()).toEqual(waiting);
      });

      test('no webhook is applied in between, whoever stops half-way', async () => {
        await t.ledger.setInitialLimit(1);
        await t.roster([{ id: 'a' }]);
        await arrive(...waiting.map((id) => allocation(id)));
        const scripts = new Scripts(client, t.keys);
        // 199 rooms wait and 199 may go: this makes 64 pairs and is then forgotten by its caller.
        expect(await scripts.run('set_max_customers', t.clock.ms, 'max_customers', 200)).toEqual(['more']);
        await send(allocation('newcomer'));
        const words: string[] = [];
        for (let taken = await t.ledger.takeEntries('new'); ; taken = await t.ledger.takeEntries('new')) {
          words.push(taken.kind);
          if (taken.kind !== 'more') break;
          expect(await stateOf('newcomer')).toBeUndefined();
        }
        expect(words).toEqual(['more', 'more', 'taken']);
        expect(await confirmAll()).toEqual(waiting);
        expect(await stateOf('newcomer')).toBe('waiting');
      });
    });

    describe('load from outside', () => {
      interface Life {
        /** Seconds before the reading: confirmed, and given back (none: still held). */
        confirmed: number;
        released?: number;
      }
      // Lag 10 s. U: ours that the count may hold; I: ours that it must hold. Outside is clamped to [c - |U|, c - |I|].
      const table: [
        string,
        { had?: number; ours?: Life[]; reserved?: number; count: number | null; outside: number },
      ][] = [
        ['nobody, and none', { count: 0, outside: 0 }],
        ['others brought three', { count: 3, outside: 3 }],
        ['others took theirs away', { had: 3, count: 1, outside: 1 }],
        ['one of ours for long, and counted', { ours: [{ confirmed: 60 }], count: 1, outside: 0 }],
        ['one of ours for long, and two others', { ours: [{ confirmed: 60 }], count: 3, outside: 2 }],
        [
          'one of ours for long, and not counted: never below zero',
          { ours: [{ confirmed: 60 }], count: 0, outside: 0 },
        ],
        ['just confirmed and not counted yet', { ours: [{ confirmed: 1 }], count: 0, outside: 0 }],
        ['just confirmed and counted already', { ours: [{ confirmed: 1 }], count: 1, outside: 0 }],
        [
          'just confirmed: two that were outside stay so, whether it counts it or not',
          { had: 2, ours: [{ confirmed: 1 }], count: 2, outside: 2 },
        ],
        ['just confirmed: counted beside the two', { had: 2, ours: [{ confirmed: 1 }], count: 3, outside: 2 }],
        [
          'just confirmed: one of the two outside must be gone',
          { had: 2, ours: [{ confirmed: 1 }], count: 1, outside: 1 },
        ],
        ['just confirmed: more than it explains rises at once', { ours: [{ confirmed: 1 }], count: 3, outside: 2 }],
        ['just given back and still counted', { ours: [{ confirmed: 60, released: 1 }], count: 1, outside: 0 }],
        ['just given back and not counted', { ours: [{ confirmed: 60, released: 1 }], count: 0, outside: 0 }],
        [
          'given back longer ago than the lag: then it is somebody else’s',
          { ours: [{ confirmed: 60, released: 11 }], count: 1, outside: 1 },
        ],
        ['confirmed and given back within the lag', { ours: [{ confirmed: 5, released: 2 }], count: 1, outside: 0 }],
        [
          'one old, one new, one gone; and one of others',
          { ours: [{ confirmed: 60 }, { confirmed: 2 }, { confirmed: 60, released: 3 }], count: 4, outside: 1 },
        ],
        [
          'the same, uncounted: falls no lower than what it must be',
          { had: 3, ours: [{ confirmed: 60 }, { confirmed: 2 }], count: 3, outside: 2 },
        ],
        ['a reserved room is in neither: counted by Qiscus already', { reserved: 1, count: 1, outside: 1 }],
        ['a reserved room is in neither: not counted', { reserved: 1, count: 0, outside: 0 }],
        ['no count: what was known stays', { had: 2, count: null, outside: 2 }],
      ];

      test.each(table)('%s', async (_, { had = 0, ours = [], reserved = 0, count, outside }) => {
        await t.desk.setMaxCustomers(50);
        await t.roster([{ id: 'a', count: had }]);
        const readAt = t.clock.ms + 100_000;
        const moments = ours.flatMap(({ confirmed, released }, i) => [
          { at: confirmed, what: allocation(`o${i}`) },
          ...(released === undefined ? [] : [{ at: released, what: resolved(`o${i}`) }]),
        ]);
        for (const { at, what } of moments.sort((a, b) => b.at - a.at)) {
          t.clock.ms = readAt - at * 1_000;
          await arrive(what);
          await confirmAll();
        }
        t.clock.ms = readAt;
        for (let i = 0; i < reserved; i++) await arrive(allocation(`r${i}`));
        await t.roster([{ id: 'a', count }]);
        expect((await t.desk.readAgent('a'))?.outside).toBe(outside);
      });

      test('fills the limit, and frees it when it is gone', async () => {
        await t.roster([{ id: 'a', count: 2 }]);
        await arrive(allocation('1'));
        expect(await stateOf('1')).toBe('waiting');
        await t.roster([{ id: 'a', count: 1 }]);
        expect(await stateOf('1')).toBe('reserved');
        await t.roster([{ id: 'a', count: 9 }]);
        expect(await loadOf('a')).toBe(10);
      });
    });

    describe('presence', () => {
      const online = async (id: string) => (await t.desk.readAgent(id))?.online;

      test('two readings to go offline, one to come online', async () => {
        await t.roster([{ id: 'a' }]);
        expect(await online('a')).toBe(true);
        await t.roster([{ id: 'a', online: false }]);
        expect(await online('a')).toBe(true);
        await t.roster([{ id: 'a' }]);
        await t.roster([{ id: 'a', online: false }]);
        expect(await online('a')).toBe(true);
        await t.roster([{ id: 'a', online: false }]);
        expect(await online('a')).toBe(false);
        await arrive(allocation('1'));
        expect(await stateOf('1')).toBe('waiting');
        await t.roster([{ id: 'a' }]);
        expect(await agentOf('1')).toBe('a');
      });

      test('an agent that Qiscus no longer shows goes; what it holds stays until it is over', async () => {
        await t.roster([{ id: 'a' }, { id: 'b' }]);
        await arrive(allocation('1'), allocation('2'));
        await confirmAll();
        await arrive(resolved('2'));
        await t.roster([{ id: 'a' }]);
        expect(await online('b')).toBe(true);
        await t.roster([{ id: 'a' }]);
        expect(await t.desk.readAgent('b')).toBeNull();
        await t.roster([]);
        await t.roster([]);
        expect(await t.desk.readAgent('a')).toMatchObject({ online: false, assigned: 1 });
        expect(await stateOf('1')).toBe('assigned');
        await arrive(resolved('1'));
        await t.roster([]);
        expect(await t.desk.listAgents()).toEqual([]);
      });

      test('a reserved room goes back to its place when its call was not sent, else it keeps agent and slot', async () => {
        await t.roster([{ id: 'a' }]);
        await arrive(allocation('1'), allocation('2'), allocation('3'));
        const [sent] = await take(1);
        await t.roster([{ id: 'a', online: false }]);
        await t.roster([{ id: 'a', online: false }]);
        expect(await stateOf('1')).toBe('reserved');
        expect((await t.desk.readQueue(null, 9)).rooms.map(({ roomId }) => roomId)).toEqual(['2', '3']);
        expect(await t.ledger.confirm(sent as Intent, 'confirmed')).toBe('done');
        expect(await agentOf('1')).toBe('a');
      });

      test('a pause is the same, at once', async () => {
        await t.roster([{ id: 'a' }, { id: 'b' }]);
        await arrive(allocation('1'));
        expect(await agentOf('1')).toBe('a');
        await t.desk.patchAgent('a', { paused: true });
        expect(await agentOf('1')).toBe('b');
      });
    });

    describe('what time alone does', () => {
      const fallback = { fallbackAgentId: 'f', fallbackAfterMs: 60_000 };

      test('the fallback agent gets a room of any channel that waited long, and never above the limit', async () => {
        await t.roster([{ id: 'f', channels: [] }]);
        await arrive(...['1', '2', '3'].map((id) => allocation(id, { channelId: '10' })));
        await advance(50_000, fallback);
        expect(await stateOf('1')).toBe('waiting');
        await advance(15_000, fallback);
        expect([await agentOf('1'), await agentOf('2'), await stateOf('3')]).toEqual(['f', 'f', 'waiting']);
        expect(await eventsOf('1')).toEqual(['room.waiting', 'room.reserved']);
        expect((await t.desk.readDecisions('1', 1))[0]?.fields.reason).toBe('fallback');
      });

      test.each([
        ['offline', () => t.roster([{ id: 'f', channels: [], online: false }])],
        [
          'paused',
          async () => {
            await t.roster([{ id: 'f', channels: [] }]);
            await t.desk.patchAgent('f', { paused: true });
          },
        ],
        ['unknown', async () => {}],
      ])('not when the fallback agent is %s', async (_, change) => {
        await change();
        await arrive(allocation('1', { channelId: '10' }));
        await advance(100_000, fallback);
        expect(await stateOf('1')).toBe('waiting');
      });

      test('a room that waited too long is closed as expired, a younger one is not', async () => {
        await arrive(allocation('1'));
        await advance(HOUR_MS, { waitMaxMs: 2 * HOUR_MS });
        expect(await stateOf('1')).toBe('waiting');
        await advance(2 * HOUR_MS, { waitMaxMs: 2 * HOUR_MS });
        expect(await stateOf('1')).toBe('resolved');
        expect(await eventsOf('1')).toEqual(['room.waiting', 'room.expired']);
        await arrive(allocation('1'));
        expect(await stateOf('1')).toBe('waiting');
      });

      test('a resolved room’s mark is kept for 7 days', async () => {
        const week = { keepMarkMs: 7 * 24 * HOUR_MS };
        await arrive(allocation('1', { finishedService: 4 }), resolved('1', 5));
        await advance(7 * 24 * HOUR_MS - 1, week);
        await arrive(allocation('1', { finishedService: 4 }));
        expect(await stateOf('1')).toBe('resolved');
        await advance(2, week);
        expect(await t.desk.readRoom('1')).toBeNull();
        known.clear();
        expect(await client.zcard(t.keys.ended)).toBe(0);
      });

      test('a room whose session began anew is not swept with its old one', async () => {
        await arrive(allocation('1'), resolved('1'), allocation('1'));
        await advance(8 * 24 * HOUR_MS, { keepMarkMs: 7 * 24 * HOUR_MS });
        expect(await stateOf('1')).toBe('waiting');
      });
    });

    describe('sessions', () => {
      beforeEach(() => t.roster([{ id: 'a' }]));

      const A1 = allocation('1', { finishedService: 0 });
      const R1 = resolved('1', 101);
      const A2 = allocation('1', { finishedService: 101 });
      const R2 = resolved('1', 102);
      const names = new Map<Webhook, string>([
        [A1, 'A1'],
        [R1, 'R1'],
        [A2, 'A2'],
        [R2, 'R2'],
      ]);

      async function livesThrough(order: Webhook[], expected: string): Promise<void> {
        const mine = await openTestLedger(client);
        await mine.roster([{ id: 'a' }]);
        for (const webhook of order) {
          await mine.append(webhook);
          await mine.applyAll();
        }
        const now = await readSnapshot(mine);
        const told = order.map((webhook) => names.get(webhook) ?? webhook.kind).join(' ');
        expect([told, now.rooms.get('1')?.state, ...brokenInvariants(now, ['1'])]).toEqual([told, expected]);
      }

      /** Every different order of the given webhooks. */
      function orders(webhooks: Webhook[]): Webhook[][] {
        if (webhooks.length === 0) return [[]];
        return [...new Set(webhooks)].flatMap((first) => {
          const rest = [...webhooks];
          rest.splice(rest.indexOf(first), 1);
          return orders(rest).map((order) => [first, ...order]);
        });
      }

      test('two sessions that are over are over, in every order of arrival', async () => {
        for (const order of orders([A1, R1, A2, R2])) await livesThrough(order, 'resolved');
      });
      test('the second session is open, in every order of arrival, each webhook twice', async () => {
        for (const order of orders([A1, A1, R1, R1, A2, A2])) await livesThrough(order, 'reserved');
      });
      test('the first resolve is lost: the newer service id opens the second session', async () => {
        for (const order of orders([A1, A1, A2, A2])) await livesThrough(order, 'reserved');
      });
      test('the second allocation is lost: over is over', async () => {
        for (const order of orders([A1, R1, R2])) await livesThrough(order, 'resolved');
      });

      const A = allocation('1');
      const R = resolved('1');
      test.each<[string, Webhook[], string]>([
        ['A', [A], 'reserved'],
        ['A A', [A, A], 'reserved'],
        ['A R', [A, R], 'resolved'],
        ['A R R', [A, R, R], 'resolved'],
        ['R A', [R, A], 'reserved'],
        ['A R A', [A, R, A], 'reserved'],
        ['A A R A R', [A, A, R, A, R], 'resolved'],
        ['an id first, then none', [A1, A, R], 'resolved'],
        ['none, then an id', [A, A1, R1], 'resolved'],
        ['an old resolve during a session that carries its id', [A2, R1], 'reserved'],
      ])('without ids, by order of arrival: %s', (_, order, state) => livesThrough(order, state));

      test('a lost resolve gives the slot back, and the new session stands at its own place in line', async () => {
        await arrive(A1, allocation('2'), allocation('3'));
        await confirmAll();
        expect([await stateOf('1'), await stateOf('2'), await stateOf('3')]).toEqual([
          'assigned',
          'assigned',
          'waiting',
        ]);
        await arrive(A2);
        expect([await stateOf('3'), await stateOf('1')]).toEqual(['reserved', 'waiting']);
        expect(await loadOf('a')).toBe(2);
      });

      test.each([
        ['before its call is sent', async () => []],
        ['while its call is under way', () => take()],
      ])('a resolve %s frees the slot, and whatever Qiscus says later changes nothing', async (_, sendCalls) => {
        await arrive(A1);
        const [late] = await sendCalls();
        await arrive(R1);
        expect([await stateOf('1'), await loadOf('a')]).toEqual(['resolved', 0]);
        expect(await take()).toEqual([]);
        if (late) expect(await t.ledger.confirm(late, 'confirmed')).toBe('fenced');
        await arrive(allocation('1', { finishedService: 101 }));
        if (late) expect(await t.ledger.confirm(late, 'confirmed')).toBe('fenced');
        expect([await stateOf('1'), await loadOf('a')]).toEqual(['reserved', 1]);
      });
    });

    describe('a dispatcher that died or slept', () => {
      beforeEach(() => t.roster([{ id: 'a' }, { id: 'b' }]));

      test('its call is taken over with the same agent, the same slot, and a newer token', async () => {
        await arrive(allocation('1'));
        const old = await theIntent();
        expect(await t.ledger.reclaim(0, 8)).toBe(1);
        const taken = await theIntent();
        expect(taken).toMatchObject({ roomId: '1', agentId: old.agentId, unsure: true });
        expect(taken.token).toBeGreaterThan(old.token);
        expect([await loadOf('a'), await loadOf('b')]).toEqual([1, 0]);
      });

      const reports: [string, (intent: Intent) => Promise<string>][] = [
        ['confirm', (intent) => t.ledger.confirm(intent, 'confirmed')],
        ['close', (intent) => t.ledger.refuse(intent, 'late', 'close')],
        ['later', (intent) => t.ledger.refuse(intent, 'late', 'later', t.clock.ms + 1)],
        ['park', (intent) => t.ledger.refuse(intent, 'late', 'park')],
        [
          'defer',
          (intent) =>
            t.ledger.defer(intent, 'late', { kind: 'unknown', sent: true, dueMs: t.clock.ms, pauseMs: 0, limit: 8 }),
        ],
      ];
      test.each(reports)('its late "%s" changes nothing but is on record', async (_, report) => {
        await arrive(allocation('1'));
        const old = await theIntent();
        await t.ledger.reclaim(0, 8);
        expect(await report(old)).toBe('fenced');
        expect(await stateOf('1')).toBe('reserved');
        const taken = await theIntent();
        expect(await report(old)).toBe('fenced');
        expect(await t.ledger.confirm(taken, 'confirmed')).toBe('done');
        expect(await report(old)).toBe('fenced');
        expect([await stateOf('1'), await agentOf('1'), await loadOf('a')]).toEqual(['assigned', 'a', 1]);
        expect((await eventsOf('1')).filter((event) => event === 'call.fenced')).toHaveLength(3);
      });

      test('a room left behind again and again is parked, its slot goes to the next', async () => {
        await t.desk.setMaxCustomers(1);
        await t.roster([{ id: 'a' }]);
        await t.roster([{ id: 'a' }]);
        await arrive(allocation('1'), allocation('2'));
        for (let round = 1; round <= 3; round++) {
          expect(await theIntent()).toMatchObject({ roomId: '1' });
          await t.ledger.reclaim(0, 3);
        }
        expect([await stateOf('1'), await stateOf('2')]).toEqual(['parked', 'reserved']);
        expect(await t.desk.listDeadLetters()).toMatchObject([{ id: 'room-1', reason: 'left_behind' }]);
      });
    });

    describe('calls of all dispatchers together', () => {
      const RATE = 20;
      const unknown = { kind: 'unknown', sent: true, pauseMs: 0, limit: 1e9 } as const;

      test('two processes share one rate', async () => {
        await t.desk.setMaxCustomers(1_000);
        await t.roster([{ id: 'a' }]);
        await arrive(...Array.from({ length: 300 }, (_, i) => allocation(String(i))));
        const scripts = new Scripts(client, t.keys);
        const ledgers = [t.ledger, new Ledger(scripts, () => t.clock.ms)];
        const begunMs = t.clock.ms;
        const sentAtMs: number[] = [];
        while (t.clock.ms < begunMs + 10_000) {
          let waitMs = 1_000;
          for (const ledger of ledgers) {
            const taken = await ledger.takeIntents(16, 1_000, RATE);
            if (taken.kind === 'wait') waitMs = Math.min(waitMs, taken.ms);
            for (const intent of taken.kind === 'taken' ? taken.intents : []) {
              sentAtMs.push(t.clock.ms);
              await ledger.confirm(intent, 'confirmed');
            }
          }
          t.clock.ms += waitMs;
        }
        expect(sentAtMs.length).toBeGreaterThanOrEqual(RATE * 10 * 0.95);
        for (const from of sentAtMs) {
          const within = sentAtMs.filter((at) => at >= from && at < from + 1_000).length;
          expect(within).toBeLessThanOrEqual(RATE * 1.2);
        }
        await t.ledger.spendCalls(RATE, RATE);
        expect((await t.ledger.takeIntents(1, 1_000, RATE)).kind).toBe('wait');
      });

      test('and one concurrency', async () => {
        await t.desk.setMaxCustomers(100);
        await t.roster([{ id: 'a' }]);
        await arrive(...Array.from({ length: 20 }, (_, i) => allocation(String(i))));
        const first = await t.ledger.takeIntents(16, 10, 1e9);
        expect(first.kind === 'taken' && first.intents.length).toBe(10);
        expect(await t.ledger.takeIntents(16, 10, 1e9)).toEqual({ kind: 'busy' });
        if (first.kind === 'taken') await t.ledger.confirm(first.intents[0] as Intent, 'confirmed');
        const next = await t.ledger.takeIntents(16, 10, 1e9);
        expect(next.kind === 'taken' && next.intents.length).toBe(1);
      });

      async function rooms(count: number): Promise<void> {
        await t.desk.setMaxCustomers(100);
        await t.roster([{ id: 'a' }]);
        await arrive(...Array.from({ length: count }, (_, i) => allocation(String(i))));
      }
      const breaker = async () => (await t.desk.readHealth()).qiscus;

      test('five calls without an answer open the breaker; then one goes first', async () => {
        await rooms(10);
        const intents = await take(5);
        for (const [i, intent] of intents.entries()) {
          expect((await breaker()).state).toBe(i < 5 ? 'closed' : 'open');
          await t.ledger.defer(intent, 'timeout', { ...unknown, dueMs: t.clock.ms + 500 });
        }
        const { state, untilMs } = await breaker();
        expect([state, untilMs]).toEqual(['open', t.clock.ms + 1_000]);
        expect(await t.ledger.takeIntents(5, 100, 1e9)).toEqual({ kind: 'wait', ms: 1_000 });

        await advance(1_000);
        const [probe, ...others] = await take();
        expect(others).toEqual([]);
        expect(await t.ledger.takeIntents(5, 100, 1e9)).toEqual({ kind: 'busy' });
        await t.ledger.defer(probe as Intent, 'timeout', { ...unknown, dueMs: t.clock.ms + 500 });
        expect((await breaker()).untilMs).toBe(t.clock.ms + 2_000);

        await advance(2_000);
        expect(await t.ledger.confirm(await theIntent(), 'confirmed')).toBe('done');
        expect(await breaker()).toMatchObject({ state: 'closed', failures: 0, untilMs: 0 });
        await confirmAll();
        expect((await t.desk.readAgent('a'))?.assigned).toBe(10);
      });

      test('401: everything pauses at once, the room keeps its agent, no attempt is spent', async () => {
        await rooms(2);
        const [first] = await take(1);
        await t.ledger.defer(first as Intent, 'denied_401', {
          kind: 'denied',
          sent: false,
          dueMs: t.clock.ms + 500,
          pauseMs: 0,
          limit: 8,
        });
        expect((await breaker()).state).toBe('denied');
        expect((await t.ledger.takeIntents(1, 100, 1e9)).kind).toBe('wait');
        await advance(1_500);
        expect((await confirmAll()).sort()).toEqual(['0', '1']);
        expect((await t.desk.readRoom('0'))?.attempts).toBe(0);
      });

      test('429: as long as Qiscus says', async () => {
        await rooms(2);
        const [first] = await take(1);
        await t.ledger.defer(first as Intent, 'slow_down', {
          kind: 'slowed',
          sent: false,
          dueMs: t.clock.ms + 500,
          pauseMs: 7_000,
          limit: 8,
        });
        expect(await breaker()).toMatchObject({ state: 'slowed', untilMs: t.clock.ms + 7_000 });
        await advance(6_999);
        expect(await t.ledger.takeIntents(1, 100, 1e9)).toEqual({ kind: 'wait', ms: 1 });
        await advance(1);
        expect((await confirmAll()).sort()).toEqual(['0', '1']);
      });

      test('one room that never gets an answer while others do is parked, and holds nothing', async () => {
        await rooms(2);
        const [odd, fine] = await take(2);
        expect(odd?.roomId).toBe('0');
        await t.ledger.confirm(fine as Intent, 'confirmed');
        let intent = odd as Intent;
        for (let round = 1; round <= 8; round++) {
          await t.ledger.defer(intent, 'timeout', { ...unknown, limit: 8, dueMs: t.clock.ms + 500 });
          if (round === 8) break;
          // Another room is answered in between: Qiscus is not to blame.
          await arrive(allocation(`other${round}`));
          await advance(500);
          const both = await take(2);
          intent = both.find(({ roomId }) => roomId === '0') as Intent;
          await t.ledger.confirm(both.find(({ roomId }) => roomId !== '0') as Intent, 'confirmed');
        }
        expect(await stateOf('0')).toBe('parked');
        expect((await t.desk.readAgent('a'))?.reserved).toBe(0);
      });
    });
  });
}
