/** REDIS_MIN_REPLICAS: a webhook is acknowledged only when replicas have it, whichever way it was stored. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import type { Sandbox } from '../../src/qiscus/sandbox';
import { keysOf } from '../../src/redis/keys';
import type { Service } from '../../src/service';
import { HOST, type RedisNode, startNode } from '../support/redis-node';
import { APP_ID, type Caller, caller, environment, startTestSandbox, startTestService } from '../support/service';
import { until } from '../support/wait';

const INBOX = keysOf(APP_ID).inbox;

let master: RedisNode;
let replica: RedisNode;
let sandbox: Sandbox;
let service: Service;
let api: Caller;

const inStep = async () => (await master.admin.set('written', '1')) && (await master.admin.wait(1, 1_000)) === 1;

beforeAll(async () => {
  const settings = { appendonly: 'yes', 'repl-diskless-sync-delay': '0', 'repl-timeout': '600' };
  [master, replica] = await Promise.all([startNode({ settings }), startNode({ settings })]);
  await replica.admin.replicaof(HOST, master.port);
  await until(inStep, { what: 'the replica in step' });
  sandbox = await startTestSandbox({ cap: 1000 });
  const env = { REDIS_MIN_REPLICAS: '1', QISCUS_MAX_CUSTOMER: '1000', WEBHOOK_WAIT_MS: '0' };
  service = await startTestService(environment(`redis://${HOST}:${master.port}`, sandbox.url, env));
  api = caller(service.url ?? '');
}, 30_000);
afterEach(async () => {
  await replica.kill('SIGCONT');
  await master.admin.config('SET', 'maxmemory', '0');
});
afterAll(async () => {
  await service.stop();
  await sandbox.stop();
  await Promise.all([master.stop(), replica.stop()]);
});

/** Webhooks come in again; each one after a stop has to wait for what the replica has not read yet. */
const takenIn = (call: () => ReturnType<Caller['allocate']>) =>
  until(async () => (await call()).status < 300, { what: 'a webhook taken in' });

test('twenty at once are acknowledged, each known to the replica', async () => {
  const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => api.allocate(`many-${i}`)));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
});

describe('[F61] while the replica does not answer', () => {
  test('an allocation is refused', async () => {
    await replica.kill('SIGSTOP');
    expect(await api.allocate('alone')).toMatchObject({ status: 503, body: { code: 'STORE_UNAVAILABLE' } });
    await replica.kill('SIGCONT');
    await takenIn(() => api.allocate('again'));
  });

  test('a stream of refused allocations leaves no backlog that is written later', async () => {
    await replica.kill('SIGSTOP');
    const refused: Promise<number>[] = [];
    let sent = 0;
    const sender = setInterval(() => {
      sent += 1;
      const begunMs = performance.now();
      refused.push(
        api.allocate(`late-${sent}`).then(({ status }) => (status === 503 ? performance.now() - begunMs : 0)),
      );
    }, 5);
    await until(() => sent === 60, { what: 'sixty sent' }).finally(() => clearInterval(sender));
    for (const ms of await Promise.all(refused)) expect(ms).toBeGreaterThan(0);
    const added = async () =>
      Number(/entries-added,(\d+)/.exec(String(await master.admin.xinfo('STREAM', INBOX)))?.[1]);
    const atOnce = await added();
    // The connection is free again when it takes the next one in.
    await replica.kill('SIGCONT');
    await takenIn(() => api.allocate('after'));
    expect((await added()) - atOnce).toBeLessThan(10);
  });

  test('so is a resolve that a full Redis took in by script', async () => {
    await master.admin.config('SET', 'maxmemory', '1');
    await takenIn(() => api.resolve('1'));
    // What was written before must not be what is missing.
    await master.admin.config('SET', 'maxmemory', '0');
    expect(await inStep()).toBe(true);
    await master.admin.config('SET', 'maxmemory', '1');
    await replica.kill('SIGSTOP');
    expect(await api.resolve('2')).toMatchObject({ status: 503, body: { code: 'STORE_UNAVAILABLE' } });
    await replica.kill('SIGCONT');
    await takenIn(() => api.resolve('2'));
  });
});
