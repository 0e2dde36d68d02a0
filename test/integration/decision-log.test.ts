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

/** Lets something happen after a page was read and before its reader knows of it. */
class SlowPages extends JournalReader {
  meanwhile = async () => {};

  override async page(...args: Parameters<JournalReader['page']>): ReturnType<JournalReader['page']> {
    const page = await super.page(...args);
    await this.meanwhile();
    return page;
  }
}

let t: TestLedger;
let reader: SlowPages;
let log: DecisionLog;
let written: string[];
let heard: string[];
let logged: string[];
let said: string[];
beforeEach(async () => {
  t = await openTestLedger(client);
  await client.del(t.keys.journal);
  [written, heard, logged, said] = [[], [], [], []];
  const take = (line: string) => {
    const { journal, level, msg } = JSON.parse(line);
    logged.push(journal);
    said.push(`${level} ${msg}`);
  };
  const logger = pino({ level: 'info' }, { write: take });
  reader = new SlowPages(client, { on: () => () => undefined }, t.keys.journal, logger);
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

test('more than it keeps while it reads a page', async () => {
  await write(1);
  reader.meanwhile = async () => {
    reader.meanwhile = async () => {};
    await write(5_400);
    await hear();
  };
  for (let tick = 0; tick < 3; tick++) await log.catchUp();
  expect(logged).toEqual(written);
  await write(1);
  await hear();
  await log.catchUp();
  expect(logged).toEqual(written);
  await reader.stop();
});

test('written, and Redis gone before it was noted: not once more', async () => {
  const trouble = async () => {
    const type = await client.type(t.keys.meta);
    await client.rename(t.keys.meta, `${t.keys.meta}-aside`);
    await client.set(t.keys.meta, type);
    await expect(log.catchUp()).rejects.toThrow();
    await client.rename(`${t.keys.meta}-aside`, t.keys.meta);
  };
  await log.catchUp();
  await write(2);
  await trouble();
  expect(logged).toEqual(written);
  await log.catchUp();
  await write(2);
  await hear();
  await trouble();
  log.forget();
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

test('a lost webhook is a warning, and in a dry run none', async () => {
  for (const [dryRun, level] of [
    [false, 'warn'],
    [true, 'info'],
  ] as const) {
    const levels: string[] = [];
    const format = { level: (label: string) => ({ level: label }) };
    const logger = pino({ formatters: format }, { write: (line) => levels.push(JSON.parse(line).level) });
    await client.xadd(t.keys.journal, '*', 'event', 'room.repaired', 'at', '1');
    await new DecisionLog(t.ledger, reader, logger, dryRun).catchUp();
    expect(levels).toEqual([level]);
  }
  await reader.stop();
});

test('what needs a person is a warning in words; a dry run, which may get no webhooks, warns of no lost one', async () => {
  for (const event of ['room.waiting', 'room.parked', 'room.repaired']) {
    await client.xadd(t.keys.journal, '*', 'event', event, 'at', '1');
  }
  await log.catchUp();
  expect(said).toEqual([
    '30 room.waiting',
    '40 a room is parked and needs a person',
    '40 a resolve webhook was lost: the room was found to be over',
  ]);
  said = [];
  const logger = pino({ level: 'info' }, { write: (line) => said.push(`${JSON.parse(line).level}`) });
  await client.xadd(t.keys.journal, '*', 'event', 'room.repaired', 'at', '1');
  await new DecisionLog(t.ledger, reader, logger, true).catchUp();
  expect(said).toEqual(['30']);
});
