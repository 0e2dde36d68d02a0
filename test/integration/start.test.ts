/** How the service starts, refuses to start, and keeps its log file: as processes, seen by the person who runs them. */
import { afterAll, afterEach, beforeAll, expect, test } from 'bun:test';
import { existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { startTestRedis, type TestRedis } from '../support/redis';
import {
  ADMIN_TOKEN,
  caller,
  freePort,
  type ServiceProcess,
  spawnService,
  temporaryFolder,
  WEBHOOK_TOKEN,
} from '../support/service';
import { until } from '../support/wait';

let redis: TestRedis;
const running: ServiceProcess[] = [];
beforeAll(async () => {
  redis = await startTestRedis();
});
afterAll(() => redis.stop());
afterEach(async () => {
  await Promise.all(running.splice(0).map((service) => service.kill('SIGKILL')));
});

let apps = 0;
/** With its own sandbox, as an app of its own on the test's Redis; `more` may change all. */
async function start(
  more: Record<string, string> = {},
  role: 'all' | 'api' | 'worker' = 'all',
): Promise<ServiceProcess> {
  apps += 1;
  const own = { REDIS_URL: redis.url, QISCUS_APP_ID: `app-${apps}`, LOG_LEVEL: 'error' };
  const service = await spawnService({ ...own, ...more }, role);
  running.push(service);
  return service;
}

test('the first line is the address to open', async () => {
  const port = String(await freePort());
  const service = await start({ PORT: port });
  expect(service.output().split('\n')[0]).toStartWith(`http://localhost:${port} `);
  expect((await fetch(`http://localhost:${port}/health/live`)).status).toBe(200);
});

test('[F66] a port that is taken: one clear line, code 1', async () => {
  const taken = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response() });
  const service = await start({ PORT: String(taken.port) });
  expect(await service.exited).toBe(1);
  await until(() => service.output().includes(`\nPort ${taken.port} is taken by another program`), {
    what: 'the reason',
  });
  expect(service.output()).not.toContain('/health/ready');
  await taken.stop(true);
});

test('[F66] two services on one port: the second says so and ends, and the first gets every request', async () => {
  const first = await start();
  const second = await start({ PORT: new URL(first.url).port });
  expect(await second.exited).toBe(1);
  await until(() => second.output().includes('is taken by another program'), { what: 'the reason' });
  for (let i = 0; i < 20; i++) expect((await fetch(`${first.url}/health/live`)).status).toBe(200);
});

test('[F67] a rejection that nobody handles: a line in the log, code 1, so that a supervisor starts it again', async () => {
  const planted = join(temporaryFolder('planted'), 'reject.ts');
  writeFileSync(planted, "process.on('SIGUSR2', () => void Promise.reject(new Error('planted')));\n");
  const service = await start({ BUN_OPTIONS: `--preload=${planted}` });
  process.kill(service.pid, 'SIGUSR2');
  expect(await service.exited).toBe(1);
  await until(() => service.output().includes('"event":"service.failed"'), { what: 'the line' });
  expect(service.output()).toContain('planted');
});

test('the sandbox on an address of the network: starts, and says that its webhooks stay away', async () => {
  const addresses = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
  // Where there is no network, the machine's own name is still no loopback address by its look.
  const HOST = addresses.find(({ internal, family }) => !internal && family === 'IPv4')?.address ?? hostname();
  const service = await start({ HOST, WEBHOOK_TOKEN, ADMIN_TOKEN, LOG_LEVEL: 'warn' });
  expect((await fetch(service.url.replace('127.0.0.1', HOST).concat('/health/live'))).status).toBe(200);
  await until(() => service.output().includes('"sandbox.undelivered"'), { what: 'the warning' });
});

test('an api process before any worker: the limit of its configuration, never over that of the workers', async () => {
  const env = { QISCUS_APP_ID: 'alone', QISCUS_MAX_CUSTOMER: '7' };
  const api = await start(env, 'api');
  const limit = async () => (await caller(api.url).get('/settings/max_customers')).body.max_customers;
  expect(await limit()).toBe(7);
  await start({ ...env, QISCUS_MAX_CUSTOMER: '5' }, 'worker');
  await until(async () => (await limit()) === 5, { what: 'the limit of the worker' });
  await start({ ...env, QISCUS_MAX_CUSTOMER: '9' }, 'api');
  expect(await limit()).toBe(5);
});

test('the sandbox that several processes share takes the credentials that the banner names', async () => {
  const port = await freePort();
  const shared = Bun.spawn([process.execPath, 'src/qiscus/sandbox.ts', '--port', String(port)], {
    cwd: join(import.meta.dir, '../..'),
    stdout: 'pipe',
  });
  try {
    const hint = (await start({}, 'api')).output();
    const named = (name: string) => new RegExp(`${name}=(\\S+)`).exec(hint)?.[1] ?? '';
    expect(named('QISCUS_BASE_URL')).toBe('http://127.0.0.1:4000');
    await shared.stdout.getReader().read();
    const env = { QISCUS_BASE_URL: `http://127.0.0.1:${port}`, WEBHOOK_TOKEN, ADMIN_TOKEN, REDIS_URL: redis.url };
    const credentials = { QISCUS_APP_ID: named('QISCUS_APP_ID'), QISCUS_SECRET: named('QISCUS_SECRET') };
    const api = caller((await start({ ...env, ...credentials })).url);
    await until(async () => ((await api.get('/agents')).body.agents as unknown[]).length === 6, {
      what: "the shared sandbox's agents",
    });
  } finally {
    shared.kill();
    await shared.exited;
  }
}, 30_000);

test('a wrong configuration: one message with all problems and no values, code 2', async () => {
  const wrong = {
    PORT: 'harbour',
    QISCUS_MAX_CUSTOMER: '0',
    LOG_LEVEL: 'deafening',
    WEBHOOK_TOKEN: 'brief-secret',
    REDIS_URL: 'http://user:brief-secret@example.com',
  };
  const service = await start(wrong);
  expect(await service.exited).toBe(2);
  await until(() => service.output().includes('.env.example'), { what: 'the end of the message' });
  const text = service.output();
  for (const name of Object.keys(wrong)) expect(text).toContain(`- ${name}`);
  expect(text).toContain('5 problems');
  for (const value of ['harbour', 'deafening', 'brief-secret']) expect(text).not.toContain(value);
});

test('two services on one data folder: the second refuses, the first goes on', async () => {
  const env = { REDIS_URL: '', DATA_DIR: temporaryFolder('data') };
  const first = await start(env);
  const second = await start(env);
  expect(await second.exited).toBe(1);
  await until(() => second.output().includes('Another service (pid '), { what: 'the reason' });
  expect((await fetch(`${first.url}/health/live`)).status).toBe(200);
  expect(await first.kill('SIGTERM')).toBe(0);
  const third = await start(env);
  expect(third.output()).toContain('/health/ready');
}, 30_000);

test('[F59] after kill -9 the next start on the folder takes everything up at once', async () => {
  const env = { REDIS_URL: '', DATA_DIR: temporaryFolder('data'), QISCUS_APP_ID: 'kept', LOG_LEVEL: 'info' };
  const first = await start(env);
  const rosterRead = async ({ url }: ServiceProcess) =>
    ((await caller(url).get('/agents')).body.agents as unknown[]).length > 0;
  await until(() => rosterRead(first), { what: 'the agents known' });
  await first.kill('SIGKILL');
  const second = await start(env);
  await caller(second.url).allocate('1');
  // Only who leads writes decisions down, reads the agents and moves the clock; a dead leader's lease would last 5 s.
  await until(() => second.output().includes('"room.assigned"'), { what: 'the decision in the log', withinMs: 2_000 });
}, 30_000);

test('a second signal ends it at once', async () => {
  const service = await start({ SHUTDOWN_SECONDS: '600' });
  process.kill(service.pid, 'SIGTERM');
  process.kill(service.pid, 'SIGINT');
  expect([0, 1]).toContain(await service.exited);
});

test('one Ctrl-C that comes twice, as under npm, stops in order', async () => {
  const service = await start({ LOG_LEVEL: 'info' });
  process.kill(service.pid, 'SIGINT');
  // Long enough for the signal to be heard, and not to be merged with the next one.
  await fetch(`${service.url}/health/live`).catch(() => undefined);
  process.kill(service.pid, 'SIGINT');
  expect(await service.exited).toBe(0);
  expect(service.output()).toContain('"service.stopped"');
});

test('LOG_STACK=single writes the file, SIGHUP reopens it, and nothing is lost on the way', async () => {
  const dataDir = temporaryFolder('log');
  const file = join(dataDir, 'logs/agent-allocation.log');
  const service = await start({ LOG_STACK: 'single', LOG_LEVEL: 'info', DATA_DIR: dataDir });
  const api = caller(service.url);
  await until(async () => ((await api.get('/agents')).body.agents as unknown[]).length > 0, {
    what: 'the agents known',
  });
  const assigned = (path: string) =>
    readFileSync(path, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ event }) => event === 'room.assigned')
      .map(({ room }) => room);
  await api.allocate('1');
  await until(() => assigned(file).length === 1, { what: 'the first room in the log' });
  expect(statSync(file).mode & 0o777).toBe(0o640);
  expect(service.output()).not.toContain('room.assigned');

  renameSync(file, `${file}.1`);
  await api.allocate('2');
  await until(() => assigned(`${file}.1`).length === 2, { what: 'the second room in the moved file' });
  process.kill(service.pid, 'SIGHUP');
  await until(() => existsSync(file), { what: 'the new file' });
  await api.allocate('3');
  await until(() => assigned(file).length === 1, { what: 'the third room in the new file' });
  expect([assigned(`${file}.1`), assigned(file)]).toEqual([['1', '2'], ['3']]);
});
