/** What we send to others: the secret goes to Qiscus's host and to no other, and never over TLS that nobody checked. */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createQiscusClient } from '../../src/qiscus/client';
import { startSandbox } from '../../src/qiscus/sandbox';
import { temporaryFolder } from '../support/service';

const CALLS = ['assign_agent', 'remove_agent', 'agents', 'customer_rooms', 'customer_room', 'set_webhook', 'auth'];
const options = {
  appId: 'app',
  secret: 'the-secret',
  email: 'admin@example.com',
  password: 'the-password',
  timeoutMs: 2_000,
};

const met: { path: string; headers: string }[] = [];
const elsewhere = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  async fetch(request) {
    met.push({ path: request.url, headers: JSON.stringify([...request.headers]) + (await request.text()) });
    return Response.json({ data: {} });
  },
});
let sandbox: Awaited<ReturnType<typeof startSandbox>>;
beforeAll(async () => {
  sandbox = await startSandbox({ appId: options.appId, secret: options.secret, agentIds: 'named' });
});
afterAll(async () => {
  await sandbox.stop();
  await elsewhere.stop(true);
});

test.each([301, 302, 303, 307, 308])('[S28] a redirect with %d is not followed, for no call', async (status) => {
  sandbox.faults.clear();
  const redirecting = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: (request) =>
      new Response(null, {
        status,
        headers: { location: `http://127.0.0.1:${elsewhere.port}${new URL(request.url).pathname}` },
      }),
  });
  const client = createQiscusClient({
    ...options,
    baseUrl: `http://127.0.0.1:${redirecting.port}`,
    settingPatienceMs: 300,
  });
  const answers = [
    await client.assignAgent('1', 'agent_01'),
    await client.removeAgent('1', 'agent_01'),
    await client.readRoom('1'),
    await client.listAgents(),
    await client.listRooms(true, 0),
    await client.readResolveWebhook(),
    await client.setResolveWebhook('https://example.org/hook', true),
  ];
  await redirecting.stop(true);
  expect(answers.length).toBe(CALLS.length);
  expect(met).toEqual([]);
  expect(JSON.stringify(answers)).not.toMatch(/the-secret|the-password|admin@example/);
});

test('[S42] the start with certificate checks switched off is refused in production, in one message', async () => {
  const child = Bun.spawn([process.execPath, 'src/index.ts'], {
    cwd: join(import.meta.dir, '../..'),
    env: {
      PATH: process.env.PATH ?? '',
      NODE_ENV: 'production',
      NODE_TLS_REJECT_UNAUTHORIZED: '0',
      QISCUS_APP_ID: 'app',
      QISCUS_SECRET: 'secret-of-qiscus',
      WEBHOOK_TOKEN: 'webhook-token-webhook-token',
      ADMIN_TOKEN: 'admin-token-admin-token-1',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const told = await new Response(child.stderr).text();
  expect(await child.exited).toBe(2);
  expect(told).toContain('NODE_TLS_REJECT_UNAUTHORIZED');
  expect(told).not.toMatch(/secret-of-qiscus|token-webhook/);
});

const openssl = Bun.which('openssl');
if (openssl === null) console.log('SKIPPED: no openssl here to make a certificate that nobody signed.');

test.skipIf(openssl === null)('[S42] a Qiscus whose certificate nobody signed gets no secret', async () => {
  const folder = temporaryFolder('tls');
  mkdirSync(folder, { recursive: true });
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const made = Bun.spawnSync([
    openssl ?? '',
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '1',
    '-subj',
    '/CN=localhost',
    '-keyout',
    key,
    '-out',
    cert,
  ]);
  expect(made.exitCode).toBe(0);
  met.length = 0;
  const impostor = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    tls: { key: Bun.file(key), cert: Bun.file(cert) },
    fetch: (request) => {
      met.push({ path: request.url, headers: JSON.stringify([...request.headers]) });
      return Response.json({});
    },
  });
  const client = createQiscusClient({ ...options, baseUrl: `https://localhost:${impostor.port}` });
  expect(await client.assignAgent('1', 'agent_01')).toMatchObject({ kind: 'unknown', sent: false });
  expect(await client.listAgents()).toMatchObject({ kind: 'failed' });
  expect(met).toEqual([]);
  await impostor.stop(true);
});
