/**
 * Real Redis for tests: standalone, a cluster of one or three nodes, or Sentinel, on free loopback ports.
 *
 * 1. A test that is about one kind names it; all others take the kind of TEST_REDIS (test/matrix.ts), or standalone.
 * 2. `port`, `pid`, `kill` and `restart` mean the server that holds the keys of the app under test just now.
 * 3. Ends by `stop()`. What a test forgets, or cannot stop because it crashed, ends with the test process.
 */
import type { RedisExit } from '../../src/redis/server';
import { startCluster } from './redis-cluster';
import { HOST, type RedisNode, startNode } from './redis-node';
import { startSentinelSetup } from './sentinel';

export const REDIS_KINDS = ['standalone', 'cluster1', 'cluster3', 'sentinel'] as const;
export type RedisKind = (typeof REDIS_KINDS)[number];

export interface TestRedisOptions {
  /** Default: TEST_REDIS, else standalone. */
  kind?: RedisKind;
  /** One node that holds all slots: short for `kind: 'cluster1'`. */
  cluster?: boolean;
  /** Default `everysec`: tests that kill processes lose nothing by it, only a power cut would. */
  appendfsync?: 'always' | 'everysec' | 'no';
  /** As in redis.conf, for example `16mb`. Default: no limit. */
  maxmemory?: string;
  /** More lines of redis.conf: name to value. */
  settings?: Record<string, string>;
}

export interface TestRedis {
  /** As REDIS_URL takes it. */
  readonly url: string;
  readonly kind: RedisKind;
  readonly port: number;
  readonly cluster: boolean;
  /** The running process. */
  readonly pid: number;
  /** Resolves when the running process has ended. */
  readonly exited: Promise<RedisExit>;
  /** Sends a signal; SIGKILL and SIGTERM resolve when the process is gone, others at once. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Starts it again, on the same port and data; ends it first when it still runs. */
  restart(): Promise<void>;
  /** Ends it and removes its folder. Any number of calls. */
  stop(): Promise<void>;
}

/** The app whose keys say which node of a cluster is meant; test/support/service.ts runs it. */
const OWN_TAG = '{kovof-123}';

/** The kind that TEST_REDIS asks for. */
export function redisKind(): RedisKind {
  const wanted = process.env.TEST_REDIS || 'standalone';
  const kind = REDIS_KINDS.find((one) => one === wanted);
  if (!kind) throw new Error(`TEST_REDIS must be one of ${REDIS_KINDS.join(', ')}`);
  return kind;
}

/** Starts a real set-up and resolves once it serves. */
export async function startTestRedis(options: TestRedisOptions = {}): Promise<TestRedis> {
  const { appendfsync = 'everysec', maxmemory = '0' } = options;
  const kind = options.kind ?? (options.cluster ? 'cluster1' : redisKind());
  const settings = {
    appendonly: 'yes',
    appendfsync,
    save: '',
    maxmemory,
    'maxmemory-policy': 'noeviction',
    ...options.settings,
  };
  const { url, nodes, current, whole } = await start(kind, settings);
  /** The one that was asked to end: it is this that comes back, whoever took its place. */
  let node = await current();
  const look = async () => {
    node = await current();
  };
  return {
    url,
    kind,
    cluster: kind.startsWith('cluster'),
    get port() {
      return node.port;
    },
    get pid() {
      return node.pid;
    },
    get exited() {
      return node.exited;
    },
    async kill(signal) {
      if (signal !== 'SIGCONT') await look();
      await node.kill(signal);
    },
    async restart() {
      await node.restart();
      await whole();
    },
    async stop() {
      await Promise.all(nodes.map((one) => one.stop()));
    },
  };
}

interface SetUp {
  url: string;
  nodes: RedisNode[];
  current: () => Promise<RedisNode>;
  /** Resolves when it serves again after a restart. */
  whole: () => Promise<void>;
}

async function start(kind: RedisKind, settings: Record<string, string>): Promise<SetUp> {
  if (kind === 'standalone') {
    const node = await startNode({ settings });
    return {
      url: `redis://${HOST}:${node.port}`,
      nodes: [node],
      current: async () => node,
      whole: async () => undefined,
    };
  }
  if (kind === 'sentinel') {
    const { url, servers, sentinels, master } = await startSentinelSetup({ settings });
    return { url, nodes: [...sentinels, ...servers], current: master, whole: async () => undefined };
  }
  const cluster = await startCluster(kind === 'cluster1' ? 1 : 3, { settings });
  await cluster.whole();
  return {
    url: `redis+cluster://${cluster.nodes.map(({ port }) => `${HOST}:${port}`).join(',')}`,
    nodes: cluster.nodes,
    current: () => cluster.ownerOf(OWN_TAG),
    whole: cluster.whole,
  };
}
