/** The doctor against a real Redis, a real sandbox and a real service: it finds what is broken, and tells no secret. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { examine } from '../../src/cli/doctor';
import type { Finding } from '../../src/cli/doctor/finding';
import { readConfig } from '../../src/config';
import { createQiscusClient } from '../../src/qiscus/client';
import { type Sandbox, startSandbox } from '../../src/qiscus/sandbox';
import { connect, type RedisClient } from '../../src/redis/client';
import { allocation } from '../support/cli';
import { startTestRedis, type TestRedis } from '../support/redis';
import {
  ADMIN_TOKEN,
  APP_ID,
  environment,
  freePort,
  QISCUS_SECRET,
  spawnService,
  startTestService,
  temporaryFolder,
  WEBHOOK_TOKEN,
} from '../support/service';
import { until } from '../support/wait';

const PUBLIC = 'https://router.example.com';
const LOGIN = { email: 'admin@example.com', password: 'password-for-tests-only' };
const RESOLVE_URL = `${PUBLIC}/api/v1/webhook/mark_as_resolved/${WEBHOOK_TOKEN}`;
const ALLOCATION_URL = `${PUBLIC}/api/v1/webhook/agent_allocation/${WEBHOOK_TOKEN}`;
const SECRETS = [QISCUS_SECRET, ADMIN_TOKEN, WEBHOOK_TOKEN, LOGIN.password, LOGIN.email];

let redis: TestRedis;
let admin: RedisClient;
let sandbox: Sandbox;
let env: Record<string, string>;
const register = async (url: string, enabled = true) => {
  const options = { baseUrl: sandbox.url, appId: APP_ID, secret: QISCUS_SECRET, timeoutMs: 5_000, ...LOGIN };
  expect((await createQiscusClient(options).setResolveWebhook(url, enabled)).kind).toBe('set');
};
beforeAll(async () => {
  redis = await startTestRedis({ kind: 'standalone', appendfsync: 'always', maxmemory: '256mb' });
  admin = await connect(redis.url, 'command');
  sandbox = await startSandbox({ appId: APP_ID, secret: QISCUS_SECRET, agentIds: 'named', ...LOGIN });
  env = {
    ...environment(redis.url, sandbox.url, { PUBLIC_BASE_URL: PUBLIC, PORT: String(await freePort()) }),
    QISCUS_EMAIL: LOGIN.email,
    QISCUS_PASSWORD: LOGIN.password,
    NODE_ENV: 'production',
  };
  await mend();
});
const mend = async () => {
  sandbox.configure({ allocationWebhookUrl: ALLOCATION_URL });
  await register(RESOLVE_URL);
  for (const [name, value] of [
    ['appendonly', 'yes'],
    ['appendfsync', 'always'],
    ['maxmemory', '256mb'],
    ['maxmemory-policy', 'noeviction'],
  ])
    await admin.call('CONFIG', 'SET', name ?? '', value ?? '');
};
afterEach(mend);
afterAll(async () => {
  admin.disconnect();
  await sandbox.stop();
  await redis.stop();
});

/** What is not ok, without the area that stands before it. */
const complaints = (findings: Finding[]) =>
  findings.filter(({ level }) => level !== 'ok').map(({ level, area, what }) => `${level} ${area}: ${what}`);
const look = async (more: Record<string, string> = {}, nowMs?: () => number) =>
  complaints(await examine({ ...env, ...more }, { nowMs }));

test('all is well: nothing but ok, exit code 0, and no secret in it', async () => {
  const { code, out, err } = await allocation(['doctor'], env);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).toContain('All is well.');
  for (const what of [
    'keeps what it acknowledges',
    '6 agents',
    'mark_as_resolved webhook comes here',
    'agent_allocation webhook comes here',
  ])
    expect(out).toContain(what);
  for (const secret of SECRETS) expect(out).not.toContain(secret);
  expect(await look()).toEqual([]);
});

test('--json: one document with every finding, and the exit code says broken', async () => {
  const { code, out } = await allocation(['doctor', '--json'], { ...env, QISCUS_SECRET: 'another-secret' });
  const { status, findings } = JSON.parse(out) as { status: string; findings: Finding[] };
  expect([code, status]).toEqual([1, 'broken']);
  const denied = findings.find(({ what }) => what.startsWith('refuses QISCUS_APP_ID'));
  expect(denied).toMatchObject({ area: 'Qiscus', level: 'broken', mend: expect.stringContaining('dashboard') });
  expect(out).not.toContain('another-secret');
});

describe('Redis', () => {
  test.each([
    ['appendonly', 'no', 'appendonly is no: a restart loses everything'],
    ['appendfsync', 'everysec', 'appendfsync is everysec: a power cut loses'],
    ['maxmemory-policy', 'allkeys-lru', 'maxmemory-policy is allkeys-lru: it may delete the ledger'],
  ])('%s %s: broken in production, a warning elsewhere or when it was accepted', async (name, value, words) => {
    await admin.call('CONFIG', 'SET', name, value);
    expect(await look()).toEqual([expect.stringContaining(`broken Redis: ${words}`)]);
    expect(await look({ ALLOW_WEAK_DURABILITY: 'true' })).toEqual([expect.stringContaining(`warning Redis: ${words}`)]);
    expect(await look({ NODE_ENV: '' })).toEqual([expect.stringContaining(`warning Redis: ${words}`)]);
  });

  test('memory without a bound, and nearly full', async () => {
    await admin.call('CONFIG', 'SET', 'maxmemory', '0');
    expect(await look()).toEqual([expect.stringContaining('warning Redis: uses')]);
    await admin.call('CONFIG', 'SET', 'maxmemory', '1mb');
    expect(await look()).toEqual([expect.stringContaining('new chats are refused')]);
  });

  test('replicas that are not there', async () => {
    expect(await look({ REDIS_MIN_REPLICAS: '1' })).toEqual([
      'broken Redis: 0 replicas are connected, REDIS_MIN_REPLICAS is 1: every webhook is refused',
    ]);
  });

  test('out of reach, and no word of its password', async () => {
    const found = await examine({ ...env, REDIS_URL: 'redis://:hush-hush@127.0.0.1:1' });
    expect(complaints(found)).toEqual(['broken Redis: cannot be reached: connect ECONNREFUSED 127.0.0.1:1']);
    expect(JSON.stringify(found)).not.toContain('hush-hush');
  });

  test('a cluster: its form is told, a node of it as if it stood alone is broken', async () => {
    const cluster = await startTestRedis({ kind: 'cluster1', appendfsync: 'always', maxmemory: '256mb' });
    try {
      const found = await examine({ ...env, REDIS_URL: cluster.url });
      expect(complaints(found)).toEqual([]);
      expect(found.map(({ what }) => what)).toContain('a cluster with 1 masters');
      expect(await look({ REDIS_URL: `redis://127.0.0.1:${cluster.port}` })).toEqual([
        expect.stringContaining('broken Redis: REDIS_URL names a node of a Redis Cluster'),
      ]);
    } finally {
      await cluster.stop();
    }
  });
});

describe('Qiscus', () => {
  test('webhooks that go elsewhere, are switched off, or are not there; of their URLs only the host is told', async () => {
    await register('https://old.example.com/api/v1/webhook/mark_as_resolved/a-token-of-somebody-else');
    sandbox.configure({ allocationWebhookUrl: null });
    const found = await examine(env);
    expect(complaints(found)).toEqual([
      'broken Qiscus: its mark_as_resolved webhook goes elsewhere: to old.example.com, or another path there',
      'broken Qiscus: it has no agent_allocation webhook',
    ]);
    expect(JSON.stringify(found)).not.toContain('a-token-of-somebody-else');
    await register(RESOLVE_URL, false);
    sandbox.configure({ allocationWebhookUrl: 'https://router.example.com/wrong' });
    expect(await look()).toEqual([
      'broken Qiscus: its mark_as_resolved webhook is switched off',
      expect.stringContaining('its agent_allocation webhook goes elsewhere'),
    ]);
    // Beside another allocator it is as it should be.
    expect((await look({ DRY_RUN: 'true' })).filter((line) => line.startsWith('broken'))).toEqual([]);
  });

  test('a login that is refused, and none at all', async () => {
    expect(await look({ QISCUS_PASSWORD: 'wrong-password' })).toEqual([
      'broken Qiscus: refuses QISCUS_EMAIL and QISCUS_PASSWORD (status 401)',
    ]);
    expect(await look({ QISCUS_EMAIL: '', QISCUS_PASSWORD: '' })).toEqual([
      expect.stringContaining('warning Qiscus: whether it calls us is not checked'),
    ]);
  });

  test('no agents, and a fallback agent who is none of them', async () => {
    expect(await look({ QISCUS_AGENT_ID: 'nobody', FALLBACK_AFTER_SECONDS: '60' })).toEqual([
      'broken Qiscus: QISCUS_AGENT_ID is none of its agents',
    ]);
    for (const { id } of sandbox.agents.list()) sandbox.agents.remove(id);
    expect(await look()).toEqual(['broken Qiscus: takes our credentials, and lists no agents']);
    sandbox.reset();
  });

  test('it fails, or is not there', async () => {
    sandbox.faults.add({ on: 'agents', effect: 'status', status: 500, times: null });
    expect(await look()).toEqual([expect.stringContaining('broken Qiscus: cannot be asked')]);
    sandbox.faults.clear();
    sandbox.faults.add({ on: 'agents', effect: 'status', status: 429, times: null });
    expect(await look()).toEqual([expect.stringContaining('warning Qiscus: takes no more calls')]);
    sandbox.faults.clear();
    expect(await look({ QISCUS_BASE_URL: 'http://127.0.0.1:1' })).toContainEqual(
      'broken Qiscus: cannot be asked at http://127.0.0.1:1: connection refused',
    );
  });
});

test('clocks: a little off is a warning, a lot is broken; both ways', async () => {
  expect(await look({}, () => Date.now() + 20_000)).toEqual([
    'warning Redis: its clock is 20 s behind ours',
    expect.stringMatching(/^warning Qiscus: its clock is (19|2[0-3]) s behind ours$/),
  ]);
  expect(await look({}, () => Date.now() - 90_000)).toEqual([
    'broken Redis: its clock is 90 s ahead of ours',
    expect.stringMatching(/^broken Qiscus: its clock is (8[6-9]|9[01]) s ahead of ours$/),
  ]);
});

describe('settings', () => {
  test('every problem of the configuration, as at a start', async () => {
    const found = await look({ QISCUS_MAX_CUSTOMER: '0', PORT: 'x', QISCUS_MAX_CUSTOMERS: '3' });
    expect(found).toEqual([
      expect.stringContaining('broken configuration: PORT is not a whole number'),
      expect.stringContaining('broken configuration: QISCUS_MAX_CUSTOMER is out of range'),
      expect.stringContaining('warning configuration: QISCUS_MAX_CUSTOMERS is not a setting'),
      'warning configuration: nothing else was checked',
    ]);
    expect((await allocation(['doctor'], { ...env, PORT: 'x' })).code).toBe(1);
  });

  test('a token that the start refuses, with how to make one', async () => {
    const found = await look({ METRICS_TOKEN: 'tiny' });
    expect(() => readConfig({ ...env, METRICS_TOKEN: 'tiny' }, [])).toThrow('`openssl rand -hex 24` makes one');
    expect(found[0]).toStartWith('broken configuration: METRICS_TOKEN holds a token that');
    expect(found[0]).toContain('`openssl rand -hex 24` makes one');
    expect(found[0]).not.toContain('tiny');
  });

  test.each([
    ['one for both', { WEBHOOK_TOKEN: ADMIN_TOKEN }, 'a token is in WEBHOOK_TOKEN and in ADMIN_TOKEN'],
    ['the scraper has ours', { METRICS_TOKEN: ADMIN_TOKEN }, 'a token is in METRICS_TOKEN and in ADMIN_TOKEN'],
    ['easy to guess', { METRICS_TOKEN: 'ababababababababababababab' }, 'warning tokens: a token has few different'],
  ])('tokens: %s', async (_, more, words) => {
    const found = await look(more);
    expect(found).toEqual([expect.stringContaining(words)]);
  });

  test.each([
    ['https://10.0.0.7', 'must be a name'],
    ['https://router.local', 'must be a public name'],
    ['https://router.example.com/api/v1', 'holds a path of ours'],
  ])('PUBLIC_BASE_URL %s', async (url, words) => {
    expect((await look({ PUBLIC_BASE_URL: url })).filter((line) => line.includes('public address'))).toEqual([
      expect.stringContaining(words),
    ]);
  });

  test('a data folder that cannot be', async () => {
    const found = await look({ LOG_STACK: 'single', DATA_DIR: join(import.meta.path, 'data') });
    expect(found).toEqual([`broken disk: ${import.meta.path} cannot be written`]);
  });
});

describe('a service that runs', () => {
  test('is asked, and its troubles are told', async () => {
    const service = await startTestService(env);
    const there = { ...env, PORT: new URL(service.url ?? '').port };
    try {
      expect((await examine(there)).at(-1)?.what).toBe(`ready at ${service.url}`);
      const stranger = await examine({ ...there, ADMIN_TOKEN: 'another-token-of-24-signs' });
      expect(complaints(stranger)).toEqual([expect.stringContaining('broken service: The service at')]);
      expect(stranger.at(-1)?.mend).toContain('Ask with the .env or environment that it was started with');
    } finally {
      await service.stop();
    }
  });

  test('that lost its Redis: status and doctor say so, and what to do', async () => {
    const own = await startTestRedis({ kind: 'standalone', appendfsync: 'always' });
    const service = await startTestService({ ...env, REDIS_URL: own.url });
    const there = { ...env, REDIS_URL: own.url, PORT: new URL(service.url ?? '').port };
    try {
      await own.stop();
      await until(async () => (await fetch(`${service.url}/health/ready`)).status === 503, { what: 'not ready' });
      const status = await allocation(['status'], there);
      expect({ code: status.code, err: status.err }).toEqual({ code: 1, err: '' });
      expect(status.out).toContain('not ready: redis');
      const said = JSON.parse((await allocation(['status', '--json'], there)).out) as Record<string, unknown>;
      expect(said).toMatchObject({ health: { failing: ['redis'] }, agents: null });
      const found = await examine(there);
      expect(found.find(({ area }) => area === 'service')).toMatchObject({
        level: 'broken',
        what: 'not ready: redis',
        mend: 'See Redis above.',
      });
      expect(complaints(found)[0]).toStartWith('broken Redis: cannot be reached');
    } finally {
      await service.stop();
    }
  }, 20_000);

  test('with its private Redis: that is asked through its socket, and goes on; later it is only told', async () => {
    const own = { PORT: String(await freePort()), DATA_DIR: temporaryFolder(), LOG_LEVEL: 'error' };
    const service = await spawnService(own);
    const during = await allocation(['doctor'], own);
    expect({ code: during.code, err: during.err }).toEqual({ code: 0, err: '' });
    for (const words of ['keeps what it acknowledges', 'ready at http://127.0.0.1:', 'sandbox'])
      expect(during.out).toContain(words);
    expect((await fetch(`${service.url}/health/ready`)).status).toBe(200);
    expect(await service.kill('SIGTERM')).toBe(0);
    const after = await examine(own);
    expect(complaints(after)).toEqual([]);
    expect(after.map(({ what }) => what).join()).toContain('no service runs it now');
    // Nothing was started on it: a service still can.
    const again = await spawnService(own);
    expect(again.runs()).toBe(true);
    await again.kill('SIGTERM');
  }, 30_000);
});
