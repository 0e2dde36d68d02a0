/**
 * Several Qiscus apps on one service: whose webhook it is, who may see what, and that neither a flood nor an outage of one
 * is felt by another. Real sandboxes, one for each app.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import { Redis } from 'ioredis';
import { readConfig } from '../../src/config';
import { keysOf } from '../../src/redis/keys';
import type { Service } from '../../src/service';
import { ask, startApps, type TestApp, type TestApps } from '../support/many-apps';
import { startTestRedis, type TestRedis } from '../support/redis';
import {
  ADMIN_TOKEN,
  QISCUS_SECRET,
  spawnService,
  startTestSandbox,
  startTestService,
  WEBHOOK_TOKEN,
} from '../support/service';
import { until } from '../support/wait';

let redis: TestRedis;
let apps: TestApps;
let service: Service;
let one: TestApp;
let two: TestApp;

beforeAll(async () => {
  // Wiped and filled by hand; many apps on a cluster are in test/chaos/cluster-apps.test.ts.
  redis = await startTestRedis({ kind: 'standalone' });
});
afterAll(() => redis.stop());
afterEach(async () => {
  await service.stop();
  await apps.stop();
});

async function start(more: Record<string, string> = {}, change: (list: TestApps) => void = () => {}) {
  const wipe = new Redis({ host: '127.0.0.1', port: redis.port });
  await wipe.flushall();
  wipe.disconnect();
  apps = await startApps(['one', 'two'], redis.url);
  change(apps);
  [one, two] = apps.apps as [TestApp, TestApp];
  service = await startTestService({ ...apps.env, ...more });
}

const allocate = (token: string, body: object) =>
  ask('POST', `${service.url}/api/v1/webhook/agent_allocation`, { 'x-webhook-token': token }, body);
const read = (path: string, token: string, more: Record<string, string> = {}) =>
  ask('GET', `${service.url}/api/v1${path}`, { authorization: `Bearer ${token}`, ...more });
const stateOf = async (app: TestApp, room: string) => (await read(`/rooms/${room}`, app.adminToken)).body.state;

/** Rooms that Qiscus gave to an agent of that app. */
const served = (app: TestApp) => app.sandbox.state().assigns.map(({ roomId }) => roomId);

describe('whose webhook it is', () => {
  test('the token says it, or the app_id; one that names another app is refused', async () => {
    await start();
    expect((await allocate(one.webhookToken, { room_id: 'a' })).body.state).toBe('assigned');
    expect((await allocate(two.webhookToken, { room_id: 'b', app_id: 'two', app_code: 'two' })).status).toBe(200);
    for (const body of [
      { room_id: 'x', app_id: 'two' },
      { room_id: 'x', app_id: 'one', app_code: 'two' },
    ])
      expect((await allocate(one.webhookToken, body)).body).toMatchObject({ code: 'WRONG_APP' });
    expect((await allocate(WEBHOOK_TOKEN, { room_id: 'x' })).status).toBe(401);
    expect(served(one)).toEqual(['a']);
    expect(served(two)).toEqual(['b']);
    expect([await stateOf(one, 'b'), await stateOf(two, 'a')]).toEqual([undefined, undefined]);
  });

  test('apps may share a token: then the webhook has to say whose it is', async () => {
    await start({}, ({ apps: list, entryOf, write }) =>
      write(list.map((app) => ({ ...entryOf(app), WEBHOOK_TOKEN: { env: 'WEBHOOK_TOKEN' } }))),
    );
    expect((await allocate(WEBHOOK_TOKEN, { room_id: 'a', app_code: 'two' })).body.state).toBe('assigned');
    expect(served(two)).toEqual(['a']);
    expect((await allocate(WEBHOOK_TOKEN, { room_id: 'a' })).body).toMatchObject({ code: 'INVALID_BODY' });
    expect((await allocate(WEBHOOK_TOKEN, { room_id: 'a', app_id: 'three' })).body).toMatchObject({
      code: 'WRONG_APP',
    });
  });
});

test('an app’s token opens that app; the operator’s opens all, one at a time', async () => {
  await start();
  const max = '/settings/max_customers';
  const set = await ask(
    'POST',
    `${service.url}/api/v1${max}`,
    { authorization: `Bearer ${one.adminToken}` },
    { max_customers: 9 },
  );
  expect(set.status).toBe(200);
  expect((await read(max, one.adminToken)).body.max_customers).toBe(9);
  expect((await read(max, two.adminToken)).body.max_customers).toBe(2);
  expect((await read('/apps', one.adminToken)).body.apps).toEqual([{ app_id: 'one' }]);
  expect((await read(max, one.adminToken, { 'x-app-id': 'two' })).body).toMatchObject({ code: 'APP_UNKNOWN' });
  expect((await read('/apps', ADMIN_TOKEN)).body.apps).toEqual([{ app_id: 'one' }, { app_id: 'two' }]);
  expect((await read(max, ADMIN_TOKEN)).body).toMatchObject({ code: 'APP_UNKNOWN' });
  expect((await read(max, ADMIN_TOKEN, { 'x-app-id': 'one' })).body.max_customers).toBe(9);
  const basic = (user: string) => ({ authorization: `Basic ${btoa(`${user}:${ADMIN_TOKEN}`)}` });
  expect((await ask('GET', `${service.url}/api/v1${max}`, basic('two'))).body.max_customers).toBe(2);
  expect((await ask('GET', `${service.url}/api/v1${max}`, basic('anybody'))).status).toBe(404);
  const metrics = await fetch(`${service.url}/metrics`, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
  expect(await metrics.text()).toContain('caa_waiting_rooms{app="one"} 0');
  expect(
    (await fetch(`${service.url}/metrics`, { headers: { authorization: `Bearer ${one.adminToken}` } })).status,
  ).toBe(401);
});

test('apps without an admin token of their own: the operator’s opens each of them', async () => {
  await start({}, ({ apps: list, entryOf, write }) =>
    write(list.map((app) => ({ ...entryOf(app), ADMIN_TOKEN: undefined }))),
  );
  const max = '/settings/max_customers';
  expect((await read('/apps', ADMIN_TOKEN)).body.apps).toEqual([{ app_id: 'one' }, { app_id: 'two' }]);
  for (const id of ['one', 'two']) expect((await read(max, ADMIN_TOKEN, { 'x-app-id': id })).status).toBe(200);
});

describe('an app in trouble', () => {
  test('one floods: the other’s webhooks are applied long before the flood is', async () => {
    await start({ ROLE: 'api', WEBHOOK_WAIT_MS: '0' });
    // 20,000 webhooks lie in one inbox before anybody works, then ten arrive in the other.
    const client = new Redis({ host: '127.0.0.1', port: redis.port });
    for (let i = 0; i < 20; i += 1) {
      const pipeline = client.pipeline();
      for (let k = 0; k < 1_000; k += 1)
        pipeline.xadd(
          keysOf('one').inbox,
          '*',
          'kind',
          'allocation',
          'room',
          `flood-${i}-${k}`,
          'request',
          `q-${i}-${k}`,
        );
      await pipeline.exec();
    }
    for (let i = 0; i < 10; i += 1) await allocate(two.webhookToken, { room_id: `calm-${i}` });
    const worker = await startTestService({ ...apps.env, ROLE: 'worker' });
    try {
      await until(async () => (await client.xlen(keysOf('two').inbox)) === 0, { what: 'the calm app applied' });
      expect(await client.xlen(keysOf('one').inbox)).toBeGreaterThan(10_000);
      await until(
        async () =>
          (await read('/queue', two.adminToken)).body.total === 0 && (await stateOf(two, 'calm-9')) === 'assigned',
        { what: 'the calm app served' },
      );
    } finally {
      client.disconnect();
      await worker.stop();
    }
  });

  test('one sends more than it may: the rest is refused, and the other’s is not', async () => {
    await start({}, ({ apps: list, entryOf, write }) =>
      write(list.map((app) => ({ ...entryOf(app), ...(app.id === 'one' && { WEBHOOKS_PER_SECOND: 10 }) }))),
    );
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, i) => allocate(one.webhookToken, { room_id: `r${i}` })),
    );
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(20);
    expect(refused[0]?.body).toMatchObject({ code: 'TOO_MANY_WEBHOOKS' });
    for (let i = 0; i < 40; i += 1)
      expect((await allocate(two.webhookToken, { room_id: `r${i}` })).status).toBeLessThan(203);
  });

  test('Qiscus is silent for one: the other is served, and the process stays ready', async () => {
    await start({ QISCUS_TIMEOUT_MS: '10000', SHUTDOWN_SECONDS: '1' });
    one.sandbox.faults.add(
      { on: 'assign_agent', effect: 'hang', times: null },
      { on: 'agents', effect: 'hang', times: null },
    );
    await Promise.all(Array.from({ length: 12 }, (_, i) => allocate(one.webhookToken, { room_id: `stuck-${i}` })));
    for (let i = 0; i < 12; i += 1)
      expect((await allocate(two.webhookToken, { room_id: `r${i}` })).body.state).toBe('assigned');
    expect(await stateOf(one, 'stuck-0')).toBe('reserved');
  });

  test('Qiscus refuses one: ready warns, names it to the operator, and stays ready for the other', async () => {
    await start();
    one.sandbox.faults.add({ on: 'assign_agent', effect: 'status', status: 401, times: null });
    await allocate(one.webhookToken, { room_id: 'a' });
    const ready = () => ask('GET', `${service.url}/health/ready`, { authorization: `Bearer ${ADMIN_TOKEN}` });
    const seen = await until(async () => ((await ready()).body.warnings ? ready() : null), { what: 'a warning' });
    expect(seen).toMatchObject({
      status: 200,
      body: { warnings: ['apps'], apps: { served: 2, failing: { one: ['qiscus'] } } },
    });
    expect((await ask('GET', `${service.url}/health/ready`, {})).body).toEqual({
      status: 'success',
      sandbox: false,
      warnings: ['apps'],
    });
    expect((await allocate(two.webhookToken, { room_id: 'a' })).body.state).toBe('assigned');
  });
});

test('the list is read again: an app comes, changes, goes; webhooks of the others never meet a gap', async () => {
  await start();
  const [first, second] = apps.apps.map(apps.entryOf);
  let refused = 0;
  let calls = 0;
  let going = true;
  const steady = (async () => {
    while (going) {
      const { status } = await allocate(one.webhookToken, { room_id: `steady-${calls}` });
      if (status >= 300) refused += 1;
      calls += 1;
    }
  })();
  const reload = async (entries: object[]) => {
    apps.write(entries as Parameters<typeof apps.write>[0]);
    await service.reload(readConfig({ ...apps.env, PORT: '3000' }, []));
  };
  await reload([first ?? {}]);
  expect((await allocate(two.webhookToken, { room_id: 'gone' })).status).toBe(401);
  await reload([first ?? {}, { ...second, WEBHOOK_TOKEN: { env: `ADMIN_two` } }]);
  expect((await allocate(two.webhookToken, { room_id: 'old-token' })).status).toBe(401);
  expect((await allocate(two.adminToken, { room_id: 'new-token' })).body.state).toBe('assigned');
  await reload([{ ...first, QISCUS_RATE_PER_SECOND: 5000 }, second ?? {}]);
  const before = calls;
  await until(() => calls > before + 10, { what: 'more webhooks' });
  going = false;
  await steady;
  expect(refused).toBe(0);
});

test('an app is replaced while a call of it is under way: only one of the two leads, each decision is logged once', async () => {
  await start({ ROLE: 'api' });
  const [first, second] = apps.apps.map(apps.entryOf);
  const other = await spawnService({ ...apps.env, LOG_LEVEL: 'info', WEBHOOK_WAIT_MS: '0' }, 'all');
  const post = async (token: string, room: string) =>
    (await ask('POST', `${other.url}/api/v1/webhook/agent_allocation`, { 'x-webhook-token': token }, { room_id: room }))
      .status;
  const logged = () =>
    other
      .output()
      .matchAll(/"app":"one".*"journal":"([^"]+)"/g)
      .toArray();
  const says = (event: string, room: string) => new RegExp(`"event":"${event}".*"room":"${room}"`).test(other.output());
  try {
    one.sandbox.faults.add({ on: 'assign_agent', effect: 'status', status: 500, delayMs: 3_000 });
    await post(one.webhookToken, 'slow');
    await until(() => says('room.reserved', 'slow'), { what: 'a call under way' });
    apps.write([{ ...first, WEBHOOK_TOKEN: { env: 'ADMIN_one' } }, second ?? {}]);
    process.kill(other.pid, 'SIGHUP');
    await until(async () => (await post(one.adminToken, 'a')) === 202, { what: 'the new one' });
    expect(other.output()).not.toContain('apps.changed');
    await until(() => other.output().includes('apps.changed') && says('room.assigned', 'a'), { what: 'the change' });
    await post(one.adminToken, 'b');
    await until(() => says('room.assigned', 'b'), { what: 'a new leader' });
    const ids = logged().map(([, id]) => id);
    expect(ids.length).toBeGreaterThan(5);
    expect(ids).toEqual([...new Set(ids)]);
  } finally {
    await other.kill('SIGTERM');
  }
});

test('no app of another list can start: all stays as it was, and no door is left open', async () => {
  await start({ ROLE: 'api' });
  const [first] = apps.apps.map(apps.entryOf);
  const client = new Redis({ host: '127.0.0.1', port: redis.port });
  await client.hset(keysOf('three').meta, 'format', 99);
  client.disconnect();
  apps.write([{ ...first, QISCUS_APP_ID: 'three' }]);
  await service.reload(readConfig({ ...apps.env, ROLE: 'api', PORT: '3000' }, []));
  expect((await read('/apps', ADMIN_TOKEN)).body.apps).toEqual([{ app_id: 'one' }, { app_id: 'two' }]);
  expect((await ask('GET', `${service.url}/api/v1/apps`, {})).status).toBe(401);
});

test('Qiscus is silent for many: they start together, and do not wait one after the other', async () => {
  await start({ ROLE: 'api' });
  const ids = Array.from({ length: 96 }, (_, i) => `silent-${i}`);
  const sandbox = await startTestSandbox({}, ids[0], ids.slice(1));
  for (const id of ids) sandbox.app(id).faults.add({ on: 'agents', effect: 'hang', times: null });
  const secret = { SECRET_silent: QISCUS_SECRET };
  apps.write(
    ids.map((id) => ({ QISCUS_APP_ID: id, QISCUS_BASE_URL: sandbox.url, QISCUS_SECRET: { env: 'SECRET_silent' } })),
  );
  const env = { ...apps.env, ...secret, BUN_CONFIG_MAX_HTTP_REQUESTS: '10000', SHUTDOWN_SECONDS: '1' };
  // By sixteen, three seconds each, it would take 18.
  const started = await startTestService(env);
  await started.stop();
  await sandbox.stop();
}, 15_000);

test('SIGHUP reads the file again; with a mistake in it everything stays as it was', async () => {
  await start({ ROLE: 'api' });
  const [first, second] = apps.apps.map(apps.entryOf);
  apps.write([first ?? {}]);
  const other = await spawnService(apps.env, 'api');
  const listed = async () =>
    (await ask('GET', `${other.url}/api/v1/apps`, { authorization: `Bearer ${ADMIN_TOKEN}` })).body.apps;
  try {
    expect(await listed()).toEqual([{ app_id: 'one' }]);
    apps.write([{ ...first, QISCUS_SECRET: 'in the open' }]);
    process.kill(other.pid, 'SIGHUP');
    await until(() => other.output().includes('config.refused'), { what: 'the mistake in the log' });
    expect(other.output()).not.toContain('in the open');
    apps.write([first ?? {}, second ?? {}]);
    process.kill(other.pid, 'SIGHUP');
    await until(async () => Bun.deepEquals(await listed(), [{ app_id: 'one' }, { app_id: 'two' }]), {
      what: 'two apps',
    });
  } finally {
    await other.kill('SIGTERM');
  }
});

test('an app that cannot start does not keep the others from it, and is started when it can', async () => {
  await start({ ROLE: 'api' });
  await service.stop();
  const client = new Redis({ host: '127.0.0.1', port: redis.port });
  await client.hset(keysOf('two').meta, 'format', 99);
  service = await startTestService(apps.env);
  expect((await allocate(one.webhookToken, { room_id: 'a' })).body.state).toBe('assigned');
  expect((await allocate(two.webhookToken, { room_id: 'a' })).status).toBe(503);
  await client.hdel(keysOf('two').meta, 'format');
  client.disconnect();
  await service.reload(readConfig({ ...apps.env, PORT: '3000' }, []));
  expect((await allocate(two.webhookToken, { room_id: 'a' })).body.state).toBe('assigned');
});

test('who follows the events of an app that goes is not left waiting', async () => {
  await start();
  const stream = await fetch(`${service.url}/api/v1/events`, {
    headers: { authorization: `Bearer ${two.adminToken}` },
  });
  const ended = stream.text();
  apps.write([apps.entryOf(one)]);
  await service.reload(readConfig({ ...apps.env, PORT: '3000' }, []));
  expect(await ended).toContain(': connected');
});
