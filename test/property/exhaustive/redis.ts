/**
 * A Redis of its own for explorations, that writes nothing to disk. Its client waits as long as it takes: thousands of
 * commands are under way at once while this process computes.
 */
import { Redis } from 'ioredis';
import { startTestRedis } from '../../support/redis';

/** @returns a ready client; `stop` ends both */
export async function openRedis(): Promise<{ client: Redis; stop(): Promise<void> }> {
  const redis = await startTestRedis({ appendfsync: 'no', settings: { save: '', appendonly: 'no' } });
  const client = new Redis({ host: '127.0.0.1', port: redis.port, protocol: 2, disableClientInfo: true });
  await client.ping();
  return {
    client,
    async stop() {
      client.disconnect();
      await redis.stop();
    },
  };
}
