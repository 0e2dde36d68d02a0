/** The decision log on a real journal: every decision once, in order, whether the reader heard it before or not. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'bun:test';
import pino from 'pino';
import { DecisionLog } from '../../src/reconcile/decisions';
import { connect, type RedisClient } from '../../src/redis/client';
import { JournalReader } from '../../src/streams/journal';
import { openTestLedger, type TestLedger } from '../support/ledger';
import { startTestRedis, type TestRedis } from '../support/redis';
import { until } from '../support/wait';

let redis: TestRedis;
let client: RedisClient;
beforeAll(async () => {
  // Its commands are counted, which only one server can tell.
  redis = await startTestRedis({ kind: 'standalone' });
  client = await connect(redis.url, 'command');
});
afterAll(async () => {
  client.disconnect();
  await redis.stop();
});

let t: TestLedger;
let reader: JournalReader;
let log: DecisionLog;
let written: string[];
let heard: string[];
let logged: string[];
beforeEach(async () => {
  t = await openTestLedger(client);
  await client.del(t.keys.journal);
  [written, heard, logged] = [[], [], []];
  const logger = pino({ level: 'info' }, { write: (line) => logged.push(JSON.parse(line).journal) });
  reader = new JournalReader(client, { on: () => () => undefined }, t.keys.journal, logger);
  await reader.start();
  reader.subscribe(({ id }) => heard.push(id));
  log = new DecisionLog(t.ledger, reader, logger);
});

async function write(count: number): Promise<void> {
  const ids = Array.from({ length: count }, () => client.xadd(t.keys.journal, '*', 'event', 'room.waiting', 'at', '1'));
  written.push(...((await Promise.all(ids)) as string[]));
}

async function hear(): Promise<void> {
  reader.rung();
  await until(() => heard.length === written.length, { what: 'the reader at the end' });
}

/** How often pages of the journal were read. */
async function pagesRead(): Promise<number> {
  const stats = await client.info('commandstats');
  return Number(/cmdstat_xrange:calls=(\d+)/.exec(stats)?.[1] ?? 0);
}

test('before it listened, heard, not yet heard, and heard late', async () => {
  await write(3);
  await log.catchUp();
  await write(2);
  await hear();
  await write(2);
  await log.catchUp();
  expect(logged).toEqual(written);
  await hear();
  await write(1);
  await hear();
  await log.catchUp();
  expect(logged).toEqual(written);
  await reader.stop();
});

test('more than it keeps between two ticks', async () => {
  await log.catchUp();
  await write(5_400);
  await hear();
  await log.catchUp();
  await log.catchUp();
  await write(1);
  await hear();
  await log.catchUp();
  expect(logged).toEqual(written);
  await reader.stop();
});

test('what was heard is not read once more', async () => {
  await log.catchUp();
  await write(2_000);
  await hear();
  const before = await pagesRead();
  await log.catchUp();
  expect(logged).toEqual(written);
  expect((await pagesRead()) - before).toBe(1);
  await reader.stop();
});

test('a leader that comes back goes on where the one between has stopped', async () => {
  await log.catchUp();
  await write(2);
  await hear();
  log.forget();
  const other = new DecisionLog(t.ledger, reader, pino({ level: 'silent' }));
  await other.catchUp();
  written.length = heard.length = 0;
  await write(2);
  await hear();
  await log.catchUp();
  expect(logged).toEqual(written);
  await reader.stop();
});
