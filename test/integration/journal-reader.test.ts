/** The reader of the journal when Redis answers, but not with records. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'bun:test';
import pino from 'pino';
import { FORMAT } from '../../src/redis/format';
import { type Connections, openConnections, type Store } from '../../src/redis/store';
import { Doorbell } from '../../src/streams/doorbell';
import { JournalReader } from '../../src/streams/journal';
import { startTestRedis, type TestRedis } from '../support/redis';
import { until } from '../support/wait';

let redis: TestRedis;
let connections: Connections;
let store: Store;
beforeAll(async () => {
  // Its commands are counted, which only one server can tell.
  redis = await startTestRedis({ kind: 'standalone' });
  connections = await openConnections(redis.url);
  store = await connections.of('reader');
});
afterAll(async () => {
  connections.close();
  await redis.stop();
});

beforeEach(() => store.command.flushall());

/** A reader that has begun, what it told, and when it failed. */
async function reader() {
  const failedMs: number[] = [];
  const log = pino({ level: 'debug' }, { write: () => failedMs.push(performance.now()) });
  const bell = new Doorbell(redis.url, store.command);
  bell.start();
  const journal = new JournalReader(store.command, bell, store.keys.journal, log);
  const seen: string[] = [];
  journal.subscribe(({ event }) => seen.push(event));
  await journal.start();
  const stop = async () => {
    await journal.stop();
    await bell.stop();
  };
  return { journal, failedMs, seen, stop };
}

/** Appends a record as a process of an older version does: nobody rings. */
const write = (event: string) =>
  store.command.xadd(store.keys.journal, '*', 'event', event, 'at', '1') as Promise<string>;

test('what nobody rang for is found by looking', async () => {
  const { seen, stop } = await reader();
  await write('room.reserved');
  await until(() => seen.length > 0, { what: 'a record read' });
  expect(seen).toEqual(['room.reserved']);
  await stop();
});

test('rings during a reading make one more, and rings for what was read none', async () => {
  const { journal, seen, stop } = await reader();
  const reads = async () =>
    Number(/cmdstat_xread:calls=(\d+)/.exec(await store.command.info('commandstats'))?.[1] ?? 0);
  const ids = [await write('room.reserved'), await write('room.assigned')];
  const before = await reads();
  for (let i = 0; i < 50; i++) journal.rung(ids[i % 2]);
  await until(() => seen.length === 2, { what: 'two records read' });
  for (let i = 0; i < 50; i++) journal.rung(ids[i % 2]);
  await store.command.ping();
  expect((await reads()) - before).toBeLessThanOrEqual(2);
  await stop();
});

test('an error on a connection that is up is no reason to spin, and it goes on afterwards', async () => {
  const { journal, failedMs, seen, stop } = await reader();
  await store.command.set(store.keys.journal, 'not a stream');
  journal.rung();
  await until(() => failedMs.length > 0, { what: 'a reading that failed' });
  // Looks fail too, and are no readings.
  await expect(journal.look()).rejects.toThrow('WRONGTYPE');
  expect(failedMs.length).toBe(1);
  await store.command.del(store.keys.journal);
  await write('room.reserved');
  await until(() => seen.length > 0, { what: 'a record read' });
  await stop();
});

test('a journal that counts from anew, from an older time, is read on', async () => {
  const { seen, stop } = await reader();
  await store.command.xadd(store.keys.journal, '9000000000000-0', 'event', 'room.reserved', 'at', '1');
  await until(() => seen.length === 1, { what: 'a record of the future read' });
  await store.command.del(store.keys.journal);
  await until(async () => (await write('room.assigned')) && seen.includes('room.assigned'), {
    what: 'a record of today',
  });
  await stop();
});

test('the parts of snapshots are for replays: nobody else is shown them, and pages go on behind them', async () => {
  const { journal, seen, stop } = await reader();
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
  await stop();
});

test('[F65] what a newer version wrote is shown to nobody, and does not hold up what follows', async () => {
  const { journal, seen } = await reader();
  const write = (event: string, v: number) =>
    store.command.xadd(store.keys.journal, '*', 'event', event, 'at', '1', 'v', v);
  await write('room.beamed', FORMAT + 1);
  await write('room.reserved', FORMAT);
  await until(() => seen.includes('room.reserved'), { what: 'both of them read' });
  expect(seen).toEqual(['room.reserved']);
  expect((await journal.page(null, 10)).records.map(({ event }) => event)).toEqual(['room.reserved']);
  await journal.stop();
});
