/**
 * Two Qiscus apps on one service for the tests of a file: a real Redis, wiped before each start, and a sandbox for each app.
 * What a test started is stopped after it.
 */
import { afterAll, afterEach, beforeAll } from 'bun:test';
import { Redis } from 'ioredis';
import { readConfig } from '../../src/config';
import type { Service } from '../../src/service';
import { ask, startApps, type TestApp, type TestApps } from './many-apps';
import { startTestRedis, type TestRedis } from './redis';
import { startTestService } from './service';

/** Call it once, outside of tests; what it returns is filled by `start`. */
export function appsSuite() {
  let redis: TestRedis;
  const parts = {} as { apps: TestApps; service: Service; one: TestApp; two: TestApp };
  // Wiped and filled by hand; many apps on a cluster are in test/chaos/cluster-apps.test.ts.
  beforeAll(async () => {
    redis = await startTestRedis({ kind: 'standalone' });
  });
  afterAll(() => redis.stop());
  afterEach(async () => {
    await parts.service.stop();
    await parts.apps.stop();
  });

  const openRedis = () => new Redis({ host: '127.0.0.1', port: redis.port });
  const read = (path: string, token: string, more: Record<string, string> = {}) =>
    ask('GET', `${parts.service.url}/api/v1${path}`, { authorization: `Bearer ${token}`, ...more });
  const suite = {
    parts,
    openRedis,
    redisUrl: () => redis.url,
    read,
    /** Starts the apps `one` and `two`, and the service. @param change of their list, before the service reads it */
    async start(more: Record<string, string> = {}, change: (list: TestApps) => void = () => {}) {
      const wipe = openRedis();
      await wipe.flushall();
      wipe.disconnect();
      const apps = await startApps(['one', 'two'], redis.url);
      change(apps);
      const [one, two] = apps.apps as [TestApp, TestApp];
      Object.assign(parts, { apps, one, two, service: await startTestService({ ...apps.env, ...more }) });
    },
    /** Writes another list, and puts it in force. */
    async reload(entries: Parameters<TestApps['write']>[0], more: Record<string, string> = {}) {
      parts.apps.write(entries);
      await parts.service.reload(readConfig({ ...parts.apps.env, PORT: '3000', ...more }, []));
    },
    allocate: (token: string, body: object) =>
      ask('POST', `${parts.service.url}/api/v1/webhook/agent_allocation`, { 'x-webhook-token': token }, body),
    stateOf: async (app: TestApp, room: string) => (await read(`/rooms/${room}`, app.adminToken)).body.state,
  };
  return suite;
}
