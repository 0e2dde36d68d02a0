/** The embedded Redis as its owner and its user see it: real servers, real processes, real kill -9. */
import { afterEach, describe, expect, test } from 'bun:test';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { ServiceError } from '../../src/errors';
import { type EmbeddedRedis, startEmbeddedRedis } from '../../src/redis/embedded';
import { lockFolder } from '../../src/redis/lock';
import { cacheFolders, provideRedis } from '../../src/redis/provision';
import { askRedis } from '../../src/redis/server';
import { until } from '../support/wait';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function folder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'caa-embedded-'));
  cleanups.push(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

const lines: string[] = [];
const log = (line: string) => {
  lines.push(line);
};

async function start(dataDir: string): Promise<EmbeddedRedis> {
  const redis = await startEmbeddedRedis({ dataDir, log });
  cleanups.push(() => redis.stop());
  return redis;
}

function clientOf(redis: EmbeddedRedis): Redis {
  const client = new Redis({ path: redis.socketPath });
  client.on('error', () => {});
  cleanups.push(() => client.disconnect());
  return client;
}

/** Starts `embedded-owner.ts` in a process group of its own, as a terminal would. */
function startOwner(dataDir: string) {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, '../support/embedded-owner.ts'), dataDir], {
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
  });
  const printed: string[] = [];
  const done = (async () => {
    let rest = '';
    const decoder = new TextDecoder();
    for await (const chunk of child.stdout) {
      const parts = (rest + decoder.decode(chunk)).split('\n');
      rest = parts.pop() ?? '';
      printed.push(...parts);
    }
  })();
  cleanups.push(() => {
    if (child.exitCode === null) child.kill('SIGKILL');
    return child.exited;
  });
  return { child, printed, done };
}

/** A cache root whose only Redis is `program`. */
async function cacheWith(program: string): Promise<{ XDG_CACHE_HOME: string; PATH: string }> {
  const surroundings = { XDG_CACHE_HOME: await folder(), PATH: '' };
  const [cache] = await cacheFolders('/nonexistent', surroundings);
  await mkdir(join(cache?.folder ?? '', 'usr/bin'), { recursive: true });
  await symlink(program, join(cache?.folder ?? '', 'usr/bin/redis-server'));
  return surroundings;
}

async function script(text: string): Promise<string> {
  const file = join(await folder(), 'redis-server');
  await writeFile(file, `#!/bin/sh\n${text}\n`);
  await chmod(file, 0o755);
  return file;
}

describe('finding a server program', () => {
  test('in the cache, with an empty PATH, and with the libraries that lie beside it', async () => {
    const { path: installed } = await provideRedis({ dataDir: await folder(), log });
    const surroundings = await cacheWith(installed);
    const [cache] = await cacheFolders('/nonexistent', surroundings);
    const libraries = join(cache?.folder ?? '', 'usr/lib/some-linux-gnu');
    await mkdir(libraries, { recursive: true });
    await writeFile(join(libraries, 'libsome.so.1'), '');
    const found = await provideRedis({ dataDir: await folder(), log, surroundings, systemPath: '' });
    expect(found.path.startsWith(surroundings.XDG_CACHE_HOME)).toBe(true);
    expect(found.version).toMatch(/^\d+\.\d+\.\d+$/);
    expect(found.libraryPath).toBe(libraries);
  });

  test('one that is too old is passed over for a newer one', async () => {
    const { path: installed } = await provideRedis({ dataDir: await folder(), log });
    const old = await script('echo Redis server v=6.2.14 sha=0');
    const surroundings = { ...(await cacheWith(installed)), PATH: join(old, '..') };
    const found = await provideRedis({ dataDir: await folder(), log, surroundings, systemPath: '' });
    expect(found.path).not.toBe(old);
  });

  test('valkey-server will do', async () => {
    const program = await script('echo Valkey server v=8.1.1 sha=0');
    const bin = await folder();
    await symlink(program, join(bin, 'valkey-server'));
    const surroundings = { PATH: bin, XDG_CACHE_HOME: await folder() };
    const found = await provideRedis({ dataDir: await folder(), log, surroundings, systemPath: '' });
    expect(found.version).toBe('8.1.1');
  });

  test('none and no apt: one error says what was found and how to install one', async () => {
    const surroundings = await cacheWith(await script('echo Redis server v=6.0.16 sha=0'));
    const error = await provideRedis({ dataDir: await folder(), log, surroundings, systemPath: '' }).catch((e) => e);
    expect(error).toBeInstanceOf(ServiceError);
    for (const word of ['is 6.0.16', 'apt-get install', 'brew', 'dnf', 'apk', 'docker', 'REDIS_URL']) {
      expect(error.message).toContain(word);
    }
  });

  test('with apt: fetched without root, runs, and a broken one in the cache is replaced', async () => {
    const reason = await whyNoApt();
    if (reason !== null && process.env.CI !== 'true') {
      console.log(`skipped: ${reason}`);
      return;
    }
    const surroundings = { ...process.env, ...(await cacheWith(await script('exit 127'))) };
    const [cache] = await cacheFolders('/nonexistent', surroundings);
    const abandoned = `${cache?.folder}.killed`;
    await mkdir(abandoned);
    await utimes(abandoned, 0, 0);
    const told: string[] = [];
    const dataDir = await folder();
    const redis = await startEmbeddedRedis({ dataDir, log: (line) => told.push(line), surroundings });
    cleanups.push(() => redis.stop());
    expect(await clientOf(redis).ping()).toBe('PONG');
    expect(await readFile(join(dataDir, 'redis/redis-cli'), 'utf8')).toContain(cache?.folder ?? '');
    expect(await Bun.$`${join(dataDir, 'redis/redis-cli')} ping`.text()).toBe('PONG\n');
    expect(told[0]).toContain('fetching');
    expect(await readdir(join(cache?.folder ?? '', '..'))).toHaveLength(1);
  }, 180_000);
});

async function whyNoApt(): Promise<string | null> {
  if (Bun.which('apt-get') === null) return 'this system has no apt-get';
  const probe = Bun.spawn(['apt-get', '--print-uris', 'update'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const hosts = [...(await probe.stdout.text()).matchAll(/'(https?:\/\/[^/']+)/g)].map((match) => match[1] ?? '');
  const reached = hosts.map((host) => fetch(host, { method: 'HEAD', signal: AbortSignal.timeout(5_000) }));
  return Promise.any(reached).then(
    () => null,
    () => "this system's package servers do not answer",
  );
}

describe('one service per data folder', () => {
  test('a second start is refused, naming the holder; after stop() the folder is free', async () => {
    const dataDir = await folder();
    const first = await start(dataDir);
    const owner = startOwner(dataDir);
    await owner.child.exited;
    await owner.done;
    expect(owner.printed[0]).toContain(`refused Another service (pid ${process.pid} on `);
    await expect(startEmbeddedRedis({ dataDir, log })).rejects.toThrow('Another service');
    expect(await clientOf(first).ping()).toBe('PONG');

    await Promise.all([first.stop(), first.stop()]);
    expect(await readdir(dataDir)).not.toContain('service.owner');
    expect(await clientOf(await start(dataDir)).ping()).toBe('PONG');
  });

  test('of six that start at once on what a dead owner left, exactly one wins', async () => {
    const dataDir = await folder();
    await writeFile(join(dataDir, 'service.lock'), '');
    await writeFile(join(dataDir, 'service.owner'), 'pid 1 on another\n');
    const owners = Array.from({ length: 6 }, () => startOwner(dataDir));
    await until(() => owners.every(({ printed }) => printed.length > 0), { what: 'every start is decided' });
    expect(owners.filter(({ printed }) => printed[0]?.startsWith('ready'))).toHaveLength(1);
    expect(owners.filter(({ printed }) => printed[0]?.startsWith('refused Another'))).toHaveLength(5);
  });

  test('a folder that cannot be used is one clear error', async () => {
    const file = join(await folder(), 'file');
    await writeFile(file, '');
    await expect(startEmbeddedRedis({ dataDir: file, log })).rejects.toThrow('cannot be written');
  });
});

describe('the server process', () => {
  test('settings: every acknowledged write on disk, no eviction, no TCP, only this user', async () => {
    const dataDir = await folder();
    const client = clientOf(await start(dataDir));
    const setting = async (name: string) => ((await client.config('GET', name)) as string[])[1];
    expect(await setting('appendonly')).toBe('yes');
    expect(await setting('appendfsync')).toBe('always');
    expect(await setting('maxmemory-policy')).toBe('noeviction');
    expect(Number(await setting('maxmemory'))).toBeGreaterThan(0);
    expect(await setting('save')).toBe('');
    expect(await setting('port')).toBe('0');
    expect(await setting('unixsocketperm')).toBe('700');
  });

  test('owner killed with -9, again and again: nothing acknowledged is lost, and nothing lingers', async () => {
    const dataDir = await folder();
    let acknowledged = 0;
    for (let round = 0; round < 5; round++) {
      const owner = startOwner(dataDir);
      await until(() => owner.printed.length > 100, { what: 'the owner writes' });
      owner.child.kill('SIGKILL');
      await owner.done;
      acknowledged += owner.printed.length - 1;
    }
    const stored = await clientOf(await start(dataDir)).llen('numbers');
    expect(stored).toBeGreaterThanOrEqual(acknowledged);
    // At most one write per round was under way when its owner died.
    expect(stored).toBeLessThanOrEqual(acknowledged + 5);
  }, 30_000);

  test('ends with a killed owner, without a next start', async () => {
    const dataDir = await folder();
    const owner = startOwner(dataDir);
    const pid = Number((await until(() => owner.printed[0], { what: 'the owner is ready' })).split(' ')[1]);
    const path = join(dataDir, 'redis/redis.sock');
    expect(await askRedis({ path }, 'PING')).toBe('+PONG');
    owner.child.kill('SIGKILL');
    await until(async () => (await askRedis({ path }, 'PING')) === null, { what: `redis ${pid} is gone` });
  });

  test('one that lingers without its owner is ended by the next start, with its data', async () => {
    const dataDir = await folder();
    const dir = join(dataDir, 'redis');
    await mkdir(dir);
    const { path: program } = await provideRedis({ dataDir, log });
    const args = ['--port', '0', '--unixsocket', 'redis.sock', '--appendonly', 'yes', '--save', ''];
    const lingering = Bun.spawn([program, ...args], { cwd: dir, stdio: ['ignore', 'ignore', 'ignore'] });
    cleanups.push(() => lingering.kill('SIGKILL'));
    const path = join(dir, 'redis.sock');
    await until(async () => (await askRedis({ path }, 'PING')) === '+PONG', { what: 'the lingering redis serves' });
    const before = new Redis({ path });
    await before.set('kept', 'yes');
    before.disconnect();

    expect(await clientOf(await start(dataDir)).get('kept')).toBe('yes');
    expect(await lingering.exited).toBe(0);
    expect(lines).toContain('Waiting for the Redis of a service that was killed to end.');
  });

  test('killed while we run: exited resolves, and restart() has the data on the same socket', async () => {
    const redis = await start(await folder());
    const client = clientOf(redis);
    await client.set('kept', 'yes');
    const firstPid = redis.pid;
    process.kill(firstPid, 'SIGKILL');
    expect(await redis.exited).toEqual({ code: null });
    await redis.restart();
    expect(redis.pid).not.toBe(firstPid);
    expect(await client.get('kept')).toBe('yes');

    await redis.stop();
    expect(await redis.exited).toEqual({ code: 0 });
    await expect(redis.restart()).rejects.toThrow('stopped');
  });

  test('Ctrl-C reaches the service and not its Redis', async () => {
    const dataDir = await folder();
    const owner = startOwner(dataDir);
    await until(() => owner.printed.length > 1, { what: 'the owner writes' });
    process.kill(-owner.child.pid, 'SIGINT');
    await owner.child.exited;
    await owner.done;
    expect(owner.printed.at(-1)).toBe('stopped');
    expect(await clientOf(await start(dataDir)).get('after-sigint')).toBe('written');
  });

  test('a data folder whose path is too long for a socket', async () => {
    const dataDir = join(await folder(), 'long '.repeat(30).trim());
    const redis = await start(dataDir);
    expect(Buffer.byteLength(redis.socketPath)).toBeLessThan(104);
    expect(await clientOf(redis).ping()).toBe('PONG');
  });

  test('data that it cannot read: the error shows the end of its log, and the folder is free again', async () => {
    const dataDir = await folder();
    await (await start(dataDir)).stop();
    const aof = join(dataDir, 'redis/appendonlydir/appendonly.aof.1.incr.aof');
    await writeFile(aof, `not an AOF\n${await readFile(aof, 'utf8')}`);
    await expect(startEmbeddedRedis({ dataDir, log })).rejects.toThrow('Bad file format');
    await until(() => lockFolder(dataDir), { what: 'the lock is given back' }).then((unlock) => unlock());
  });
});
