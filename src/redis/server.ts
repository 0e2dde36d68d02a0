/**
 * One redis-server as a child of this process: starts it, waits until it serves, ends it. Knows nothing of locks or defaults.
 *
 * 1. It runs in a session of its own, so that Ctrl-C in the terminal reaches us and not it: we stop it last.
 * 2. It ends with us, however we end: a small shell process waits on a pipe that only we hold, and ends Redis when that closes.
 *    Without a shell Redis runs bare, and whoever starts next on the folder finds it still there.
 * 3. It gets none of our environment, which holds secrets. What it prints is in `redis.log` in its folder, for this run only.
 *
 * Stops by `stop()`: asked to end as often as it takes, killed after 20 s.
 */
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { mkdir, readFile, readlink, realpath, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { ServiceError } from '../errors';
import type { RedisBinary } from './provision';

/** Where a Redis listens, a Unix socket or a TCP port, in the form that `node:net` takes. */
export type ServerAddress = { path: string } | { host: string; port: number };

/** How a Redis ended: the exit code, or null when a signal ended it. */
export interface RedisExit {
  code: number | null;
}

export interface RedisServer {
  readonly pid: number;
  /** Resolves, never rejects, when the process has ended, by `stop()` or by itself. */
  readonly exited: Promise<RedisExit>;
  /** Ends it cleanly; resolves when it is gone. Any number of calls. */
  stop(): Promise<void>;
}

export interface RedisServerOptions {
  binary: RedisBinary;
  /** Its working folder: data, `redis.conf`, `redis.log`. Made when missing. */
  dir: string;
  /** Where to reach it once `settings` are applied. */
  address: ServerAddress;
  /** Lines of redis.conf: name to value. */
  settings: Record<string, string>;
  log: (line: string) => void;
}

/** Runs in the child: `$0` becomes Redis itself, with the waiting shell beside it. */
const WATCHDOG = 'exec 3<&0; (read -r _ <&3; kill -TERM $$) 2>/dev/null & exec "$0" "$@" </dev/null 3<&-';
const PID_FILE = 'server.pid';
const SILENT_LIMIT_MS = 30_000;
const STOP_LIMIT_MS = 20_000;

/**
 * Starts a server and resolves once it answers; while it loads its data that may take minutes, and is logged.
 * Throws a ServiceError with the end of its log when it ends before that, or says nothing for 30 s.
 */
export async function startRedisServer(options: RedisServerOptions): Promise<RedisServer> {
  const { binary, dir, settings } = options;
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const confFile = join(dir, 'redis.conf');
  const logFile = join(dir, 'redis.log');
  const lines = Object.entries({ dir, daemonize: 'no', ...settings }).map(
    ([name, value]) => `${name} ${JSON.stringify(value)}`,
  );
  await writeFile(confFile, `${lines.join('\n')}\n`, { mode: 0o600 });

  const shell = Bun.which('sh', { PATH: `${process.env.PATH ?? ''}:/bin:/usr/bin` });
  const output = openSync(logFile, 'w', 0o600);
  const child = Bun.spawn([...(shell ? [shell, '-c', WATCHDOG] : []), binary.path, confFile], {
    cwd: dir,
    env: { LC_ALL: 'C', ...(binary.libraryPath && { LD_LIBRARY_PATH: binary.libraryPath }) },
    stdio: ['pipe', output, output],
    detached: true,
  });
  closeSync(output);
  // At once and not later: whoever starts next on this folder must know, even if we are killed now.
  writeFileSync(join(dir, PID_FILE), String(child.pid));

  const exited = child.exited.then(() => {
    child.stdin.end();
    return { code: child.exitCode };
  });
  const stop = async () => {
    const killAt = performance.now() + STOP_LIMIT_MS;
    while (child.exitCode === null && child.signalCode === null) {
      // It refuses while it writes its first AOF, so once is not enough; what it acknowledged is on disk even if killed.
      child.kill(performance.now() < killAt ? 'SIGTERM' : 'SIGKILL');
      await Promise.race([exited, Bun.sleep(1_000)]);
    }
    await exited;
  };

  try {
    await ready(options, exited);
  } catch (cause) {
    await stop();
    const tail = (await readFile(logFile, 'utf8').catch(() => '')).trim().split('\n').slice(-8).join('\n  ');
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ServiceError('STORE_UNAVAILABLE', `Redis did not start: ${reason}. From ${logFile}:\n  ${tail}`);
  }
  return { pid: child.pid, exited, stop };
}

/**
 * The process that an earlier call started in `dir` and that still runs, or null. Only where /proc tells a process's folder:
 * a process id alone may be somebody else's by now.
 */
export async function serverRunningIn(dir: string): Promise<number | null> {
  const pid = Number(await readFile(join(dir, PID_FILE), 'utf8').catch(() => ''));
  const itsFolder = pid > 0 ? await readlink(`/proc/${pid}/cwd`).catch(() => null) : null;
  return itsFolder !== null && itsFolder === (await realpath(dir)) ? pid : null;
}

async function ready({ address, log }: RedisServerOptions, exited: Promise<RedisExit>): Promise<void> {
  let ended: RedisExit | null = null;
  void exited.then((exit) => {
    ended = exit;
  });
  let heardAt = performance.now();
  let toldAt = heardAt;
  while (ended === null) {
    const reply = await askRedis(address, 'PING');
    if (reply === '+PONG') return;
    const now = performance.now();
    if (reply?.startsWith('-LOADING')) {
      heardAt = now;
      if (now - toldAt > 5_000) {
        log('Redis is loading its data.');
        toldAt = now;
      }
    }
    if (now - heardAt > SILENT_LIMIT_MS) throw new Error(`it did not answer for ${SILENT_LIMIT_MS / 1_000} s`);
    await Bun.sleep(reply === null ? 5 : 50);
  }
  throw new Error('it ended at once');
}

/**
 * Sends one command without arguments over a connection of its own and resolves to the first line of the reply:
 * null when nobody listens there, empty when somebody does but gives no reply within `limitMs`.
 */
export function askRedis(address: ServerAddress, command: string, limitMs = 2_000): Promise<string | null> {
  return new Promise((resolve) => {
    let reply = '';
    let connected = false;
    const socket = connect(address);
    const finish = (result: string | null) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(result);
    };
    const timer = setTimeout(() => finish(''), limitMs);
    socket.on('connect', () => {
      connected = true;
      socket.write(`${command}\r\n`);
    });
    socket.on('data', (chunk) => {
      reply += chunk.toString();
      const end = reply.indexOf('\r\n');
      if (end >= 0) finish(reply.slice(0, end));
    });
    socket.on('error', () => finish(connected ? '' : null));
    socket.on('close', () => finish(connected ? '' : null));
  });
}
