/** The connection drops after Redis ran the append and before its answer arrived: refused, and never written twice. */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { createServer, connect as dial, type Server, type Socket } from 'node:net';
import { close, connect, type RedisClient, whenReady } from '../../src/redis/client';
import { Appends } from '../../src/streams/appends';
import { startTestRedis, type TestRedis } from '../support/redis';

let redis: TestRedis;
let proxy: Server;
let client: RedisClient;
let cuts = false;

/** Passes everything on, but for answers to appends while `cuts`: those end the connection. */
function passOn(near: Socket): void {
  const far = dial(redis.port, '127.0.0.1');
  let appended = false;
  near.on('data', (chunk) => {
    appended = appended || chunk.includes('xadd');
    far.write(chunk);
  });
  far.on('data', (chunk) => (appended && cuts ? near.destroy() : near.write(chunk)));
  for (const socket of [near, far]) {
    socket.on('error', () => undefined);
    socket.on('close', () => (socket === near ? far : near).destroy());
  }
}

beforeAll(async () => {
  redis = await startTestRedis();
  proxy = createServer(passOn);
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const address = proxy.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  client = await connect(`redis://127.0.0.1:${address.port}`, 'ingest');
});
afterAll(async () => {
  close(client);
  proxy.close();
  await redis.stop();
});

test('fifty times, with two webhooks in each pipeline', async () => {
  const appends = new Appends(client, 'inbox');
  for (let round = 1; round <= 50; round++) {
    await whenReady(client, 5_000);
    cuts = true;
    const both = await Promise.allSettled([appends.add(['n', `${round}a`]), appends.add(['n', `${round}b`])]);
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    cuts = false;
    await whenReady(client, 5_000);
    expect(await client.xlen('inbox')).toBe(2 * round);
  }
  expect(await appends.add(['n', 'last'])).toMatch(/^\d+-\d+$/);
  expect(await client.xlen('inbox')).toBe(101);
}, 60_000);
