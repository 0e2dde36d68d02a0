/** The doorbell on a real Redis of every kind: who rings is heard, and who is not heard is found by looking. */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import pino from 'pino';
import { Applier } from '../../src/ledger/apply';
import { Turns } from '../../src/ledger/turns';
import { close, connect, type RedisClient } from '../../src/redis/client';
import { BELL } from '../../src/redis/keys';
import { Doorbell, type Listener } from '../../src/streams/doorbell';
import { ensureGroups } from '../../src/streams/groups';
import { Inbox } from '../../src/streams/inbox';
import { JournalReader } from '../../src/streams/journal';
import { Waiters } from '../../src/streams/waiters';
import { allocation, openTestLedger, type TestLedger } from '../support/ledger';
import { type ProxiedRedis, startProxiedRedis } from '../support/proxied-redis';
import { REDIS_KINDS, startTestRedis, type TestRedis } from '../support/redis';
import { until } from '../support/wait';

const log = pino({ level: 'silent' });

/** Notes what it heard; `looks` counts its looks. */
class Ear implements Listener {
  readonly heard: (string | undefined)[] = [];
  looks = 0;

  rung(upTo?: string): void {
    this.heard.push(upTo);
  }

  async look(): Promise<void> {
    this.looks += 1;
  }
}

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (let step = undo.pop(); step; step = undo.pop()) await step();
});

async function connection(url: string): Promise<RedisClient> {
  const client = await connect(url, 'command');
  undo.push(() => close(client));
  return client;
}

/** A bell of a process of its own. */
async function bellOn(url: string, tell: Pick<typeof log, 'warn'> | null = null) {
  const client = await connection(url);
  const bell = new Doorbell(url, client, tell);
  bell.start();
  undo.push(() => bell.stop());
  return { bell, client };
}

const inboxOf = ({ keys }: TestLedger, client: RedisClient, bell: Pick<Doorbell, 'ring'>) =>
  new Inbox(client, { keys, isNearlyFull: () => false }, new Waiters(), 0, bell);

/** Applies what comes into the inbox, and reads the journal; resolves with the events as they come. */
async function follow(t: TestLedger, client: RedisClient, bell: Pick<Doorbell, 'on'>): Promise<string[]> {
  const applier = new Applier({
    ledger: t.ledger,
    command: client,
    inboxKey: t.keys.inbox,
    bell,
    turns: new Turns(),
    onTaking: () => {},
    recreateGroups: () => ensureGroups(client, t.keys),
    log,
  });
  const journal = new JournalReader(client, bell, t.keys.journal, log);
  const seen: string[] = [];
  journal.subscribe(({ event }) => seen.push(event));
  await journal.start();
  applier.start();
  undo.push(
    () => journal.stop(),
    () => applier.stop(),
  );
  return seen;
}

const subscribers = async (client: RedisClient) => Number(((await client.pubsub('NUMSUB', BELL)) as unknown[])[1]);

describe.each(REDIS_KINDS)('%s', (kind) => {
  let redis: TestRedis;
  beforeEach(async () => {
    redis = await startTestRedis({ kind });
    undo.push(() => redis.stop());
  }, 60_000);

  test('a ring is heard in every process, on whatever nodes their subscribers sit', async () => {
    const bells = await Promise.all(Array.from({ length: 5 }, () => bellOn(redis.url)));
    const ears = bells.map(({ bell }) => {
      const ear = new Ear();
      bell.on('a', ear);
      return ear;
    });
    const other = new Ear();
    bells[1]?.bell.on('b', other);
    await until(
      async () => {
        await bells[0]?.client.publish(BELL, 'a 1-0');
        return ears.every(({ heard }) => heard.length > 0);
      },
      { what: 'all have heard it' },
    );
    expect(new Set(ears.flatMap(({ heard }) => heard))).toEqual(new Set(['1-0']));
    expect(other.heard).toEqual([]);
  }, 60_000);

  test('[F15] webhooks and records are found by ring, of scripts too', async () => {
    const { bell, client } = await bellOn(redis.url);
    const t = await openTestLedger(client);
    // Nothing but rings: what a look finds does not count here.
    const deafToLooks = (listener: Listener): Listener => ({
      rung: (upTo) => listener.rung(upTo),
      look: async () => {},
    });
    const rings = { on: (key: string, listener: Listener) => bell.on(key, deafToLooks(listener)) };
    const seen = await follow(t, client, rings);
    // By message alone, as in another process.
    const inbox = inboxOf(t, client, { ring: () => {} });
    const ear = new Ear();
    bell.on('up', ear);
    await until(async () => (await client.publish(BELL, 'up 1-0')) && ear.heard.length > 1, {
      what: 'the bell is heard',
    });
    for (let i = 0; i < 100; i++) {
      await inbox.submit(allocation(`room-${i}`), `request-${i}`, 0);
      if (i % 10 === 0) await until(() => seen.length === i + 1, { what: `record ${i}` });
    }
    await until(() => seen.length === 100, { what: 'all applied, and read' });
    expect(await client.xlen(t.keys.inbox)).toBe(0);
  }, 60_000);
});

describe('who is not heard', () => {
  let redis: ProxiedRedis;
  beforeEach(async () => {
    redis = await startProxiedRedis('standalone');
    undo.push(() => redis.stop());
  });

  test.each(['cut_before', 'half_open', 'mute'] as const)(
    '[F23] a subscription is %s: replaced, and all look at once',
    async (kind) => {
      const { bell, client } = await bellOn(redis.url);
      const ear = new Ear();
      bell.on('a', ear);
      // So many that the rounds of looks alone would take a minute.
      const crowd = Array.from({ length: 18_000 }, () => new Ear());
      for (const [i, one] of crowd.entries()) bell.on(`crowd-${i}`, one);
      await until(async () => (await client.publish(BELL, 'a 1-0')) && ear.heard.length > 5, {
        what: 'the bell is heard',
      });
      const before = crowd.map(({ looks }) => looks);
      redis.proxy.fail({ kind }, { purpose: 'bell', ...(kind === 'cut_before' && { times: 1 }) });
      // A cut needs something that is sent: the bell's own question whether the connection lives.
      if (kind !== 'cut_before') {
        await until(async () => (await subscribers(redis.node.admin)) === 0, {
          what: 'the dead one is gone',
          withinMs: 20_000,
        });
        redis.proxy.heal();
      }
      const allLooked = () => crowd.every(({ looks }, i) => looks > (before[i] ?? 0));
      await until(allLooked, { what: 'all looked', withinMs: 20_000 });
      const heard = ear.heard.length;
      await client.publish(BELL, 'a 2-0');
      await until(() => ear.heard.length > heard, { what: 'a ring heard again' });
      expect(ear.heard.at(-1)).toBe('2-0');
    },
    60_000,
  );

  test('of many listeners each looks in turn, and one alone again and again', async () => {
    const { bell } = await bellOn(redis.url);
    await until(async () => (await subscribers(redis.node.admin)) === 1, { what: 'subscribed' });
    const ears = Array.from({ length: 900 }, () => new Ear());
    const unlisten = ears.map((ear, i) => bell.on(`k${i}`, ear));
    await until(() => ears.every(({ looks }) => looks > 0), { what: 'everyone looked', withinMs: 15_000 });
    // Nobody looks a third time before everyone has looked once.
    expect(Math.max(...ears.map(({ looks }) => looks))).toBeLessThanOrEqual(2);
    for (const end of unlisten) end();
    const late = ears.reduce((sum, { looks }) => sum + looks, 0);
    const last = new Ear();
    bell.on('last', last);
    await until(() => last.looks > 2, { what: 'the only one left looks again and again' });
    expect(ears.reduce((sum, { looks }) => sum + looks, 0) - late).toBe(0);
  }, 60_000);

  test('[S32] a user who may neither publish nor subscribe: scripts go on, and looking finds the news', async () => {
    const { admin, port } = redis.node;
    await admin.call(
      'ACL',
      'SETUSER',
      'mute',
      'on',
      '>password',
      '~*',
      'resetchannels',
      '+@all',
      '-publish',
      '-subscribe',
    );
    const lines: string[] = [];
    const tell = pino({ level: 'warn' }, { write: (line: string) => lines.push(line) });
    const { bell, client } = await bellOn(`redis://mute:password@127.0.0.1:${port}`, tell);
    const t = await openTestLedger(client);
    const seen = await follow(t, client, bell);
    await inboxOf(t, client, bell).submit(allocation('room'), 'request', 0);
    await until(() => seen.length === 1, { what: 'the webhook applied, and its record read' });
    expect((await t.desk.readRoom('room'))?.state).toBe('waiting');
    await until(() => lines.length > 0, { what: 'it was said' });
    expect(lines.map((line) => JSON.parse(line).event)).toEqual(['bell.deaf']);
  }, 60_000);
});
