/** Real sentinels behind a proxy: a connection finds the new master, whenever the news of it comes. */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { Redis } from 'ioredis';
import { close, connect, dial } from '../../src/redis/client';
import { startProxiedRedis } from '../support/proxied-redis';
import { type FailingProxy, startProxy } from '../support/proxy';
import { HOST, type RedisNode } from '../support/redis-node';
import { MASTER_NAME, type SentinelSetup, startSentinelSetup } from '../support/sentinel';
import { until } from '../support/wait';

let setup: SentinelSetup;
let sentinel: RedisNode;
let proxy: FailingProxy;
beforeAll(async () => {
  setup = await startSentinelSetup({ replicas: 1, sentinels: 1, settings: { 'min-replicas-to-write': '0' } });
  sentinel = setup.sentinels[0] as RedisNode;
  proxy = await startProxy(() => sentinel.port);
}, 60_000);
afterAll(async () => {
  await proxy.stop();
  await Promise.all([...setup.sentinels, ...setup.servers].map((node) => node.stop()));
});

test('[F61] the news of a new master comes while the sentinels are asked for it: it is followed all the same', async () => {
  const client = await connect(`redis+sentinel://${HOST}:${proxy.port}/${MASTER_NAME}`, 'ingest');
  try {
    const listens = async () => /\bsub=1\b/.test(String(await sentinel.admin.call('CLIENT', 'LIST')));
    await until(listens, { what: 'the client listens for news' });
    // Who asks gets no answer; the news passes.
    proxy.fail({ kind: 'mute' }, { request: 'get-master-addr-by-name' });
    const old = await setup.master();
    await old.kill('SIGKILL');
    const master = await setup.failedOver(old);
    proxy.heal();
    await until(async () => (await client.set('followed', '1')) === 'OK', { what: 'the new master', withinMs: 20_000 });
    expect(await master.admin.get('followed')).toBe('1');
  } finally {
    close(client);
  }
}, 60_000);

test('a doorbell that cannot be heard leaves nothing behind at the sentinels', async () => {
  const redis = await startProxiedRedis('sentinel');
  const command = await connect(redis.url, 'command');
  const [port] = /\d+(?=,)/.exec(redis.url) ?? [];
  const other = new Redis({ host: HOST, port: Number(port), protocol: 2 });
  const listening = async () => String(await other.call('CLIENT', 'LIST')).match(/\bsub=1\b/g)?.length ?? 0;
  try {
    await until(async () => (await listening()) === 1, { what: 'the first connection listens' });
    redis.proxy.fail({ kind: 'cut_before' }, { purpose: 'bell' });
    for (let i = 0; i < 5; i++) await expect(dial(redis.url, command)).rejects.toThrow();
    await until(async () => (await listening()) === 1, { what: 'no other listens' });
  } finally {
    other.disconnect();
    close(command);
    await redis.stop();
  }
}, 60_000);
