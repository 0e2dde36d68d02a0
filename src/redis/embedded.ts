/**
 * The embedded Redis: a private server under DATA_DIR for the case that REDIS_URL is not set.
 *
 * 1. Takes the lock of the data folder (`lock.ts`), so that two services never share one.
 * 2. Finds or fetches a server program (`provision.ts`).
 * 3. Ends a Redis that a killed service left behind on this folder: two must never write one AOF.
 * 4. Starts the server (`server.ts`) on a Unix socket that only this user can open, with every acknowledged write on disk.
 * 5. Puts a `redis-cli` for it into its folder, for people (`cli-script.ts`).
 * 6. If it dies while we run, `exited` tells, and `restart()` starts it again on the same data and the same socket.
 *
 * Stops by `stop()`, last of all parts: Redis ends cleanly, then the lock is given back.
 */
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { ServiceError } from '../errors';
import { writeCliScript } from './cli-script';
import { lockFolder } from './lock';
import { provideRedis, type Surroundings } from './provision';
import { askRedis, type RedisExit, type RedisServer, serverRunningIn, startRedisServer } from './server';

export interface EmbeddedRedisOptions {
  /** DATA_DIR; made when missing. Redis keeps its files in `redis` below it. */
  dataDir: string;
  /** Takes one line for the person who started the service. */
  log: (line: string) => void;
  /** Default `always`: what was acknowledged survives a power cut. The others are for tests. */
  appendfsync?: 'always' | 'everysec' | 'no';
  /** Bytes. Default: half of this machine's memory, or of the container's limit. Full means refused writes, never eviction. */
  maxmemoryBytes?: number;
  /** Where programs are looked for; default: this process's own variables. */
  surroundings?: Surroundings;
}

export interface EmbeddedRedis {
  /** For ioredis: `new Redis({ path: socketPath })`. The same for the whole life, restarts included. */
  readonly socketPath: string;
  /** For example `7.0.15`. */
  readonly version: string;
  /** The running server process. */
  readonly pid: number;
  /** Resolves when the running server ends, whoever ended it; after `restart()` this is a new promise. */
  readonly exited: Promise<RedisExit>;
  /** Starts it again after `exited`, on the same data. Throws a ServiceError when it cannot, or after `stop()`. */
  restart(): Promise<void>;
  /** Ends it cleanly and gives the folder back. Any number of calls. */
  stop(): Promise<void>;
}

/** A Unix socket's path has room for 104 bytes on macOS and 108 on Linux, with its final zero. */
const SOCKET_PATH_BYTES = 100;
const LINGER_LIMIT_MS = 30_000;

/** Starts the embedded Redis and resolves once it answers. Throws a ServiceError that says what to do. */
export async function startEmbeddedRedis(options: EmbeddedRedisOptions): Promise<EmbeddedRedis> {
  const { log, surroundings } = options;
  const dataDir = resolve(options.dataDir);
  const dir = join(dataDir, 'redis');
  await mkdir(dir, { recursive: true, mode: 0o700 }).catch((cause) => {
    throw new ServiceError('STORE_UNAVAILABLE', `The data folder ${dataDir} cannot be written.`, { cause });
  });
  const unlock = lockFolder(dataDir);
  let socket: ReachableSocket | null = null;
  try {
    const binary = await provideRedis({ dataDir, log, surroundings });
    socket = await reachableSocket(dir);
    const address = { path: socket.path };
    await writeCliScript(dir, binary, address.path, (surroundings ?? process.env).PATH);
    const start = async () => {
      await endLingering(address.path, dir, log);
      return startRedisServer({ binary, dir, address, settings: settingsOf(options), log });
    };
    return supervise(await start(), start, { path: address.path, version: binary.version }, async () => {
      await socket?.remove();
      unlock();
    });
  } catch (error) {
    await socket?.remove();
    unlock();
    throw error;
  }
}

function settingsOf({ appendfsync = 'always', maxmemoryBytes }: EmbeddedRedisOptions): Record<string, string> {
  return {
    port: '0',
    // Relative to its folder: however long the folder's path is, the socket can be bound.
    unixsocket: SOCKET_NAME,
    unixsocketperm: '700',
    appendonly: 'yes',
    appendfsync,
    'aof-load-truncated': 'yes',
    save: '',
    'maxmemory-policy': 'noeviction',
    maxmemory: String(maxmemoryBytes ?? Math.floor(Math.min(process.constrainedMemory() || Infinity, totalmem()) / 2)),
    'proc-title-template': '{title} agent-allocation {unixsocket}',
  };
}

/** The handle that outlives each server process. */
function supervise(
  first: RedisServer,
  start: () => Promise<RedisServer>,
  { path, version }: { path: string; version: string },
  giveBack: () => Promise<void>,
): EmbeddedRedis {
  let server = first;
  let starting: Promise<void> = Promise.resolve();
  let stopping: Promise<void> | null = null;
  return {
    socketPath: path,
    version,
    get pid() {
      return server.pid;
    },
    get exited() {
      return server.exited;
    },
    restart() {
      if (stopping) return Promise.reject(new ServiceError('STORE_UNAVAILABLE', 'Redis was stopped with the service.'));
      starting = starting
        .catch(() => {})
        .then(async () => {
          await server.exited;
          server = await start();
        });
      return starting;
    },
    stop() {
      stopping ??= (async () => {
        await server.stop();
        await starting.catch(() => {});
        await server.stop();
        await giveBack();
      })();
      return stopping;
    },
  };
}

const SOCKET_NAME = 'redis.sock';

interface ReachableSocket {
  path: string;
  remove(): Promise<void>;
}

/** A path to the socket that is short enough to connect to: its own, or one through a link to its folder. */
async function reachableSocket(dir: string): Promise<ReachableSocket> {
  const path = join(dir, SOCKET_NAME);
  if (Buffer.byteLength(path) <= SOCKET_PATH_BYTES) return { path, remove: async () => {} };
  const folder = await mkdtemp(join(tmpdir(), 'caa-'));
  await symlink(dir, join(folder, 'd'));
  return { path: join(folder, 'd', SOCKET_NAME), remove: () => rm(folder, { recursive: true, force: true }) };
}

/** We hold the lock, so whoever still runs here lost its owner. Its socket goes once its last write is on disk. */
async function endLingering(path: string, dir: string, log: (line: string) => void): Promise<void> {
  const giveUpAt = performance.now() + LINGER_LIMIT_MS;
  for (let round = 0; ; round++) {
    const [reply, pid] = await Promise.all([askRedis({ path }, 'SHUTDOWN', 1_000), serverRunningIn(dir)]);
    if (reply === null && pid === null) return;
    if (round === 0) log('Waiting for the Redis of a service that was killed to end.');
    if (performance.now() > giveUpAt) {
      throw new ServiceError(
        'STORE_UNAVAILABLE',
        `A Redis of an earlier run (pid ${pid ?? 'unknown'}) still uses ${dir} and does not end. End it, then start again.`,
      );
    }
    await Bun.sleep(20);
  }
}
