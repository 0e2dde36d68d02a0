/**
 * Real Redis servers for tests: standalone, or a cluster of one node, each on a free loopback port and in a folder of its own.
 *
 * 1. The program is found as the service finds its own (`provision.ts`).
 * 2. Ends by `stop()`. What a test forgets, or cannot stop because it crashed, ends with the test process.
 */
import { rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { Redis } from 'ioredis';
import { provideRedis } from '../../src/redis/provision';
import { type RedisExit, type RedisServer, startRedisServer } from '../../src/redis/server';
import { temporaryFolder } from './janitor';
import { until } from './wait';

export interface TestRedisOptions {
  /** One node that holds all slots, instead of a standalone server. */
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

const HOST = '127.0.0.1';

/** Starts a real server and resolves once it serves (the cluster: once `cluster_state` is ok). */
export async function startTestRedis(options: TestRedisOptions = {}): Promise<TestRedis> {
  const { cluster = false, appendfsync = 'everysec', maxmemory = '0' } = options;
  const dir = temporaryFolder('redis');
  const log = (line: string) => console.error(line);
  const binary = await provideRedis({ dataDir: dir, log });

  const startOn = (port: number, busPort: number) =>
    startRedisServer({
      binary,
      dir,
      address: { host: HOST, port },
      log,
      settings: {
        bind: HOST,
        port: String(port),
        appendonly: 'yes',
        appendfsync,
        save: '',
        maxmemory,
        'maxmemory-policy': 'noeviction',
        ...(cluster && { 'cluster-enabled': 'yes', 'cluster-port': String(busPort), 'cluster-announce-ip': HOST }),
        ...options.settings,
      },
    });

  let { server, port, busPort } = await startOnFreePort(startOn).catch(async (error) => {
    await rm(dir, { recursive: true, force: true });
    throw error;
  });
  if (cluster) await joinCluster(port);

  return {
    url: cluster ? `redis+cluster://${HOST}:${port}` : `redis://${HOST}:${port}`,
    port,
    cluster,
    get pid() {
      return server.pid;
    },
    get exited() {
      return server.exited;
    },
    async kill(signal) {
      process.kill(server.pid, signal);
      if (signal === 'SIGKILL' || signal === 'SIGTERM') await server.exited;
    },
    async restart() {
      await server.stop();
      server = await startOn(port, busPort);
      if (cluster) await joinCluster(port);
    },
    async stop() {
      await server.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** A free port can be taken by another process before Redis binds it: then other ones are tried. */
async function startOnFreePort(startOn: (port: number, busPort: number) => Promise<RedisServer>) {
  for (let attempt = 1; ; attempt++) {
    const [port, busPort] = await freePorts();
    try {
      return { server: await startOn(port, busPort), port, busPort };
    } catch (error) {
      if (attempt === 5 || !String(error).includes('ddress already in use')) throw error;
    }
  }
}

/** Two different free loopback ports, above 10,000 so that a cluster bus fits. */
export async function freePorts(): Promise<[number, number]> {
  const servers = [createServer(), createServer()] as const;
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.once('error', reject);
          server.listen(0, HOST, () => {
            const address = server.address();
            resolve(typeof address === 'object' && address ? address.port : 0);
          });
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return [ports[0] ?? 0, ports[1] ?? 0];
}

/** Gives the node all slots, unless its data has them, and waits until it serves them (2 s after a restart). */
async function joinCluster(port: number): Promise<void> {
  const client = new Redis({ host: HOST, port });
  try {
    const assigned = /cluster_slots_assigned:16384/.test(String(await client.cluster('INFO')));
    if (!assigned) await client.cluster('ADDSLOTSRANGE', 0, 16383);
    await until(async () => String(await client.cluster('INFO')).includes('cluster_state:ok'), {
      what: `the one-node cluster on port ${port} is ok`,
    });
  } finally {
    client.disconnect();
  }
}
