/** A real cluster of two nodes: what we ask of the server itself, we ask of the node that holds our keys. */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import type { Redis } from 'ioredis';
import pino from 'pino';
import { checkDurability } from '../../src/redis/durability';
import { type Connections, openConnections, type Store } from '../../src/redis/store';
import { type RedisCluster, startCluster } from '../support/redis-cluster';
import { spawnService } from '../support/service';
import { until } from '../support/wait';

const ROUNDS = 20;
let cluster: RedisCluster;
let connections: Connections;
let store: Store;
let owner: Redis;
let other: Redis;

beforeAll(async () => {
  cluster = await startCluster(2, { settings: { appendonly: 'yes', appendfsync: 'always' } });
  await cluster.whole();
  connections = await openConnections(`redis+cluster://127.0.0.1:${cluster.nodes[0]?.port}`);
  store = await connections.of('app');
  const holder = await cluster.ownerOf(store.keys.inbox);
  owner = holder.admin;
  other = cluster.nodes.find((node) => node !== holder)?.admin ?? owner;
}, 60_000);
afterAll(async () => {
  connections.close();
  await Promise.all(cluster.nodes.map((node) => node.stop()));
});

test('[F63] durability is checked on every master', async () => {
  const rules = { production: true, allowWeak: false };
  const check = () => checkDurability(store.command, rules, pino({ level: 'silent' }));
  await check();
  for (const node of [other, owner]) {
    await node.config('SET', 'appendfsync', 'no');
    for (let i = 0; i < ROUNDS; i++) await expect(check()).rejects.toThrow('appendfsync is no');
    await node.config('SET', 'appendfsync', 'always');
  }
});

test('[F63] memory is read where our keys are', async () => {
  const elsewhere = await otherApp();
  await other.config('SET', 'maxmemory', '1');
  await until(() => elsewhere.isNearlyFull(), { what: 'the store knows that the other node is full' });
  expect(store.isNearlyFull()).toBe(false);
  await owner.config('SET', 'maxmemory', '1');
  await other.config('SET', 'maxmemory', '0');
  await until(() => store.isNearlyFull(), { what: 'the store knows it too' });
  await owner.config('SET', 'maxmemory', '0');
});

/** An app whose keys lie on the other node. */
async function otherApp(): Promise<Store> {
  for (let i = 0; ; i++) {
    const candidate = await connections.of(`app-${i}`);
    if ((await cluster.ownerOf(candidate.keys.inbox)).admin === other) return candidate;
  }
}

test('a node of the cluster as a plain REDIS_URL: refused at the start, with the form to write', async () => {
  const service = await spawnService({ REDIS_URL: `redis://127.0.0.1:${cluster.nodes[0]?.port}` }, 'all');
  expect(await service.exited).toBe(2);
  await until(() => service.output().includes('.env.example'), { what: 'the end of the message' });
  expect(service.output()).toContain('1 problem in its configuration');
  expect(service.output()).toContain('REDIS_URL names a node of a Redis Cluster');
  expect(service.output()).toContain('redis+cluster://');
});
