/** A real cluster of two nodes: what we ask of the server itself, we ask of the node that holds our keys. */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import type { Redis } from 'ioredis';
import pino from 'pino';
import { checkDurability, openStore, readNearlyFull, type Store } from '../../src/redis/store';
import { type RedisCluster, startCluster } from '../support/redis-cluster';
import { until } from '../support/wait';

const ROUNDS = 20;
let cluster: RedisCluster;
let store: Store;
let owner: Redis;
let other: Redis;

beforeAll(async () => {
  cluster = await startCluster(2, { settings: { appendonly: 'yes', appendfsync: 'always' } });
  await cluster.whole();
  store = await openStore(`redis+cluster://127.0.0.1:${cluster.nodes[0]?.port}`, 'app');
  const holder = await cluster.ownerOf(store.keys.inbox);
  owner = holder.admin;
  other = cluster.nodes.find((node) => node !== holder)?.admin ?? owner;
}, 60_000);
afterAll(async () => {
  store.close();
  await Promise.all(cluster.nodes.map((node) => node.stop()));
});

test('[F63] durability is checked where our keys are', async () => {
  const rules = { production: true, allowWeak: false };
  const check = () => checkDurability(store.command, store.keys.inbox, rules, pino({ level: 'silent' }));
  await other.config('SET', 'appendfsync', 'no');
  for (let i = 0; i < ROUNDS; i++) await check();
  await other.config('SET', 'appendfsync', 'always');
  await owner.config('SET', 'appendfsync', 'no');
  for (let i = 0; i < ROUNDS; i++) await expect(check()).rejects.toThrow('appendfsync is no');
  await owner.config('SET', 'appendfsync', 'always');
});

test('[F63] memory is read where our keys are', async () => {
  const seen = async () => {
    const answers = new Set<boolean>();
    for (let i = 0; i < ROUNDS; i++) answers.add(await readNearlyFull(store.command, store.keys.inbox));
    return [...answers];
  };
  await other.config('SET', 'maxmemory', '1');
  expect(await seen()).toEqual([false]);
  await owner.config('SET', 'maxmemory', '1');
  await other.config('SET', 'maxmemory', '0');
  expect(await seen()).toEqual([true]);
  await until(() => store.isNearlyFull(), { what: 'the store knows it too' });
  await owner.config('SET', 'maxmemory', '0');
});
