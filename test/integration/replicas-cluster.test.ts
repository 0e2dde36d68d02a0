/** REDIS_MIN_REPLICAS on a real cluster of three masters with a replica each: an append is known to a replica of its own master. */
import { afterAll, afterEach, beforeAll, expect, test } from 'bun:test';
import { close, connect, type RedisClient } from '../../src/redis/client';
import { keysOf } from '../../src/redis/keys';
import { Appends } from '../../src/streams/appends';
import { type RedisCluster, startCluster } from '../support/redis-cluster';
import type { RedisNode } from '../support/redis-node';
import { until } from '../support/wait';

const VALUES = ['allocation', 'room', 'request', '', '', '', '', ''];

let cluster: RedisCluster;
let client: RedisClient;
/** Two masters, keys of apps on each, and the replica of the first. */
let one: RedisNode;
let two: RedisNode;
let keysOfOne: string[];
let keyOfTwo: string;
let replica: RedisNode;

beforeAll(async () => {
  const settings = { appendonly: 'yes', 'repl-diskless-sync-delay': '0', 'repl-timeout': '600' };
  cluster = await startCluster(3, { settings: { ...settings, 'cluster-node-timeout': '60000' } }, true);
  await cluster.whole();
  client = await connect(cluster.url, 'ingest');
  const inboxes = Array.from({ length: 120 }, (_, n) => keysOf(`app-${n}`).inbox);
  const owners = await Promise.all(inboxes.map(cluster.ownerOf));
  [one, two] = (await cluster.masters()) as [RedisNode, RedisNode];
  keysOfOne = inboxes.filter((_, i) => owners[i] === one);
  keyOfTwo = inboxes.find((_, i) => owners[i] === two) ?? '';
  replica = cluster.nodes[3 + cluster.nodes.indexOf(one)] as RedisNode;
}, 60_000);
afterEach(() => replica.kill('SIGCONT'));
afterAll(async () => {
  close(client);
  await Promise.all(cluster.nodes.map((node) => node.stop()));
});

const appendsTo = (key: string) => new Appends(client, key, 1);
const added = async (node: RedisNode, keys: readonly string[]) =>
  (await Promise.all(keys.map((key) => node.admin.xlen(key)))).reduce((total, length) => total + length, 0);
const first = () => keysOfOne[0] ?? '';

/** Takes in again; what was written before may have to be read first. */
const takenIn = (appends: Appends) =>
  until(() => appends.add(VALUES), { what: 'an append known to the replica', withinMs: 20_000 });

test('[F04] the first appends of a process are taken in, on every master', async () => {
  const fresh = await connect(cluster.url, 'ingest');
  const keys = Array.from({ length: 30 }, (_, n) => keysOf(`first-${n}`).inbox);
  const answers = await Promise.allSettled(keys.map((key) => new Appends(fresh, key).add(VALUES)));
  close(fresh);
  expect(answers.filter(({ status }) => status === 'rejected')).toEqual([]);
});

test('[F61] the replicas that count are those of the key’s own master', async () => {
  const [ours, others] = [appendsTo(first()), appendsTo(keyOfTwo)];
  await takenIn(ours);
  await takenIn(others);
  await replica.kill('SIGSTOP');
  for (let i = 0; i < 10; i++) {
    const answers = await Promise.allSettled([ours.add(VALUES), others.add(VALUES)]);
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
  }
  await replica.kill('SIGCONT');
  await takenIn(ours);
});

test('[F04 F61] without its replica, apps of one master leave no backlog that is written later', async () => {
  const all = keysOfOne.map(appendsTo);
  await Promise.all(all.map(takenIn));
  await replica.kill('SIGSTOP');
  const before = await added(one, keysOfOne);
  const answers = await Promise.allSettled(all.map((appends) => appends.add(VALUES)));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set(['rejected']));
  await replica.kill('SIGCONT');
  await takenIn(appendsTo(first()));
  expect(keysOfOne.length).toBeGreaterThan(20);
  expect((await added(one, keysOfOne)) - before).toBeLessThan(6);
});

test('[F64] while the slot moves, and after it: each append is taken in, once', async () => {
  const key = first();
  const appends = appendsTo(key);
  await takenIn(appends);
  // More keys in the slot, so that it stays halved for a while with the inbox on either side.
  const tag = key.replace(/:inbox$/, '');
  for (let i = 0; i < 20; i++) await one.admin.set(`${tag}:more-${i}`, '1');
  const before = await added(one, [key]);
  let taken = 0;
  const add = async () => {
    await appends.add(VALUES);
    taken += 1;
  };
  await cluster.moveSlot(key, two, add);
  for (let i = 0; i < 5; i++) await add();
  expect(taken).toBeGreaterThan(20);
  expect((await added(two, [key])) - before).toBe(taken);
});

test('[F03] a cluster that is down refuses at once: it is asked once', async () => {
  const key = keysOfOne[1] ?? '';
  const plain = new Appends(client, key);
  await takenIn(plain);
  // With a slot that nobody holds, a node takes the whole cluster for down.
  const slot = Number(await one.admin.cluster('KEYSLOT', keysOfOne[2] ?? ''));
  const asked = async () =>
    Number(/errorstat_CLUSTERDOWN:count=(\d+)/.exec(await one.admin.info('errorstats'))?.[1] ?? 0);
  await one.admin.cluster('DELSLOTS', slot);
  await until(async () => String(await one.admin.cluster('INFO')).includes('cluster_state:fail'), {
    what: 'it is down',
  });
  const before = await asked();
  await expect(plain.add(VALUES)).rejects.toThrow('CLUSTERDOWN');
  expect((await asked()) - before).toBe(1);
});
