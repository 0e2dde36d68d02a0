/** A real cluster of two nodes: what we ask of the server itself, we ask of the node that holds our keys. */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { Redis } from 'ioredis';
import pino from 'pino';
import { checkDurability, openStore, readNearlyFull, type Store } from '../../src/redis/store';
import { freePorts, startTestRedis, type TestRedis } from '../support/redis';
import { until } from '../support/wait';

const ROUNDS = 20;
const servers: TestRedis[] = [];
let store: Store;
let owner: Redis;
let other: Redis;

beforeAll(async () => {
  const nodes: Redis[] = [];
  for (let i = 0; i < 2; i++) {
    const [busPort] = await freePorts();
    const settings = {
      'cluster-enabled': 'yes',
      'cluster-port': String(busPort),
      'cluster-announce-ip': '127.0.0.1',
      appendfsync: 'always',
    };
    const server = await startTestRedis({ settings });
    servers.push(server);
    const node = new Redis({ host: '127.0.0.1', port: server.port });
    await node.cluster('ADDSLOTSRANGE', i * 8192, i * 8192 + 8191);
    await node.call('CLUSTER', 'SET-CONFIG-EPOCH', i + 1);
    nodes.push(node);
    if (i > 0)
      await node.call('CLUSTER', 'MEET', '127.0.0.1', servers[0]?.port ?? 0, busOf(await clusterNodes(nodes[0])));
  }
  await until(
    async () => {
      const infos = await Promise.all(nodes.map((node) => node.cluster('INFO')));
      return infos.every((info) => /cluster_state:ok[\s\S]*cluster_known_nodes:2/.test(String(info)));
    },
    { what: 'both nodes are one cluster', withinMs: 20_000 },
  );
  store = await openStore(`redis+cluster://127.0.0.1:${servers[0]?.port}`, 'app');
  const [first, second] = nodes as [Redis, Redis];
  const holds = Number(await first.cluster('KEYSLOT', store.keys.inbox)) < 8192;
  [owner, other] = holds ? [first, second] : [second, first];
}, 60_000);
afterAll(async () => {
  store.close();
  for (const node of [owner, other]) node.disconnect();
  for (const server of servers) await server.stop();
});

const clusterNodes = async (node: Redis | undefined) => String(await node?.cluster('NODES'));
/** The bus port in a line of CLUSTER NODES: `id host:port@bus …`. */
const busOf = (nodes: string) => /@(\d+)/.exec(nodes)?.[1] ?? '0';

test('durability is checked where our keys are', async () => {
  const rules = { production: true, allowWeak: false };
  const check = () => checkDurability(store.command, store.keys.inbox, rules, pino({ level: 'silent' }));
  await other.config('SET', 'appendfsync', 'no');
  for (let i = 0; i < ROUNDS; i++) await check();
  await other.config('SET', 'appendfsync', 'always');
  await owner.config('SET', 'appendfsync', 'no');
  for (let i = 0; i < ROUNDS; i++) await expect(check()).rejects.toThrow('appendfsync is no');
  await owner.config('SET', 'appendfsync', 'always');
});

test('memory is read where our keys are', async () => {
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
