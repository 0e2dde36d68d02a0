/**
 * A real Sentinel set-up on loopback: one master, its replicas, sentinels that watch and fail over.
 *
 * 1. As the README tells operators: `min-replicas-to-write 1`, so that a master that was left behind takes in nothing.
 * 2. A replica is followed through its own port; the master too, or through a proxy (`announced`).
 */
import { HOST, type RedisNode, startNode } from './redis-node';
import { until } from './wait';

export const MASTER_NAME = 'mymaster';
export const DOWN_AFTER_MS = 1_000;

export interface SentinelOptions {
  /** Default 2. */
  replicas?: number;
  /** Default 3. */
  sentinels?: number;
  /** Lines of redis.conf of all servers. */
  settings?: Record<string, string>;
  /** The port by which sentinels and clients know the master; default: its own. */
  announced?: (master: RedisNode) => Promise<number>;
}

export interface SentinelSetup {
  /** As REDIS_URL takes it. */
  url: string;
  /** Servers: the first master first. */
  servers: RedisNode[];
  sentinels: RedisNode[];
  /** The server that the sentinels name now. */
  master(): Promise<RedisNode>;
  /** Resolves with the new master, when all sentinels name it and it takes writes. @param old who was it before */
  failedOver(old: RedisNode): Promise<RedisNode>;
  /** Resolves when the master has so many replicas in step and the sentinels know them. */
  inStep(replicas: number): Promise<void>;
}

export async function startSentinelSetup(options: SentinelOptions = {}): Promise<SentinelSetup> {
  const { replicas = 2, sentinels: size = 3, announced = async (node: RedisNode) => node.port } = options;
  const settings = {
    'repl-diskless-sync-delay': '0',
    'repl-ping-replica-period': '1',
    'min-replicas-to-write': String(Math.min(replicas, 1)),
    ...options.settings,
  };
  const [master, ...others] = await Promise.all(Array.from({ length: 1 + replicas }, () => startNode({ settings })));
  if (!master) throw new Error('no master');
  const servers = [master, ...others];
  for (const node of others) await node.admin.replicaof(HOST, master.port);
  const sentinels = await Promise.all(Array.from({ length: size }, () => startNode({ sentinel: true })));
  const knownPort = await announced(master);
  for (const { admin } of sentinels) {
    await admin.call('SENTINEL', 'MONITOR', MASTER_NAME, HOST, knownPort, Math.ceil((size + 1) / 2));
    for (const [name, value] of [
      ['down-after-milliseconds', DOWN_AFTER_MS],
      ['failover-timeout', 5_000],
      ['parallel-syncs', 1],
    ] as const)
      await admin.call('SENTINEL', 'SET', MASTER_NAME, name, value);
  }

  const named = async ({ admin }: RedisNode) => {
    const [, port] = (await admin.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', MASTER_NAME)) as [string, string];
    return Number(port) === knownPort ? master : servers.find((node) => node.port === Number(port));
  };
  const fieldOf = (info: string, name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? '';
  const setup: SentinelSetup = {
    url: `redis+sentinel://${sentinels.map(({ port }) => `${HOST}:${port}`).join(',')}/${MASTER_NAME}`,
    servers,
    sentinels,
    async master() {
      const [sentinel] = sentinels;
      const node = sentinel && (await named(sentinel));
      if (!node) throw new Error('the sentinels name a stranger');
      return node;
    },
    failedOver: (old) =>
      until(
        async () => {
          const [node, ...rest] = await Promise.all(sentinels.map(named));
          if (!node || node === old || rest.some((other) => other !== node)) return null;
          return fieldOf(await node.admin.info('replication'), 'role') === 'master' ? node : null;
        },
        { what: 'the sentinels made another one master', withinMs: 40_000 },
      ),
    async inStep(count) {
      await until(
        async () => {
          const info = await (await setup.master()).admin.info('replication');
          return [...info.matchAll(/state=online,offset=(\d+)/g)].length >= count;
        },
        { what: `${count} replicas in step`, withinMs: 30_000 },
      );
      await until(
        async () =>
          (
            await Promise.all(
              sentinels.map(async ({ admin }) => {
                const info = String(await admin.call('INFO', 'sentinel'));
                return new RegExp(`status=ok,.*slaves=${replicas},sentinels=${size}`).test(info);
              }),
            )
          ).every(Boolean),
        { what: 'every sentinel knows all others', withinMs: 30_000 },
      );
    },
  };
  if (replicas > 0) await setup.inStep(replicas);
  return setup;
}
