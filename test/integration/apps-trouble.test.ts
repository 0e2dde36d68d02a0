/** Several Qiscus apps on one service: neither a flood nor an outage of one is felt by another. */
import { describe, expect, test } from 'bun:test';
import { keysOf } from '../../src/redis/keys';
import { appsSuite } from '../support/apps-suite';
import { ask } from '../support/many-apps';
import { ADMIN_TOKEN, QISCUS_SECRET, startTestSandbox, startTestService } from '../support/service';
import { until } from '../support/wait';

const { parts, start, openRedis, allocate, read, stateOf } = appsSuite();

describe('an app in trouble', () => {
  test('one floods: the other’s webhooks are applied long before the flood is', async () => {
    await start({ ROLE: 'api', WEBHOOK_WAIT_MS: '0' });
    // 20,000 webhooks lie in one inbox before anybody works, then ten arrive in the other.
    const client = openRedis();
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
    for (let i = 0; i < 10; i += 1) await allocate(parts.two.webhookToken, { room_id: `calm-${i}` });
    const worker = await startTestService({ ...parts.apps.env, ROLE: 'worker' });
    try {
      await until(async () => (await client.xlen(keysOf('two').inbox)) === 0, { what: 'the calm app applied' });
      expect(await client.xlen(keysOf('one').inbox)).toBeGreaterThan(10_000);
      await until(
        async () =>
          (await read('/queue', parts.two.adminToken)).body.total === 0 &&
          (await stateOf(parts.two, 'calm-9')) === 'assigned',
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
      Array.from({ length: 60 }, (_, i) => allocate(parts.one.webhookToken, { room_id: `r${i}` })),
    );
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(20);
    expect(refused[0]?.body).toMatchObject({ code: 'TOO_MANY_WEBHOOKS' });
    for (let i = 0; i < 40; i += 1)
      expect((await allocate(parts.two.webhookToken, { room_id: `r${i}` })).status).toBeLessThan(203);
  });

  test('Qiscus is silent for one: the other is served, and the process stays ready', async () => {
    await start({ QISCUS_TIMEOUT_MS: '10000', SHUTDOWN_SECONDS: '1' });
    parts.one.sandbox.faults.add(
      { on: 'assign_agent', effect: 'hang', times: null },
      { on: 'agents', effect: 'hang', times: null },
    );
    await Promise.all(
      Array.from({ length: 12 }, (_, i) => allocate(parts.one.webhookToken, { room_id: `stuck-${i}` })),
    );
    for (let i = 0; i < 12; i += 1)
      expect((await allocate(parts.two.webhookToken, { room_id: `r${i}` })).body.state).toBe('assigned');
    expect(await stateOf(parts.one, 'stuck-0')).toBe('reserved');
  });

  test('Qiscus refuses one: ready warns, names it to the operator, and stays ready for the other', async () => {
    await start();
    parts.one.sandbox.faults.add({ on: 'assign_agent', effect: 'status', status: 401, times: null });
    await allocate(parts.one.webhookToken, { room_id: 'a' });
    const ready = () => ask('GET', `${parts.service.url}/health/ready`, { authorization: `Bearer ${ADMIN_TOKEN}` });
    const seen = await until(async () => ((await ready()).body.warnings ? ready() : null), { what: 'a warning' });
    expect(seen).toMatchObject({
      status: 200,
      body: { warnings: ['apps'], apps: { served: 2, failing: { one: ['qiscus'] } } },
    });
    expect((await ask('GET', `${parts.service.url}/health/ready`, {})).body).toEqual({
      status: 'success',
      sandbox: false,
      warnings: ['apps'],
    });
    expect((await allocate(parts.two.webhookToken, { room_id: 'a' })).body.state).toBe('assigned');
  });
});

test('Qiscus is silent for many: they start together, and do not wait one after the other', async () => {
  await start({ ROLE: 'api' });
  const ids = Array.from({ length: 96 }, (_, i) => `silent-${i}`);
  const sandbox = await startTestSandbox({}, ids[0], ids.slice(1));
  for (const id of ids) sandbox.app(id).faults.add({ on: 'agents', effect: 'hang', times: null });
  const secret = { SECRET_silent: QISCUS_SECRET };
  parts.apps.write(
    ids.map((id) => ({ QISCUS_APP_ID: id, QISCUS_BASE_URL: sandbox.url, QISCUS_SECRET: { env: 'SECRET_silent' } })),
  );
  const env = { ...parts.apps.env, ...secret, BUN_CONFIG_MAX_HTTP_REQUESTS: '10000', SHUTDOWN_SECONDS: '1' };
  // By sixteen, three seconds each, it would take 18.
  const started = await startTestService(env);
  await started.stop();
  await sandbox.stop();
}, 15_000);
