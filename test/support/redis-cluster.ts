/**
 * A real Redis Cluster on loopback: one node that holds every slot, or several that share them, each with a replica if asked.
 *
 * `moveSlot` hands a slot over key by key, as `redis-cli --cluster reshard` does: MIGRATING, IMPORTING, MIGRATE, NODE.
 */
import { HOST, type NodeOptions, type RedisNode, startNode } from './redis-node';
import { until } from './wait';

const SLOTS = 16_384;

export interface RedisCluster {
  /** Those that were made masters, then their replicas. */
  nodes: RedisNode[];
  /** Names all of them. */
  url: string;
  /** The nodes that hold slots now. */
  masters(): Promise<RedisNode[]>;
  /** The node that holds the slot of `key`. */
  ownerOf(key: string): Promise<RedisNode>;
  /** Resolves when every node finds the cluster whole, and every replica follows. */
  whole(): Promise<void>;
  /**
   * Hands the slot of `key` to another node while others read and write it. Returns how many keys went.
   * @param between awaited after every key: how long the slot stays halved is up to the caller
   */
  moveSlot(key: string, to: RedisNode, between: () => Promise<unknown>): Promise<number>;
}

/** @param size masters @param withReplicas one for each */
export async function startCluster(size: number, options: NodeOptions, withReplicas = false): Promise<RedisCluster> {
  const count = withReplicas ? 2 * size : size;
  const nodes = await Promise.all(Array.from({ length: count }, () => startNode({ ...options, cluster: true })));
  const [first] = nodes;
  if (!first) throw new Error('a cluster needs a node');
  for (const [i, node] of nodes.slice(0, size).entries()) {
    const from = Math.ceil((i * SLOTS) / size);
    await node.admin.cluster('ADDSLOTSRANGE', from, Math.ceil(((i + 1) * SLOTS) / size) - 1);
    await node.admin.call('CLUSTER', 'SET-CONFIG-EPOCH', i + 1);
  }
  const idOf = async (node: RedisNode) => String(await node.admin.call('CLUSTER', 'MYID'));
  const busOf = async (node: RedisNode) => /@(\d+)/.exec(String(await node.admin.cluster('NODES')))?.[1] ?? '0';
  for (const node of nodes.slice(1)) await first.admin.call('CLUSTER', 'MEET', HOST, node.port, await busOf(node));

  const whole = async () => {
    await until(
      async () => {
        const infos = await Promise.all(nodes.map((node) => node.admin.cluster('INFO')));
        const known = new RegExp(`cluster_state:ok[\\s\\S]*cluster_known_nodes:${count}\\b`);
        const links = await Promise.all(nodes.map((node) => node.admin.info('replication')));
        const follow = links.every((info) => !/master_link_status:down/.test(info));
        const replicas = links.filter((info) => info.includes('role:slave')).length;
        return follow && replicas === count - size && infos.every((info) => known.test(String(info)));
      },
      { what: `a cluster of ${count} is whole`, withinMs: 30_000 },
    );
  };
  const ids = await Promise.all(nodes.map(idOf));
  const following: Promise<unknown>[] = [];
  for (const [i, node] of nodes.slice(size).entries()) {
    const knows = async () => String(await node.admin.cluster('NODES')).includes(ids[i] ?? '');
    const follow = () => node.admin.call('CLUSTER', 'REPLICATE', ids[i] ?? '');
    following.push(until(knows, { what: 'a replica knows its master', withinMs: 30_000 }).then(follow));
  }
  await Promise.all(following);
  const masters = async () => {
    const ranges = await Promise.any(nodes.map(({ admin }) => admin.cluster('SLOTS')));
    const holders = new Set(ranges.map(([, , owner]) => owner?.[2]));
    return nodes.filter((_, i) => holders.has(ids[i]));
  };
  const ownerOf = async (key: string) => {
    // A node that is down does not answer.
    const views = nodes.map(({ admin }) => Promise.all([admin.cluster('KEYSLOT', key), admin.cluster('SLOTS')]));
    const [slot, ranges] = await Promise.any(views);
    const [, , owner] = ranges.find(([from, to]) => from <= Number(slot) && Number(slot) <= to) ?? [];
    const node = nodes[ids.indexOf(owner?.[2] ?? '')];
    if (!node) throw new Error(`nobody holds slot ${slot}`);
    return node;
  };
  return {
    nodes,
    url: `redis+cluster://${nodes.map(({ port }) => `${HOST}:${port}`).join(',')}`,
    masters,
    ownerOf,
    whole,
    async moveSlot(key, to, between) {
      const from = await ownerOf(key);
      const slot = Number(await from.admin.cluster('KEYSLOT', key));
      await to.admin.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', await idOf(from));
      await from.admin.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', await idOf(to));
      let moved = 0;
      for (;;) {
        const keys = (await from.admin.call('CLUSTER', 'GETKEYSINSLOT', slot, 1)) as string[];
        if (keys.length === 0) break;
        await from.admin.call('MIGRATE', HOST, to.port, '', 0, 10_000, 'KEYS', ...keys);
        moved += keys.length;
        await between();
      }
      const owner = await idOf(to);
      for (const node of [to, from, ...(await masters())])
        await node.admin.call('CLUSTER', 'SETSLOT', slot, 'NODE', owner);
      return moved;
    },
  };
}
