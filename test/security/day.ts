/**
 * The day of marks.test.ts: a service as in production whose secrets are marks, marked payloads at every endpoint, and
 * every failure of Qiscus and Redis. `startDay` lives through it, `endDay` stops all parts; what was seen is exported.
 */
import { Redis } from 'ioredis';
import { type Sandbox, startSandbox } from '../../src/qiscus/sandbox';
import type { Fault } from '../../src/qiscus/sandbox/settings';
import { keysOf } from '../../src/redis/keys';
import { startTestRedis, type TestRedis } from '../support/redis';
import { APP_ID, environment, type ServiceProcess, spawnService, temporaryFolder } from '../support/service';
import { until } from '../support/wait';
import { MARK, markedPayloads, NAME_MARK } from './marked';
import { allRoutes } from './routes';

export const SECRETS = {
  QISCUS_SECRET: `${MARK}-qiscus-secret`,
  QISCUS_EMAIL: `${MARK}-login@example.com`,
  QISCUS_PASSWORD: `${MARK} password & more`,
  WEBHOOK_TOKEN: `${MARK}-webhook-token-0000001,${MARK}-webhook-token-0000002`,
  ADMIN_TOKEN: `${MARK}-admin-token-0000000001,${MARK}-admin-token-0000000002`,
  METRICS_TOKEN: `${MARK}-metrics-token-00000001`,
  LOG_SLACK_WEBHOOK_URL: `https://hooks.example.com/services/${MARK}`,
};
export const REDIS_PASSWORD = `${MARK}-redis-password`;
const [webhookToken = ''] = SECRETS.WEBHOOK_TOKEN.split(',');
export const [adminToken = ''] = SECRETS.ADMIN_TOKEN.split(',');
const JSON_TYPE = { 'content-type': 'application/json' };
const WEBHOOK = { ...JSON_TYPE, 'x-webhook-token': webhookToken };
const ADMIN = { ...JSON_TYPE, authorization: `Bearer ${adminToken}` };

let redis: TestRedis;
export let client: Redis;
let sandbox: Sandbox;
export let service: ServiceProcess;
export const dataDir = temporaryFolder('marks');
export const keys = keysOf(APP_ID);
/** Every reply of the day: what was asked, what came. */
export const replies: { asked: string; status: number; text: string }[] = [];
export let events = '';

async function ask(method: string, path: string, headers: Record<string, string> = {}, body?: string): Promise<number> {
  const reply = await fetch(service.url + path, { method, headers, body });
  const shown = [...reply.headers].map(([name, value]) => `${name}: ${value}`).join('\n');
  replies.push({ asked: `${method} ${path}`, status: reply.status, text: `${shown}\n\n${await reply.text()}` });
  return reply.status;
}
const allocate = (body: unknown) => ask('POST', '/api/v1/webhook/agent_allocation', WEBHOOK, JSON.stringify(body));

/** Starts everything and lives through the day. */
export async function startDay(): Promise<void> {
  redis = await startTestRedis({ appendfsync: 'always', settings: { rdbcompression: 'no' } });
  client = new Redis({ host: '127.0.0.1', port: redis.port, password: REDIS_PASSWORD, lazyConnect: true });
  client.on('error', () => {});
  const opener = new Redis({ host: '127.0.0.1', port: redis.port });
  await opener.config('SET', 'requirepass', REDIS_PASSWORD);
  opener.disconnect();
  await client.connect();
  sandbox = await startSandbox({ appId: APP_ID, secret: SECRETS.QISCUS_SECRET, agentIds: 'named' });
  service = await spawnService(
    environment(redis.url.replace('://', `://:${REDIS_PASSWORD}@`), sandbox.url, {
      NODE_ENV: 'production',
      LOG_LEVEL: 'trace',
      LOG_STACK: 'stdout,single',
      DATA_DIR: dataDir,
      RECONCILE_SECONDS: '1',
      PUBLIC_BASE_URL: 'https://router.example.com',
      WEBHOOK_WAIT_MS: '100',
      QISCUS_TIMEOUT_MS: '1000',
      OUTBOX_CLAIM_MS: '2000',
      ...SECRETS,
    }),
  );
  sandbox.setDelivery({ baseUrl: service.url, webhookToken });
  void follow();
  await aDay();
}

/** Ends all that was started. */
export async function endDay(): Promise<void> {
  client.disconnect();
  await service.kill('SIGKILL');
  await sandbox.stop();
  await redis.stop();
}

async function follow(): Promise<void> {
  const reply = await fetch(`${service.url}/api/v1/events`, { headers: ADMIN });
  const decoder = new TextDecoder();
  try {
    for await (const chunk of reply.body ?? []) events += decoder.decode(chunk, { stream: true });
  } catch {
    // The stream ends with the service.
  }
}

async function aDay(): Promise<void> {
  await until(async () => (await client.hlen(keys.agents)) === 6, { what: 'the agents known' });

  // Qiscus fails in every way, and its answers hold marks.
  const body = {
    errors: { message: `${MARK} ${NAME_MARK}` },
    data: { authentication_token: `${MARK}-token`, email: `${MARK}@example.com` },
  };
  const failures: Omit<Fault, 'on'>[] = [
    ...[400, 404, 422, 500, 503].map((status) => ({ effect: 'status' as const, status, body })),
    { effect: 'apply_then_garbage' },
    { effect: 'apply_then_truncate' },
    { effect: 'apply_then_reset' },
    { effect: 'redirect', location: `http://127.0.0.1:1/?secret=${MARK}` },
  ];
  sandbox.faults.add(
    ...failures.map((failure, index) => ({ ...failure, on: 'assign_agent', roomId: `chat-${index}` })),
    { on: 'agents', skip: 1, effect: 'status', status: 500, body },
    { on: 'customer_rooms', effect: 'status', status: 500, body },
    { on: 'customer_rooms', effect: 'garbage' },
  );
  // A customer whose webhook is lost, some whose are not.
  await sandbox.rooms.create({
    roomId: 'lost-1',
    customerName: `${NAME_MARK} lost`,
    text: `${MARK} text`,
    copies: 0,
    ageMs: 5_000,
  });
  for (let i = 0; i < failures.length; i += 1) {
    await sandbox.rooms.create({
      roomId: `chat-${i}`,
      customerName: `${NAME_MARK} ${i}`,
      text: `${MARK} text`,
      copies: 2,
    });
  }
  await until(() => sandbox.faults.list().every(({ hits }) => hits > 0), {
    what: 'Qiscus failed in every way',
    withinMs: 30_000,
  });
  // Every payload at every endpoint, by every way of giving the token.
  for (const { body: payload } of markedPayloads()) {
    const text = JSON.stringify(payload);
    for (const name of ['agent_allocation', 'mark_as_resolved']) {
      const path = `/api/v1/webhook/${name}`;
      await ask('POST', path, WEBHOOK, text);
      await ask('POST', `${path}/${webhookToken}`, JSON_TYPE, text);
      await ask('POST', `${path}?token=${webhookToken}`, JSON_TYPE, text);
      await ask('POST', path, WEBHOOK, text.slice(0, -9));
      await ask('POST', path, WEBHOOK, text.replace(/"room_id":"[^"]*"/g, `"room_id":"${MARK} ${NAME_MARK}"`));
      await ask('POST', path, WEBHOOK, JSON.stringify({ ...payload, app_id: `${MARK}-other` }));
      await ask('POST', `${path}/${MARK}-wrong-token-00000000`, JSON_TYPE, text);
      await ask('POST', path, { ...WEBHOOK, 'content-type': `text/${MARK}` }, text);
    }
  }
  await everyRoute();
  await ask(
    'POST',
    '/api/v1/settings/set_mark_as_resolved',
    ADMIN,
    JSON.stringify({ url: `https://router.example.com/api/v1/webhook/mark_as_resolved/${webhookToken}` }),
  );
  await ask('GET', '/api/v1/settings/set_mark_as_resolved', ADMIN);
  await ask(
    'POST',
    '/api/v1/settings/set_mark_as_resolved',
    ADMIN,
    JSON.stringify({ url: `https://${MARK}:${MARK}@${MARK}.example.com/` }),
  );
  await ask('GET', `/api/v1/rooms/${MARK}@example.com`, ADMIN);
  await ask('GET', `/${MARK}?${MARK}=${MARK}`, ADMIN);
  await ask('GET', `/api/v1/journal?after=${MARK}`, ADMIN);
  await ask('GET', '/api/v1/agents', { authorization: `Basic ${btoa(`${MARK}:${MARK}`)}` });

  await brokenRedis();
  await until(async () => (await client.hlen(keys.agents)) === 6 && (await client.xlen(keys.inbox)) === 0, {
    what: 'all well again',
    withinMs: 20_000,
  });
  await until(async () => ((await client.hget(keys.rooms, 'lost-1')) ?? '').includes(NAME_MARK), {
    what: 'the lost room found',
    withinMs: 20_000,
  });
  await until(async () => (await room('chat-3')).state === 'assigned', { what: 'a room assigned', withinMs: 30_000 });
  await sandbox.rooms.resolve('chat-1', { by: 'admin', notes: `${MARK} notes`, copies: 2 });
  await until(async () => (await room('chat-1')).state === 'resolved', { what: 'a chat is over' });
  await everyRoute();
}

async function room(id: string): Promise<{ state?: string }> {
  return (await fetch(`${service.url}/api/v1/rooms/${id}`, { headers: ADMIN })).json() as Promise<{ state?: string }>;
}

/** Every route of the app, with the right tokens and with wrong ones. */
async function everyRoute(): Promise<void> {
  for (const { method, path, json, door } of await allRoutes()) {
    if (path === '/api/v1/events' || path.includes('swagger-ui-bundle')) continue;
    const right =
      door === 'webhook'
        ? WEBHOOK
        : { ...JSON_TYPE, authorization: `Bearer ${door === 'metrics' ? SECRETS.METRICS_TOKEN : adminToken}` };
    const body = json === undefined ? undefined : JSON.stringify(json);
    const target = path.replace('12345', 'chat-2').replace(':token', webhookToken);
    await ask(method, target, right, body);
    await ask(method, target, JSON_TYPE, body);
    if (method !== 'GET') await ask(method, target, right, `{"${MARK}":`);
  }
}

/** Redis hangs, is full, holds a key of the wrong type, is killed: the errors of each are logged and answered. */
async function brokenRedis(): Promise<void> {
  const payload = { room_id: 'while-broken', name: `${NAME_MARK} broken`, email: `${MARK}@example.com` };
  const everything = async () => {
    await allocate(payload);
    for (const path of ['/api/v1/agents', '/api/v1/queue', '/health/ready', '/api/v1/journal', '/api/v1/rooms/chat-2'])
      await ask('GET', path, ADMIN);
    await ask('POST', '/api/v1/settings/max_customers', ADMIN, '{"max_customers":3}');
  };
  await redis.kill('SIGSTOP');
  await everything();
  await redis.kill('SIGCONT');
  await until(async () => (await allocate(payload)) < 300, { what: 'Redis answers again' });

  await client.config('SET', 'maxmemory', '1');
  await everything();
  await client.config('SET', 'maxmemory', '0');

  // A bug's worth of errors: every script raises.
  await client.rename(keys.rooms, 'aside');
  await client.set(keys.rooms, 'not a hash');
  await everything();
  await client.del(keys.rooms);
  await client.rename('aside', keys.rooms);

  await redis.kill('SIGKILL');
  await everything();
  await redis.restart();
  // The password was set while it ran.
  const opener = new Redis({ host: '127.0.0.1', port: redis.port });
  await opener.config('SET', 'requirepass', REDIS_PASSWORD);
  opener.disconnect();
  await until(async () => (await allocate(payload)) < 300, { what: 'Redis is back', withinMs: 20_000 });
}
