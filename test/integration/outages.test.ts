/**
 * Redis is killed, silent, or full while webhooks come in: a quick 503, nothing acknowledged is lost, and the service
 * recovers by itself.
 */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import type { Sandbox } from '../../src/qiscus/sandbox';
import { startTestRedis, type TestRedis } from '../support/redis';
import {
  type Caller,
  caller,
  environment,
  type ServiceProcess,
  spawnService,
  startTestSandbox,
  temporaryFolder,
} from '../support/service';
import { until } from '../support/wait';

/** The longest that a webhook may wait for its 503, ms. */
const REFUSED_WITHIN_MS = 250;

let redis: TestRedis;
let sandbox: Sandbox;
let service: ServiceProcess;
let api: Caller;

async function start(env: Record<string, string>): Promise<void> {
  service = await spawnService({ ...env, QISCUS_MAX_CUSTOMER: '1000' });
  api = caller(service.url);
  await until(async () => ((await api.get('/agents')).body.agents as unknown[]).length === 6, {
    what: 'the agents known',
  });
}

beforeEach(async () => {
  redis = await startTestRedis();
  sandbox = await startTestSandbox({ cap: 1000 });
});
afterEach(async () => {
  await service.kill('SIGKILL');
  await sandbox.stop();
  await redis.stop();
});

interface Timed {
  status: number;
  code: unknown;
  ms: number;
}
async function timed(call: Promise<{ status: number; body: Record<string, unknown> }>): Promise<Timed> {
  const begun = performance.now();
  const { status, body } = await call;
  return { status, code: body.code, ms: performance.now() - begun };
}

/** Every one of them refused in time, and no differently. */
function expectRefused(answers: Timed[]): void {
  for (const { status, code } of answers) expect([status, code]).toEqual([503, 'STORE_UNAVAILABLE']);
  expect(Math.max(...answers.map(({ ms }) => ms))).toBeLessThan(REFUSED_WITHIN_MS);
}

/** Sends rooms without pause until `stop`; tells which were acknowledged. */
function load(): { acknowledged: string[]; stop(): Promise<void> } {
  const acknowledged: string[] = [];
  let ended = false;
  const sender = async (n: number) => {
    for (let i = 0; !ended; i++) {
      const { status } = await api.allocate(`load-${n}-${i}`);
      expect([200, 202, 503]).toContain(status);
      if (status < 300) acknowledged.push(`load-${n}-${i}`);
    }
  };
  const senders = Promise.all([0, 1, 2, 3].map(sender));
  return {
    acknowledged,
    async stop() {
      ended = true;
      await senders;
    },
  };
}

async function expectAllAssigned(rooms: string[]): Promise<void> {
  for (const room of rooms) {
    await until(async () => (await api.room(room)).state === 'assigned', {
      what: `${room} assigned`,
      withinMs: 20_000,
    });
  }
  expect(sandbox.state().violations).toEqual([]);
}

test('[F02] Redis is killed under load and comes back', async () => {
  await start(environment(redis.url, sandbox.url, { QISCUS_TIMEOUT_MS: '1000', OUTBOX_CLAIM_MS: '1200' }));
  const sending = load();
  for (let round = 1; round <= 2; round++) {
    const before = sending.acknowledged.length;
    await until(() => sending.acknowledged.length > before + 50, { what: 'the load under way' });
    await redis.kill('SIGKILL');
    const answers: Timed[] = [];
    for (let i = 0; i < 30; i++)
      answers.push(await timed(i % 3 === 0 ? api.resolve(`r${i}`) : api.allocate(`away-${i}`)));
    expectRefused(answers);
    for (const path of ['/journal', '/agents']) {
      expect(await api.get(path)).toMatchObject({ status: 503, body: { code: 'STORE_UNAVAILABLE' } });
    }
    expect((await fetch(`${service.url}/health/ready`)).status).toBe(503);
    expect((await fetch(`${service.url}/health/live`)).status).toBe(200);
    await redis.restart();
  }
  const before = sending.acknowledged.length;
  await until(() => sending.acknowledged.length > before + 20, { what: 'webhooks taken in again' });
  await sending.stop();
  await expectAllAssigned(sending.acknowledged);
  // Refused is refused: nothing was kept to be written later.
  for (const i of [1, 2, 4, 28, 29]) expect((await api.room(`away-${i}`)).code).toBe('ROOM_UNKNOWN');
}, 60_000);

test('[F02 F03 F04] Redis is silent: refused in time, and taken in again when it speaks', async () => {
  await start(environment(redis.url, sandbox.url));
  expect((await api.allocate('before')).status).toBe(200);
  await redis.kill('SIGSTOP');
  const one = await timed(api.allocate('silent'));
  const many = await Promise.all(Array.from({ length: 10 }, (_, i) => timed(api.allocate(`silent-${i}`))));
  await redis.kill('SIGCONT');
  expectRefused([one, ...many]);
  await until(async () => (await api.allocate('after')).status === 200, { what: 'a webhook taken in again' });
  await expectAllAssigned(['before', 'after']);
}, 60_000);

describe('[F06 F11] Redis is full', () => {
  let admin: Redis;
  beforeEach(() => {
    admin = new Redis({ host: '127.0.0.1', port: redis.port });
  });
  afterEach(() => admin.disconnect());

  test('no new chats, but chats can end, and the line moves', async () => {
    await start(environment(redis.url, sandbox.url));
    await api.post('/settings/max_customers', { max_customers: 1 });
    for (const { id } of sandbox.state().agents)
      if (id !== 'agent_01') await api.patch(`/agents/${id}`, { paused: true });
    expect((await api.allocate('1')).body.state).toBe('assigned');
    expect((await api.allocate('2')).body.state).toBe('waiting');
    await admin.config('SET', 'maxmemory', '1');
    expectRefused(await Promise.all([timed(api.allocate('3')), timed(api.allocate('4'))]));
    // The same for a process that starts while it is full.
    await service.kill('SIGKILL');
    await start(environment(redis.url, sandbox.url));
    await sandbox.rooms.resolve('1', { copies: 0 });
    expect((await api.resolve('1')).body).toMatchObject({ status: 'success', state: 'released' });
    await until(async () => (await api.room('2')).state === 'assigned', { what: 'the next one assigned' });
    expect((await api.room('3')).code).toBe('ROOM_UNKNOWN');
    await admin.config('SET', 'maxmemory', '0');
    await until(async () => (await api.allocate('3')).status === 202, { what: 'new chats taken in again' });
  }, 60_000);

  test('from 80 % on, before it is full; ready warns, and the log says so', async () => {
    await start(environment(redis.url, sandbox.url, { LOG_LEVEL: 'warn' }));
    const { url, output } = service;
    const used = Number(/used_memory:(\d+)/.exec(await admin.info('memory'))?.[1]);
    await admin.config('SET', 'maxmemory', String(Math.round(used / 0.85)));
    await until(async () => (await api.allocate('1')).status === 503, { what: 'an allocation refused' });
    expect((await api.resolve('1')).status).toBe(200);
    const ready = await fetch(`${url}/health/ready`);
    expect([ready.status, await ready.json()]).toMatchObject([200, { warnings: ['redis_memory'] }]);
    await until(() => output().includes('redis.nearly_full'), { what: 'the log names it' });
    await admin.config('SET', 'maxmemory', '0');
    await until(() => output().includes('redis.has_room'), { what: 'the log says that it is over' });
  }, 60_000);
});

test('the embedded Redis is killed: it is started again, and nothing is lost', async () => {
  const dataDir = temporaryFolder('data');
  const { REDIS_URL: _, ...env } = environment('', sandbox.url, {
    DATA_DIR: dataDir,
    QISCUS_TIMEOUT_MS: '1000',
    OUTBOX_CLAIM_MS: '1200',
  });
  await start(env);
  const sending = load();
  await until(() => sending.acknowledged.length > 50, { what: 'the load under way' });
  const before = sending.acknowledged.length;
  process.kill(Number(readFileSync(join(dataDir, 'redis/server.pid'), 'utf8')), 'SIGKILL');
  await until(() => sending.acknowledged.length > before + 50, { what: 'webhooks taken in again', withinMs: 20_000 });
  await sending.stop();
  await expectAllAssigned(sending.acknowledged);
}, 60_000);
