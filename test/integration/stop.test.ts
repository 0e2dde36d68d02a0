/** The stop in order: HTTP and the calls in hand share SHUTDOWN_SECONDS, and neither can use up the other's part. */
import { expect, test } from 'bun:test';
import { connect as connectSocket } from 'node:net';
import { connect } from '../../src/redis/client';
import { keysOf } from '../../src/redis/keys';
import { startTestRedis } from '../support/redis';
import { APP_ID, caller, environment, startTestSandbox, startTestService, WEBHOOK_TOKEN } from '../support/service';
import { until } from '../support/wait';

test('[F58] a client that never ends its request leaves calls in hand the time to end', async () => {
  const redis = await startTestRedis();
  const sandbox = await startTestSandbox({ cap: 100 });
  const client = await connect(redis.url, 'command');
  const limits = { QISCUS_MAX_CUSTOMER: '100', QISCUS_CONCURRENCY: '2', WEBHOOK_WAIT_MS: '0', SHUTDOWN_SECONDS: '4' };
  const service = await startTestService(environment(redis.url, sandbox.url, limits));
  const url = new URL(service.url ?? '');
  const stuck = connectSocket(Number(url.port), url.hostname).on('error', () => undefined);
  try {
    const api = caller(url.origin);
    const agents = async () => (await api.get('/agents')).body.agents as unknown[];
    await until(async () => (await agents()).length === 6, { what: 'the agents known' });
    const head = `Host: ${url.host}\r\nX-Webhook-Token: ${WEBHOOK_TOKEN}\r\nContent-Type: application/json`;
    stuck.write(`POST /api/v1/webhook/agent_allocation HTTP/1.1\r\n${head}\r\nContent-Length: 100\r\n\r\n{`);
    // Calls one after the other, for longer than the stop may take.
    sandbox.configure({ latencyMs: 1_000 });
    for (let room = 1; room <= 20; room++) await api.allocate(String(room));
    await service.stop();
    const { outbox } = keysOf(APP_ID);
    expect(await client.xlen(outbox)).toBeGreaterThan(0);
    expect((await client.xpending(outbox, 'dispatch'))[0]).toBe(0);
  } finally {
    stuck.destroy();
    await service.stop();
    client.disconnect();
    await sandbox.stop();
    await redis.stop();
  }
}, 30_000);
