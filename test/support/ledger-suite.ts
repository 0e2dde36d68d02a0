/**
 * The frame of the ledger's suites: each runs on a real Redis and on a cluster of one node, every test with a ledger of its
 * own and a clock that it moves. After every test the invariant checker looks at the whole state.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect } from 'bun:test';
import pino from 'pino';
import { Applier } from '../../src/ledger/apply';
import type { Intent } from '../../src/ledger/index';
import type { Webhook } from '../../src/ledger/model';
import { Turns } from '../../src/ledger/turns';
import { connect, type RedisClient } from '../../src/redis/client';
import { Doorbell } from '../../src/streams/doorbell';
import { ensureGroups } from '../../src/streams/groups';
import { brokenWhenQuiet } from './invariants';
import { openTestLedger, type TestLedger } from './ledger';
import { startTestRedis, type TestRedis } from './redis';
import { until } from './wait';

export const HOUR_MS = 3_600_000;

/** Rules of the clock by which nothing ever happens. */
export const CALM = {
  fallbackAgentId: null as string | null,
  fallbackAfterMs: 0,
  waitMaxMs: 1e12,
  keepMarkMs: 1e12,
  journalMs: 1e12,
  journalEntries: 1e6,
};

/** What a suite works with; `t`, `redis` and `client` are the running test's. */
export interface LedgerSuite {
  readonly t: TestLedger;
  readonly redis: TestRedis;
  readonly client: RedisClient;
  /** Rooms that must never be lost; a test that lets marks be swept clears it. */
  readonly known: Set<string>;
  /** What the checker must find after this test, because the test itself did the damage. */
  readonly explained: string[];
  /** Appends webhooks to the inbox; `arrive` applies them too. */
  send(...webhooks: Webhook[]): Promise<void>;
  arrive(...webhooks: Webhook[]): Promise<void>;
  take(want?: number): Promise<Intent[]>;
  theIntent(): Promise<Intent>;
  /** Confirms every call there is; returns the rooms in the order of their calls. */
  confirmAll(): Promise<string[]>;
  /** Moves the clock and does what is due. */
  advance(ms: number, rules?: Partial<typeof CALM>): Promise<void>;
  /** Runs the loop that applies the inbox while `body` runs. */
  applying(body: () => Promise<unknown>, onTaking?: () => void): Promise<void>;
  inboxEmpty(): Promise<boolean>;
  stateOf(room: string): Promise<string | undefined>;
  agentOf(room: string): Promise<string | null | undefined>;
  loadOf(agent: string): Promise<number | undefined>;
  /** Oldest first. */
  eventsOf(room: string): Promise<string[]>;
}

export function onBothRedis(define: (suite: LedgerSuite) => void): void {
  for (const cluster of [false, true]) {
    describe(cluster ? 'on a cluster of one node' : 'on a standalone Redis', () => {
      let redis: TestRedis;
      let client: RedisClient;
      let t: TestLedger;
      const known = new Set<string>();
      const explained: string[] = [];

      beforeAll(async () => {
        redis = await startTestRedis({ cluster });
        client = await connect(redis.url, 'command');
      });
      afterAll(async () => {
        client.disconnect();
        await redis.stop();
      });
      beforeEach(async () => {
        known.clear();
        explained.length = 0;
        t = await openTestLedger(client);
      });
      afterEach(async () => expect(await brokenWhenQuiet(client, t.keys, null, known)).toEqual(explained));

      const suite: LedgerSuite = {
        get t() {
          return t;
        },
        get redis() {
          return redis;
        },
        get client() {
          return client;
        },
        known,
        explained,
        async send(...webhooks) {
          for (const webhook of webhooks) {
            await t.append(webhook);
            if (webhook.kind === 'allocation') known.add(webhook.roomId);
          }
        },
        async arrive(...webhooks) {
          await suite.send(...webhooks);
          await t.applyAll();
        },
        async take(want = 64) {
          const taken = await t.ledger.takeIntents(want, 1_000, 1e9);
          return taken.kind === 'taken' ? taken.intents : [];
        },
        async theIntent() {
          const [intent] = await suite.take();
          if (!intent) throw new Error('there is no intent');
          return intent;
        },
        async confirmAll() {
          const rooms: string[] = [];
          for (let intents = await suite.take(); intents.length > 0; intents = await suite.take()) {
            for (const intent of intents) expect(await t.ledger.confirm(intent, 'confirmed')).toBe('done');
            rooms.push(...intents.map(({ roomId }) => roomId));
          }
          return rooms;
        },
        async advance(ms, rules = {}) {
          t.clock.ms += ms;
          while ((await t.ledger.advanceClock({ ...CALM, ...rules })).more);
        },
        async applying(body, onTaking = () => {}) {
          const recreateGroups = () => ensureGroups(client, t.keys);
          const bell = new Doorbell(redis.url, client);
          const parts = {
            command: client,
            inboxKey: t.keys.inbox,
            bell,
            turns: new Turns(),
            onTaking,
            recreateGroups,
          };
          const applier = new Applier({ ledger: t.ledger, ...parts, log: pino({ level: 'silent' }) });
          bell.start();
          applier.start();
          try {
            await body();
          } finally {
            await applier.stop();
            await bell.stop();
          }
        },
        inboxEmpty: () => until(async () => (await client.xlen(t.keys.inbox)) === 0, { what: 'the inbox empty' }),
        stateOf: async (room) => (await t.desk.readRoom(room))?.state,
        agentOf: async (room) => (await t.desk.readRoom(room))?.agentId,
        loadOf: async (agent) => (await t.desk.readAgent(agent))?.load,
        eventsOf: async (room) => (await t.desk.readDecisions(room, 50)).map(({ event }) => event).reverse(),
      };
      define(suite);
    });
  }
}
