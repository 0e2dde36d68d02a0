/**
 * Secrets and personal data stay where they belong: after a day with everything in it, they are looked for in the logs,
 * in every key of Redis, in the journal, the metrics and the replies. The sandbox plants the word `planted` in every
 * secret and every customer's address that Qiscus would send.
 */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import type { Sandbox } from '../../src/qiscus/sandbox';
import { PLANTED } from '../../src/qiscus/sandbox/shapes';
import { startTestRedis, type TestRedis } from '../support/redis';
import {
  ADMIN_TOKEN,
  caller,
  environment,
  type ServiceProcess,
  spawnService,
  startTestSandbox,
  temporaryFolder,
  WEBHOOK_TOKEN,
} from '../support/service';
import { until } from '../support/wait';

const NAME = 'Quixotic Wanderer';
const TEXT = 'my card number is 4111';
const PASSWORD = 'redis-password-for-tests';

let redis: TestRedis;
let sandbox: Sandbox;
let service: ServiceProcess;
let admin: Redis;
let secrets: string[];
const dataDir = temporaryFolder('secrets');
const replies: string[] = [];

beforeAll(async () => {
  redis = await startTestRedis({ settings: { requirepass: '' } });
  admin = new Redis({ host: '127.0.0.1', port: redis.port });
  await admin.config('SET', 'requirepass', PASSWORD);
  sandbox = await startTestSandbox();
  const env = environment(redis.url.replace('://', `://:${PASSWORD}@`), sandbox.url, {
    LOG_LEVEL: 'trace',
    LOG_STACK: 'stdout,single',
    DATA_DIR: dataDir,
    QISCUS_EMAIL: `${PLANTED}-admin@example.com`,
    QISCUS_PASSWORD: `${PLANTED}-password`,
  });
  secrets = [PLANTED, env.QISCUS_SECRET ?? '', WEBHOOK_TOKEN, ADMIN_TOKEN, PASSWORD, TEXT, '@example', NAME];
  service = await spawnService(env);
  sandbox.setDelivery({ baseUrl: service.url, webhookToken: WEBHOOK_TOKEN });
  await aDayWithEverything();
}, 60_000);
afterAll(async () => {
  admin.disconnect();
  await service.kill('SIGKILL');
  await sandbox.stop();
  await redis.stop();
});

async function aDayWithEverything(): Promise<void> {
  const api = caller(service.url);
  await until(async () => ((await api.get('/agents')).body.agents as unknown[]).length === 6, {
    what: 'the agents known',
  });
  sandbox.faults.add(
    {
      on: 'assign_agent',
      roomId: '2',
      effect: 'status',
      status: 500,
      body: { errors: { message: `${PLANTED} ${NAME}` } },
    },
    { on: 'assign_agent', roomId: '3', effect: 'apply_then_garbage' },
    { on: 'assign_agent', roomId: '4', times: null, effect: 'status', status: 422, body: `${PLANTED}-refusal` },
    { on: 'assign_agent', roomId: '5', effect: 'redirect', location: `http://127.0.0.1:1/?secret=${PLANTED}` },
  );
  for (const roomId of ['1', '2', '3', '4', '5', '6']) {
    await sandbox.rooms.create({ roomId, customerName: NAME, text: TEXT, channelId: '5603', source: 'wa', copies: 2 });
  }
  for (const room of ['1', '2', '3', '5', '6']) {
    await until(async () => (await api.room(room)).state === 'assigned', { what: `room ${room} assigned` });
  }
  await sandbox.rooms.resolve('6', { notes: `${PLANTED} notes`, copies: 2 });
  await until(async () => (await api.room('4')).state === 'parked', { what: 'room 4 parked', withinMs: 20_000 });

  const keep = async (answer: Promise<Response>) => replies.push(await (await answer).text());
  const post = (path: string, body: string, headers: Record<string, string> = {}) =>
    keep(
      fetch(`${service.url}${path}`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'X-Webhook-Token': WEBHOOK_TOKEN, ...headers },
        body,
      }),
    );
  await post('/api/v1/webhook/agent_allocation', `{"room_id": "${PLANTED}`);
  await post(
    '/api/v1/webhook/agent_allocation',
    JSON.stringify({ room_id: { email: `${PLANTED}@example.com`, name: NAME } }),
  );
  await post('/api/v1/webhook/agent_allocation', JSON.stringify({ room_id: '7', app_id: PLANTED, message: TEXT }));
  await post(`/api/v1/webhook/agent_allocation/${PLANTED}`, '{}', { 'X-Webhook-Token': '' });
  await post(`/api/v1/webhook/${PLANTED}`, '{}');
  await post('/api/v1/settings/max_customers', JSON.stringify({ max_customers: PLANTED }), {
    Authorization: `Bearer ${ADMIN_TOKEN}`,
  });
  await post('/api/v1/settings/max_customers', '{}', { Authorization: `Bearer ${PLANTED}` });
  await keep(
    fetch(`${service.url}/api/v1/rooms/${PLANTED}@example.com`, {
      headers: { Authorization: `Bearer ${ADMIN_TOKEN}` },
    }),
  );
  replies.push(
    JSON.stringify(await api.post('/settings/set_mark_as_resolved', { url: 'https://example.org/resolved' })),
  );
  replies.push(JSON.stringify(await api.get('/dead_letters')));
}

/** Which of the words stand in the text. */
const found = (text: string, words = secrets) => words.filter((word) => text.includes(word));

test('[S03 S26 S30] not in the log, on standard output or in the file', async () => {
  const file = readFileSync(join(dataDir, 'logs/agent-allocation.log'), 'utf8');
  expect(file).toContain('room.assigned');
  expect(service.output()).toContain('room.assigned');
  expect(found(file)).toEqual([]);
  expect(found(service.output())).toEqual([]);
});

async function dump(key: string): Promise<string> {
  switch (await admin.type(key)) {
    case 'hash':
      return JSON.stringify(await admin.hgetall(key));
    case 'zset':
      return JSON.stringify(await admin.zrange(key, '0', '-1'));
    case 'stream':
      return JSON.stringify(await admin.xrange(key, '-', '+'));
    case 'string':
      return (await admin.get(key)) ?? '';
    default:
      throw new Error(`no way to read ${key}`);
  }
}

test('[S26 S29] not in Redis; and the customer’s name only with the room, as long as the session is open', async () => {
  const keys = await admin.keys('*');
  expect(keys.length).toBeGreaterThan(8);
  for (const key of keys) {
    const text = await dump(key);
    expect([key, found(text)]).toEqual([key, key.endsWith(':rooms') ? [NAME] : []]);
  }
  const [rooms = ''] = keys.filter((key) => key.endsWith(':rooms'));
  expect((await admin.hget(rooms, '1'))?.includes(NAME)).toBe(true);
  expect((await admin.hget(rooms, '6'))?.includes(NAME)).toBe(false);
});

test('[S29 S30] not in the journal, the metrics or the health page', async () => {
  const headers = { Authorization: `Bearer ${ADMIN_TOKEN}` };
  for (const path of ['/api/v1/journal?limit=1000', '/metrics', '/health/ready']) {
    const answer = await fetch(service.url + path, { headers });
    expect([path, found(await answer.text())]).toEqual([path, []]);
  }
});

test('[S16 S17] not in a reply, whatever was sent', () => {
  expect(replies.length).toBeGreaterThan(8);
  expect(replies.flatMap((reply) => found(reply).map((word) => `${word}: ${reply}`))).toEqual([]);
});
