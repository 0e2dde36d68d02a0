/** A real Redis that clients reach only through a failing proxy: standalone, as a cluster, or named by sentinels. */
import { type FailingProxy, startProxy } from './proxy';
import type { RedisKind } from './redis';
import { startCluster } from './redis-cluster';
import { HOST, type RedisNode, startNode } from './redis-node';
import { MASTER_NAME, startSentinelSetup } from './sentinel';

export interface ProxiedRedis {
  /** As REDIS_URL takes it; leads through the proxy. */
  url: string;
  proxy: FailingProxy;
  /** The server behind it; its `admin` connection goes around the proxy. */
  node: RedisNode;
  stop(): Promise<void>;
}

export const PROXIED_KINDS = ['standalone', 'cluster1', 'sentinel'] as const satisfies RedisKind[];
export type ProxiedKind = (typeof PROXIED_KINDS)[number];

/** Starts it; the proxy passes everything on until it is told to fail. */
export async function startProxiedRedis(
  kind: ProxiedKind,
  settings: Record<string, string> = {},
): Promise<ProxiedRedis> {
  const lines = { appendonly: 'yes', appendfsync: 'everysec', save: '', 'maxmemory-policy': 'noeviction', ...settings };
  let target = 0;
  const proxy = await startProxy(() => target);
  const { nodes, node, url } = await start();
  return {
    url,
    proxy,
    node,
    async stop() {
      await proxy.stop();
      await Promise.all(nodes.map((one) => one.stop()));
    },
  };

  async function start(): Promise<{ nodes: RedisNode[]; node: RedisNode; url: string }> {
    if (kind === 'sentinel') {
      const announced = async (master: RedisNode) => {
        target = master.port;
        return proxy.port;
      };
      const { servers, sentinels, master } = await startSentinelSetup({ replicas: 0, settings: lines, announced });
      const hosts = sentinels.map(({ port }) => `${HOST}:${port}`).join(',');
      return {
        nodes: [...sentinels, ...servers],
        node: await master(),
        url: `redis+sentinel://${hosts}/${MASTER_NAME}`,
      };
    }
    if (kind === 'standalone') {
      const single = await startNode({ settings: lines });
      target = single.port;
      return { nodes: [single], node: single, url: `redis://${HOST}:${proxy.port}` };
    }
    // A cluster tells its clients where to go: to the proxy.
    const announce = { 'cluster-announce-port': String(proxy.port) };
    const cluster = await startCluster(1, { settings: { ...lines, ...announce } });
    await cluster.whole();
    const [single] = cluster.nodes as [RedisNode];
    target = single.port;
    return { nodes: [single], node: single, url: `redis+cluster://${HOST}:${proxy.port}` };
  }
}
