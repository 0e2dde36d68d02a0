/**
 * One real redis-server (or sentinel) on a free loopback port, in a folder of its own. Parts of every set-up in redis.ts.
 *
 * 1. The program: TEST_REDIS_BINARY, else the one that the service would find (`provision.ts`).
 * 2. Ends by `stop()`; what a test forgets ends with the test process (janitor.ts).
 */
import { chmodSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { provideRedis, type RedisBinary } from '../../src/redis/provision';
import { type RedisExit, type RedisServer, startRedisServer } from '../../src/redis/server';
import { temporaryFolder } from './janitor';
import { freePort } from './ports';

export const HOST = '127.0.0.1';

export interface RedisNode {
  readonly port: number;
  /** Where its data lies. */
  readonly dir: string;
  /** The running process. */
  readonly pid: number;
  /** Resolves when the running process has ended. */
  readonly exited: Promise<RedisExit>;
  /** A connection that waits for its node; ends with `stop()`. */
  readonly admin: Redis;
  /** Sends a signal; SIGKILL and SIGTERM resolve when the process is gone, others at once. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Starts it again, on the same port and data; ends it first when it still runs. */
  restart(): Promise<void>;
  /** Ends it and removes its folder. Any number of calls. */
  stop(): Promise<void>;
}

export interface NodeOptions {
  /** Lines of redis.conf: name to value. */
  settings?: Record<string, string>;
  /** A sentinel instead of a server. */
  sentinel?: boolean;
  /** With a cluster bus on a port of its own. */
  cluster?: boolean;
  /** A line of shell that runs in the server's process before it becomes the server. */
  before?: string;
}

/** Starts one and resolves once it answers. */
export async function startNode(options: NodeOptions = {}): Promise<RedisNode> {
  const { settings = {}, sentinel = false, cluster = false, before } = options;
  const dir = temporaryFolder(sentinel ? 'sentinel' : 'redis');
  const binary = await programFor(dir, before, sentinel ? '--sentinel' : '');
  const startOn = (port: number, busPort: number) => {
    const bus = { 'cluster-enabled': 'yes', 'cluster-port': String(busPort), 'cluster-announce-ip': HOST };
    const lines = { bind: HOST, port: String(port), ...(cluster && bus), ...settings };
    return startRedisServer({ binary, dir, address: { host: HOST, port }, log: console.error, settings: lines });
  };
  let { server, port, busPort } = await startOnFreePort(startOn).catch(async (error) => {
    await rm(dir, { recursive: true, force: true });
    throw error;
  });
  // A password may be set later by a test; whoever does so authenticates this connection first.
  const admin = new Redis({ host: HOST, port, protocol: 2, lazyConnect: true, maxRetriesPerRequest: null });
  admin.on('error', () => undefined);
  return {
    port,
    dir,
    admin,
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
    },
    async stop() {
      admin.disconnect();
      await server.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function programFor(dir: string, before = '', last = ''): Promise<RedisBinary> {
  const given = process.env.TEST_REDIS_BINARY;
  const binary = given
    ? { path: given, version: 'given', libraryPath: '' }
    : await provideRedis({ dataDir: dir, log: console.error });
  if (before === '' && last === '') return binary;
  const path = join(dir, 'program.sh');
  writeFileSync(path, `#!/bin/sh\n${before}\nexec "${binary.path}" "$@" ${last}\n`);
  chmodSync(path, 0o700);
  return { ...binary, path };
}

/** A free port can be taken by another process before Redis binds it: then other ones are tried. */
async function startOnFreePort(startOn: (port: number, busPort: number) => Promise<RedisServer>) {
  for (let attempt = 1; ; attempt++) {
    const [port, busPort] = [await freePort(), await freePort()];
    try {
      return { server: await startOn(port, busPort), port, busPort };
    } catch (error) {
      if (attempt === 5 || !String(error).includes('ddress already in use')) throw error;
    }
  }
}
