/** The list of apps changes while the service runs: apps come, change, go, cannot start, and are tried again. */
import { expect, test } from 'bun:test';
import pino from 'pino';
import { Apps } from '../../src/apps/directory';
import { RunningApps } from '../../src/apps/running';
import { readConfig } from '../../src/config';
import { Turns } from '../../src/ledger/turns';
import { keysOf } from '../../src/redis/keys';
import { openConnections } from '../../src/redis/store';
import { Doorbell } from '../../src/streams/doorbell';
import { appsSuite } from '../support/apps-suite';
import { ask } from '../support/many-apps';
import { ADMIN_TOKEN, spawnService, startTestService } from '../support/service';
import { until } from '../support/wait';

const { parts, start, openRedis, reload, allocate, read } = appsSuite();

test('the list is read again: an app comes, changes, goes; webhooks of the others never meet a gap', async () => {
  await start();
  const [first, second] = parts.apps.apps.map(parts.apps.entryOf);
  let refused = 0;
  let calls = 0;
  let going = true;
  const steady = (async () => {
    while (going) {
      const { status } = await allocate(parts.one.webhookToken, { room_id: `steady-${calls}` });
      if (status >= 300) refused += 1;
      calls += 1;
    }
  })();
  await reload([first ?? {}]);
  expect((await allocate(parts.two.webhookToken, { room_id: 'gone' })).status).toBe(401);
  await reload([first ?? {}, { ...second, WEBHOOK_TOKEN: { env: `ADMIN_two` } }]);
  expect((await allocate(parts.two.webhookToken, { room_id: 'old-token' })).status).toBe(401);
  expect((await allocate(parts.two.adminToken, { room_id: 'new-token' })).body.state).toBe('assigned');
  await reload([{ ...first, QISCUS_RATE_PER_SECOND: 5000 }, second ?? {}]);
  const before = calls;
  await until(() => calls > before + 10, { what: 'more webhooks' });
  going = false;
  await steady;
  expect(refused).toBe(0);
});

test('an app is replaced while a call of it is under way: only one of the two leads, each decision is logged once', async () => {
  await start({ ROLE: 'api' });
  const [first, second] = parts.apps.apps.map(parts.apps.entryOf);
  const other = await spawnService({ ...parts.apps.env, LOG_LEVEL: 'info', WEBHOOK_WAIT_MS: '0' }, 'all');
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
    parts.one.sandbox.faults.add({ on: 'assign_agent', effect: 'status', status: 500, delayMs: 3_000 });
    await post(parts.one.webhookToken, 'slow');
    await until(() => says('room.reserved', 'slow'), { what: 'a call under way' });
    parts.apps.write([{ ...first, WEBHOOK_TOKEN: { env: 'ADMIN_one' } }, second ?? {}]);
    process.kill(other.pid, 'SIGHUP');
    await until(async () => (await post(parts.one.adminToken, 'a')) === 202, { what: 'the new one' });
    expect(other.output()).not.toContain('apps.changed');
    await until(() => other.output().includes('apps.changed') && says('room.assigned', 'a'), { what: 'the change' });
    await post(parts.one.adminToken, 'b');
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
  const [first] = parts.apps.apps.map(parts.apps.entryOf);
  const client = openRedis();
  await client.hset(keysOf('three').meta, 'format', 99);
  client.disconnect();
  await reload([{ ...first, QISCUS_APP_ID: 'three' }], { ROLE: 'api' });
  expect((await read('/apps', ADMIN_TOKEN)).body.apps).toEqual([{ app_id: 'one' }, { app_id: 'two' }]);
  expect((await ask('GET', `${parts.service.url}/api/v1/apps`, {})).status).toBe(401);
});

test('SIGHUP reads the file again; with a mistake in it everything stays as it was', async () => {
  await start({ ROLE: 'api' });
  const [first, second] = parts.apps.apps.map(parts.apps.entryOf);
  parts.apps.write([first ?? {}]);
  const other = await spawnService(parts.apps.env, 'api');
  const listed = async () =>
    (await ask('GET', `${other.url}/api/v1/apps`, { authorization: `Bearer ${ADMIN_TOKEN}` })).body.apps;
  try {
    expect(await listed()).toEqual([{ app_id: 'one' }]);
    parts.apps.write([{ ...first, QISCUS_SECRET: 'in the open' }]);
    process.kill(other.pid, 'SIGHUP');
    await until(() => other.output().includes('config.refused'), { what: 'the mistake in the log' });
    expect(other.output()).not.toContain('in the open');
    parts.apps.write([first ?? {}, second ?? {}]);
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
  await parts.service.stop();
  const client = openRedis();
  await client.hset(keysOf('two').meta, 'format', 99);
  parts.service = await startTestService(parts.apps.env);
  expect((await allocate(parts.one.webhookToken, { room_id: 'a' })).body.state).toBe('assigned');
  expect((await allocate(parts.two.webhookToken, { room_id: 'a' })).status).toBe(503);
  await client.hdel(keysOf('two').meta, 'format');
  client.disconnect();
  await reload(parts.apps.apps.map(parts.apps.entryOf));
  expect((await allocate(parts.two.webhookToken, { room_id: 'a' })).body.state).toBe('assigned');
});

test('who follows the events of an app that goes is not left waiting', async () => {
  await start();
  const stream = await fetch(`${parts.service.url}/api/v1/events`, {
    headers: { authorization: `Bearer ${parts.two.adminToken}` },
  });
  const ended = stream.text();
  await reload([parts.apps.entryOf(parts.one)]);
  expect(await ended).toContain(': connected');
});

test('an app that cannot start is tried again by itself, until it can', async () => {
  await start({ ROLE: 'api' });
  await parts.service.stop();
  const client = openRedis();
  await client.hset(keysOf('two').meta, 'format', 99);
  const config = readConfig({ ...parts.apps.env, ROLE: 'api' }, []);
  const connections = await openConnections(config.redis.url ?? '');
  const bell = new Doorbell(config.redis.url ?? '', connections.command);
  bell.start();
  const failed: unknown[] = [];
  const logger = pino({ level: 'error' }, { write: (line: string) => failed.push(JSON.parse(line)) });
  const directory = new Apps(config);
  const shared = { connections, ingest: null, bell, turns: new Turns(), nowMs: Date.now, logger, many: true };
  const running = new RunningApps(directory, shared, 20);
  const ids = () => directory.running.map(({ id }) => id);
  try {
    await running.start(config.apps ?? []);
    await until(() => failed.length >= 3, { what: 'two more tries' });
    expect(failed[2]).toMatchObject({ event: 'app.failed', app: 'two' });
    expect(ids()).toEqual(['one']);
    await client.hdel(keysOf('two').meta, 'format');
    await until(() => ids().includes('two'), { what: 'the app started' });
  } finally {
    client.disconnect();
    await running.stop(() => 0);
    await bell.stop();
    connections.close();
  }
});

test('the banner lists the apps, and which of them could not be started', async () => {
  await start({ ROLE: 'api' });
  const client = openRedis();
  await client.hset(keysOf('two').meta, 'format', 99);
  client.disconnect();
  for (const role of ['api', 'worker'] as const) {
    const other = await spawnService(parts.apps.env, role);
    await other.kill('SIGTERM');
    expect(other.output()).toMatch(/^ {2}Apps {5}one$/m);
    expect(other.output()).toMatch(/^ +could not be started, and are tried again \(see the log\): two$/m);
    for (const secret of ['secret-of', 'token-of']) expect(other.output()).not.toContain(secret);
  }
});
