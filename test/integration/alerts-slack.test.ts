/** From a customer who waits to a message in the channel: the whole service, a clock that runs ahead, a fake of Slack. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readConfig } from '../../src/config';
import { createLogger } from '../../src/logger';
import type { Sandbox } from '../../src/qiscus/sandbox';
import { connect } from '../../src/redis/client';
import { keysOf } from '../../src/redis/keys';
import { startService } from '../../src/service';
import { startTestRedis, type TestRedis } from '../support/redis';
import {
  ADMIN_TOKEN,
  APP_ID,
  caller,
  environment,
  freePort,
  spawnService,
  startTestSandbox,
  temporaryFolder,
} from '../support/service';
import { startFakeSlack } from '../support/slack';
import { until } from '../support/wait';

let redis: TestRedis;
let sandbox: Sandbox;
let slack: Awaited<ReturnType<typeof startFakeSlack>>;
beforeAll(async () => {
  redis = await startTestRedis();
});
afterAll(() => redis.stop());
beforeEach(async () => {
  [sandbox, slack] = [await startTestSandbox(), await startFakeSlack()];
  for (const { id } of sandbox.agents.list()) sandbox.agents.change(id, { available: false });
});
afterEach(async () => {
  await sandbox.stop();
  await slack.stop();
});
const env = () =>
  environment(redis.url, sandbox.url, {
    LOG_LEVEL: 'warn',
    LOG_STACK: 'single,slack',
    DATA_DIR: temporaryFolder('alerts-slack'),
    LOG_SLACK_WEBHOOK_URL: slack.url,
    PORT: '3000',
  });

test('an alert is listed by /health/ready, counted, and said in Slack once, without the customer', async () => {
  const config = readConfig(env(), []);
  config.http.port = 0;
  // The clock leaps by minutes: the list of agents is read again in time.
  config.rosterSyncSeconds = 600;
  const { logger, settle } = createLogger(config);
  let aheadMs = 0;
  const service = await startService(
    config,
    logger,
    () => {},
    () => Date.now() + aheadMs,
  );
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
  const read = async (path: string) => (await fetch(`${service.url}${path}`, { headers })).text();
  try {
    await caller(service.url ?? '').allocate('room-1', { name: 'Siti Rahma', email: 'siti@example.com' });
    const ready = () => read('/health/ready').then((text): { alerts: Record<string, unknown>[] } => JSON.parse(text));
    await until(
      async () => {
        aheadMs += 60_000;
        return (await ready()).alerts.length === 2;
      },
      { what: 'two alerts' },
    );
    const { alerts } = await ready();
    expect(alerts.map(({ code, count, room_id }) => `${code} ${count} ${room_id}`).sort()).toEqual([
      'nobody_online 1 room-1',
      'room_waiting_long 1 room-1',
    ]);
    expect(await (await fetch(`${service.url}/health/ready`)).text()).not.toContain('alerts');
    const metrics = await read('/metrics');
    expect(metrics).toContain('caa_alerts{code="nobody_online"} 1\n');
    expect(metrics).toContain('caa_alerts{code="room_parked"} 0\n');
    await until(
      async () => (await read('/metrics')).includes('caa_alerts_raised_total{code="room_waiting_long"} 1\n'),
      {
        what: 'the alert counted',
      },
    );
  } finally {
    await service.stop();
    await settle?.(2_000);
  }
  const said = slack.messages.join('\n');
  expect(
    said.match(/alert\.raised: everybody is offline or paused, and customers wait; rooms in line: 1/g),
  ).toHaveLength(1);
  expect(said.match(/alert\.raised: a customer has waited for long/g)).toHaveLength(1);
  expect(said).toContain('first room room-1');
  for (const { body } of slack.asked) expect(body).not.toMatch(/Siti|example\.com/);
});

test('a process that stops at once gives Slack its last words', async () => {
  const service = await spawnService({ ...env(), QISCUS_COLOUR: 'blue' });
  expect(await service.kill('SIGTERM')).toBe(0);
  expect(slack.messages.join('\n')).toContain('config.unknown: QISCUS_COLOUR is not a setting');
});

test('a process that fails works no more while Slack is told: it takes no request, and another may lead', async () => {
  const planted = join(temporaryFolder('planted'), 'throw.ts');
  writeFileSync(planted, "process.on('SIGUSR2', () => { throw new Error('planted'); });\n");
  const port = String(await freePort());
  const service = await spawnService({ ...env(), PORT: port, BUN_OPTIONS: `--preload=${planted}` });
  const client = await connect(redis.url, 'command');
  try {
    const { lease } = keysOf(APP_ID);
    await until(() => client.exists(lease), { what: 'a leader' });
    slack.plan('hang');
    process.kill(service.pid, 'SIGUSR2');
    await until(() => slack.asked.length === 1, { what: 'the report under way' });
    expect(slack.asked[0]?.body).toContain('service.failed: the service failed');
    expect(await fetch(`${service.url}/health/live`).catch(() => 'refused')).toBe('refused');
    expect(await service.exited).toBe(1);
    expect(await client.exists(lease)).toBe(0);
  } finally {
    await service.kill('SIGKILL');
    client.disconnect();
  }
});
