/** The reader of the journal when Redis answers, but not with records. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'bun:test';
import pino from 'pino';
import { openStore, type Store } from '../../src/redis/store';
import { JournalReader } from '../../src/streams/journal';
import { startTestRedis, type TestRedis } from '../support/redis';
import { until } from '../support/wait';

let redis: TestRedis;
let store: Store;
beforeAll(async () => {
  // Its blocked connection is ended by number, which only one server can tell.
  redis = await startTestRedis({ kind: 'standalone' });
  store = await openStore(redis.url, 'reader');
});
afterAll(async () => {
  store.close();
  await redis.stop();
});

beforeEach(() => store.command.flushall());

/** A reader that has begun, what it told, and when it failed. */
async function reader() {
  const failedMs: number[] = [];
  const log = pino({ level: 'debug' }, { write: () => failedMs.push(performance.now()) });
  const blocking = await store.open('blocking');
  const id = await blocking.client('ID');
  const journal = new JournalReader(blocking, store.command, store.keys.journal, log);
  const seen: string[] = [];
  journal.subscribe(({ event }) => seen.push(event));
  await journal.start();
  /** From now on every reading fails, the one that waits too. */
  const spoil = async () => {
    await store.command.set(store.keys.journal, 'not a stream');
    // It may have ended by itself just then, and the next one fails at once.
    const ended = async () => (await store.command.client('UNBLOCK', id)) === 1 || failedMs.length > 0;
    await until(ended, { what: 'the reading under way ended' });
  };
  return { journal, failedMs, seen, spoil };
}

test('an error on a connection that is up is no reason to spin, and it goes on afterwards', async () => {
  const { journal, failedMs, seen, spoil } = await reader();
  await spoil();
  await until(() => failedMs.length >= 3, { what: 'three readings that failed' });
  expect((failedMs[2] ?? 0) - (failedMs[0] ?? 0)).toBeGreaterThan(800);
  await store.command.del(store.keys.journal);
  await until(
    async () => {
      await store.command.xadd(store.keys.journal, '*', 'event', 'room.reserved', 'at', '1');
      return seen.includes('room.reserved');
    },
    { what: 'a record read' },
  );
  await journal.stop();
});

test('it stops at once, also while it waits after an error', async () => {
  const { journal, failedMs, spoil } = await reader();
  await spoil();
  await until(() => failedMs.length > 0, { what: 'a reading that failed' });
  const begunMs = performance.now();
  await journal.stop();
  expect(performance.now() - begunMs).toBeLessThan(400);
});

test('the parts of snapshots are for replays: nobody else is shown them, and pages go on behind them', async () => {
  const { journal, seen } = await reader();
  const write = (event: string) => store.command.xadd(store.keys.journal, '*', 'event', event, 'at', '1');
  for (const event of ['room.reserved', 'snapshot.begun']) await write(event);
  for (let i = 0; i < 25; i++) await write(i % 2 ? 'snapshot.rooms' : 'snapshot.agents');
  for (const event of ['snapshot.ended', 'room.assigned']) await write(event);
  await until(() => seen.includes('room.assigned'), { what: 'all of them read' });
  const told = ['room.reserved', 'snapshot.begun', 'snapshot.ended', 'room.assigned'];
  expect(seen).toEqual(told);
  const paged: string[] = [];
  for (let after: string | null = null, pages = 0; pages === 0 || after !== null; pages++) {
    const { records, next } = await journal.page(after, 10);
    paged.push(...records.map(({ event }) => event));
    after = next;
  }
  expect(paged).toEqual(told);
  await journal.stop();
});
