/** Which errors of a real Redis mean "try again in a moment", and which are faults of ours. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'bun:test';
import pino from 'pino';
import { ServiceError } from '../../src/errors';
import { Desk } from '../../src/ledger/desk';
import { storeError } from '../../src/redis/errors';
import { type Connections, openConnections, type Store } from '../../src/redis/store';
import { Doorbell } from '../../src/streams/doorbell';
import { JournalReader } from '../../src/streams/journal';
import { startTestRedis, type TestRedis } from '../support/redis';
import { until } from '../support/wait';

let redis: TestRedis;
let connections: Connections;
let store: Store;
let desk: Desk;
let journal: JournalReader;
beforeAll(async () => {
  // About the answers of one server: what replicas it has is part of the test.
  redis = await startTestRedis({ kind: 'standalone' });
  connections = await openConnections(redis.url);
  store = await connections.of('errors');
  desk = new Desk(store.scripts, Date.now);
  journal = new JournalReader(
    store.command,
    new Doorbell(redis.url, store.command),
    store.keys.journal,
    pino({ level: 'silent' }),
  );
});
afterAll(async () => {
  connections.close();
  await redis.stop();
});
// A test that killed Redis saw it come back by another connection; ours follows on its own.
beforeEach(async () => {
  await until(() => store.command.flushall(), { what: 'our connection back' });
});

const failureOf = (call: Promise<unknown>) => call.then(() => null).catch((error: unknown) => error);
const isUnavailable = (error: unknown) => error instanceof ServiceError && error.code === 'STORE_UNAVAILABLE';

test.each([
  ['full', { set: ['maxmemory', '1'], back: ['maxmemory', '0'] }],
  ['short of replicas', { set: ['min-replicas-to-write', '1'], back: ['min-replicas-to-write', '0'] }],
] as const)('a Redis that is %s is not available', async (_, { set, back }) => {
  await store.command.call('CONFIG', 'SET', ...set);
  const error = await failureOf(store.command.xadd(store.keys.inbox, '*', 'kind', 'allocation'));
  await store.command.call('CONFIG', 'SET', ...back);
  expect(error).toBeInstanceOf(Error);
  expect(isUnavailable(storeError(error))).toBe(true);
});

test('a script that raises, or a key of another type, is a fault and keeps its cause', async () => {
  await store.command.set(store.keys.agents, 'not a hash');
  const raised = await failureOf(desk.listAgents());
  expect(raised).toBeInstanceOf(Error);
  expect(isUnavailable(raised)).toBe(false);
  expect(String(raised)).toContain('WRONGTYPE');
  await store.command.set(store.keys.journal, 'not a stream');
  const read = await failureOf(journal.page(null, 10));
  expect([isUnavailable(read), String(read)]).toEqual([false, expect.stringContaining('WRONGTYPE')]);
});

test('Redis is lost and comes back: one line each, once', async () => {
  const lines: unknown[] = [];
  const logged = pino(
    { base: null, timestamp: false },
    { write: (line: string) => lines.push(JSON.parse(line).event) },
  );
  const watched = await openConnections(redis.url, logged);
  for (const round of [1, 2]) {
    await redis.kill('SIGKILL');
    await until(() => lines.length === 2 * round - 1, { what: 'the loss in the log' });
    // Tries in vain are no further losses.
    let tries = 0;
    watched.command.on('reconnecting', () => {
      tries += 1;
    });
    await until(() => tries > 2, { what: 'tries in vain' });
    await redis.restart();
    await until(() => lines.length === 2 * round, { what: 'the return in the log' });
  }
  expect(lines).toEqual(['redis.lost', 'redis.back', 'redis.lost', 'redis.back']);
  watched.close();
  await until(() => watched.command.status === 'end', { what: 'the end' });
  expect(lines.length).toBe(4);
});

test('[F02] a Redis that is gone is not available, for the journal too', async () => {
  await redis.kill('SIGKILL');
  for (const call of [() => journal.page(null, 10), () => desk.listAgents(), () => desk.setMaxCustomers(3)]) {
    expect(isUnavailable(await failureOf(call()))).toBe(true);
  }
});
