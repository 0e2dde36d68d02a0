/**
 * What is attacked: the service as in production, a process of its own, with a real Redis and a sandbox Qiscus.
 *
 * `stop` ends all of it, in the order in which it leans on each other.
 */
import { Redis } from 'ioredis';
import { keysOf } from '../../src/redis/keys';
import { startTestRedis, type TestRedisOptions } from '../support/redis';
import {
  ADMIN_TOKEN,
  APP_ID,
  caller,
  environment,
  spawnService,
  startTestSandbox,
  WEBHOOK_TOKEN,
} from '../support/service';
import { until } from '../support/wait';

export type Target = Awaited<ReturnType<typeof startTarget>>;

/** Starts everything and waits until the agents are known. `env` wins over what production needs. */
export async function startTarget(options: { env?: Record<string, string>; redis?: TestRedisOptions } = {}) {
  const redis = await startTestRedis({ appendfsync: 'always', ...options.redis });
  const client = new Redis({ host: '127.0.0.1', port: redis.port });
  // Some tests outlive their Redis; each command tells its caller.
  client.on('error', () => {});
  const sandbox = await startTestSandbox();
  const env = environment(redis.url, sandbox.url, { NODE_ENV: 'production', ...options.env });
  const service = await spawnService(env);
  const api = caller(service.url);
  const keys = keysOf(APP_ID);
  const agents = async () => ((await api.get('/agents')).body.agents ?? []) as { id: string; online: boolean }[];
  if (env.ADMIN_TOKEN === ADMIN_TOKEN) {
    await until(async () => (await agents()).some((agent) => agent.online), { what: 'the agents are known' });
  }
  if (env.WEBHOOK_TOKEN === WEBHOOK_TOKEN) sandbox.setDelivery({ baseUrl: service.url, webhookToken: WEBHOOK_TOKEN });
  return {
    redis,
    client,
    sandbox,
    service,
    api,
    keys,
    env,
    port: Number(new URL(service.url).port),
    /** Webhooks that were ever appended to the inbox. */
    appended: async () => {
      const info = (await client.call('XINFO', 'STREAM', keys.inbox)) as (string | number)[];
      return Number(info[info.indexOf('entries-added') + 1]);
    },
    /** Memory of the service's process, MB. */
    residentMb: async () => {
      const headers = { authorization: `Bearer ${env.METRICS_TOKEN ?? env.ADMIN_TOKEN}` };
      const text = await (await fetch(`${service.url}/metrics`, { headers })).text();
      return Number(/^caa_process_resident_memory_bytes (\S+)$/m.exec(text)?.[1]) / 1e6;
    },
    stop: async () => {
      client.disconnect();
      await service.kill('SIGKILL');
      await sandbox.stop();
      await redis.stop();
    },
  };
}
