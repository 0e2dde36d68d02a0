/**
 * A small service that owns an embedded Redis, to be started by tests as a process of its own and killed.
 * `bun embedded-owner.ts DATA_DIR` prints, a line each: `ready <pid of redis>`, then every number once its write is acknowledged;
 * or `refused <message>`. SIGINT: it goes on for half a second, in which a Redis that got the signal too would end; then `stopped`.
 */
import { Redis } from 'ioredis';
import { startEmbeddedRedis } from '../../src/redis/embedded';

const dataDir = process.argv[2] ?? '';
try {
  const redis = await startEmbeddedRedis({ dataDir, log: (line) => console.error(line) });
  const client = new Redis({ path: redis.socketPath, maxRetriesPerRequest: 0, enableOfflineQueue: false });
  await new Promise((resolve) => client.once('ready', resolve));
  let until = Number.POSITIVE_INFINITY;
  process.on('SIGINT', () => {
    until = performance.now() + 500;
  });
  console.log(`ready ${redis.pid}`);
  for (let n = 1; performance.now() < until; n++) {
    await client.rpush('numbers', n);
    console.log(n);
  }
  await client.set('after-sigint', 'written');
  client.disconnect();
  await redis.stop();
  console.log('stopped');
} catch (error) {
  console.log(`refused ${error instanceof Error ? error.message : String(error)}`);
}
