/**
 * The runbook's commands, as they stand in the README, run on a service under load.
 *
 * 1. Back up by copying while chats come and go, restore hours later: nothing of ours is broken, and what came after the
 *    copy is found again by comparing with Qiscus.
 * 2. Change the webhook token with two api processes: no webhook is refused while both are valid, none with the old one passes later.
 * 3. Forget a customer: the name is gone from Redis's file too.
 * 4. The same with the private Redis, where no Redis is installed; where none answers the back-up ends with an error.
 */
import { afterEach, expect, test } from 'bun:test';
import { readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { keysOf } from '../../src/redis/keys';
import { readBooks } from '../support/books';
import { type Load, startLoad } from '../support/load';
import { type RedisNode, startNode } from '../support/redis-node';
import {
  ADMIN_TOKEN,
  APP_ID,
  environment,
  freePort,
  type ServiceProcess,
  spawnService,
  startTestSandbox,
  temporaryFolder,
  WEBHOOK_TOKEN,
} from '../support/service';
import { until } from '../support/wait';
import { differences } from './books';

const README = readFileSync(join(import.meta.dir, '../../README.md'), 'utf8');
const KEYS = keysOf(APP_ID);
const AOF = { appendonly: 'yes', appendfsync: 'always', save: '' };
/** A call that was in hand when the copy was made is repeated by another process after OUTBOX_CLAIM_MS. */
const PERIODS = { RECONCILE_SECONDS: '1', QISCUS_TIMEOUT_MS: '2000', OUTBOX_CLAIM_MS: '3000' };
const LIMIT_MS = 60_000;
const NEW_TOKEN = 'another-webhook-token-for-tests';
const BACK_UP = 'cp -a "$REDIS_DATA/appendonlydir" "$BACKUP/"';
const RESTORE = 'cp -a "$BACKUP/appendonlydir" "$REDIS_DATA/"';
/** The runbook talks to Redis and to the service as people do. */
const hasTools = Bun.which('redis-cli') !== null && Bun.which('curl') !== null;

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (let step = undo.pop(); step; step = undo.pop()) await step();
}, LIMIT_MS);

/**
 * Runs the README's block of shell that has `mark` in it, with its example address as `ROUTER`. Resolves with what it printed.
 * @throws when it fails
 */
async function follow(mark: string, { ROUTER = '', ...env }: Record<string, string>): Promise<string> {
  const block = [...README.matchAll(/^```sh\n(.*?)^```$/gms)]
    .map(([, text = '']) => text)
    .find((b) => b.includes(mark));
  if (block === undefined) throw new Error(`The README has no commands with ${mark}`);
  const shell = Bun.spawn(['sh', '-euc', block.replaceAll('https://router.example.com', ROUTER)], {
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [code, printed, said] = await Promise.all([
    shell.exited,
    new Response(shell.stdout).text(),
    new Response(shell.stderr).text(),
  ]);
  if (code !== 0) throw new Error(`The README's commands with ${mark} ended with ${code}: ${said}`);
  return printed;
}

/** How the README's table talks to that Redis. */
function redisOf(which: string): string {
  const row = README.split('\n').find((line) => line.startsWith(`| ${which} | `)) ?? '';
  return /`([^`]+)`[^`]*\|$/.exec(row)?.[1] ?? '';
}

async function stage(cap: number) {
  const redis: RedisNode = await startNode({ settings: AOF });
  undo.push(() => redis.stop());
  const sandbox = await startTestSandbox({ cap });
  undo.push(() => sandbox.stop());
  const url = `redis://127.0.0.1:${redis.port}`;
  const env = environment(url, sandbox.url, { ...PERIODS, QISCUS_MAX_CUSTOMER: String(cap) });
  const launch = async (role: 'all' | 'api' | 'worker', more: Record<string, string> = {}) => {
    const service = await spawnService({ ...env, ...more }, role);
    undo.push(() => service.kill('SIGKILL'));
    expect(service.hasEnded()).toBe(false);
    return service;
  };
  const load = (urls: string[], token?: () => string): Load => {
    const begun = startLoad(urls, sandbox, 12, token);
    undo.push(() => begun.abort());
    return begun;
  };
  const client = new Redis(url);
  undo.push(() => client.disconnect());
  return { redis, sandbox, url, launch, load, client };
}

const filesOf = (dir: string) =>
  readdirSync(join(dir, 'appendonlydir')).map((name) => readFileSync(join(dir, 'appendonlydir', name), 'latin1'));

test.skipIf(!hasTools)(
  'a copy made under load, restored after a day went on: whole, and the rest is found again',
  async () => {
    const { redis, sandbox, url, launch, client } = await stage(2);
    const service = await launch('all');
    sandbox.setDelivery({ baseUrl: service.url, webhookToken: WEBHOOK_TOKEN });
    const places = {
      REDIS: redisOf('your own').replace('$REDIS_URL', url),
      REDIS_DATA: redis.dir,
      BACKUP: temporaryFolder('backup'),
    };

    const rooms: string[] = [];
    const open = () => sandbox.state().rooms.filter(({ resolved }) => !resolved);
    const endOne = async (copies: number) => {
      const served = open().find(({ agents }) => agents.length > 0);
      if (served) await sandbox.rooms.resolve(served.id, { copies });
    };
    /** Chats come, more than end: twelve slots, and a line that grows. */
    const goOn = async (more: number) => {
      for (let i = 0; i < more; i++) {
        const roomId = `room-${rooms.length}`;
        await sandbox.rooms.create({ roomId });
        rooms.push(roomId);
        if (i % 3 > 0) await endOne(1);
      }
    };
    await goOn(60);
    const before = [...rooms];
    await Promise.all([goOn(60), follow(BACK_UP, places)]);
    await goOn(60);
    expect(await service.kill('SIGTERM')).toBe(0);
    // While nothing runs chats end, and new ones come, of which nobody tells.
    for (let i = 0; i < 5; i++) await endOne(0);
    for (const roomId of ['untold-1', 'untold-2']) await sandbox.rooms.create({ roomId, copies: 0 });
    await redis.kill('SIGTERM');
    await follow(RESTORE, places);
    await redis.restart();

    // The copy holds what was acknowledged before it was made, and not what came later.
    const known = (await readBooks(client, KEYS)).rooms;
    expect(before.filter((room) => !known.has(room))).toEqual([]);
    expect(known.size).toBeLessThan(rooms.length);

    const again = await launch('all');
    sandbox.setDelivery({ baseUrl: again.url, webhookToken: WEBHOOK_TOKEN });
    await until(
      async () => {
        if (open().some(({ agents }) => agents.length > 0)) await endOne(1);
        return open().length === 0 && (await differences(client, sandbox, before)).length === 0;
      },
      { what: 'every chat served and ended, our books and those of Qiscus equal', withinMs: 30_000 },
    ).catch(async (error) => {
      throw new Error(`${error.message}: ${JSON.stringify([open(), await differences(client, sandbox, before)])}`);
    });
    expect(sandbox.state().violations).toEqual([]);
    const served = new Set(sandbox.state().assigns.map(({ roomId }) => roomId));
    expect([...rooms, 'untold-1', 'untold-2'].filter((room) => !served.has(room))).toEqual([]);
    expect(await again.kill('SIGTERM')).toBe(0);
  },
  LIMIT_MS * 2,
);

test.skipIf(!hasTools)(
  'the webhook token changes under load, two api processes one after the other: no webhook is refused',
  async () => {
    const { sandbox, launch, load, client } = await stage(1000);
    await launch('worker');
    const ports = [String(await freePort()), String(await freePort())] as const;
    const apis: ServiceProcess[] = [];
    for (const PORT of ports) apis.push(await launch('api', { PORT }));
    let token = WEBHOOK_TOKEN;
    const day = load(
      apis.map(({ url }) => url),
      () => token,
    );
    const restart = async (WEBHOOK_TOKENS: string) => {
      for (const at of [0, 1] as const) {
        await day.more(30);
        expect(await apis[at]?.kill('SIGTERM')).toBe(0);
        apis[at] = await launch('api', { PORT: ports[at], WEBHOOK_TOKEN: WEBHOOK_TOKENS });
      }
      await day.more(30);
    };
    await restart(`${NEW_TOKEN},${WEBHOOK_TOKEN}`);
    token = NEW_TOKEN;
    await day.more(60);
    await restart(NEW_TOKEN);
    await day.end();

    const allowed = ['200', '202', '503 STOPPING', '503 STORE_UNAVAILABLE', 'ECONNREFUSED', 'ConnectionRefused'];
    expect([...day.met.keys()].filter((what) => !allowed.includes(what))).toEqual([]);
    for (const [OLD_TOKEN, status] of [
      [WEBHOOK_TOKEN, '401'],
      [NEW_TOKEN, '415'],
    ] as const)
      expect((await follow('$OLD_TOKEN', { ROUTER: apis[0]?.url ?? '', OLD_TOKEN })).trim()).toBe(status);
    await until(async () => (await differences(client, sandbox, day.rooms)).length === 0, {
      what: 'our books and those of Qiscus equal',
      withinMs: 20_000,
    });
  },
  LIMIT_MS * 2,
);

test.skipIf(!hasTools)(
  'a customer is forgotten: the name is gone from the append-only file too',
  async () => {
    const { redis, sandbox, url, launch } = await stage(2);
    const service = await launch('all');
    sandbox.setDelivery({ baseUrl: service.url, webhookToken: WEBHOOK_TOKEN });
    await sandbox.rooms.create({ roomId: '12345', customerName: 'Harpi Wijaya' });
    expect(filesOf(redis.dir).join()).toContain('Harpi');
    const printed = await follow('bgrewriteaof', {
      REDIS: redisOf('your own').replace('$REDIS_URL', url),
      ROUTER: service.url,
      ADMIN_TOKEN,
    });
    expect(printed).toContain('"erased":true');
    await until(() => !filesOf(redis.dir).join().includes('Harpi'), { what: 'the file without the name' });
    expect(await service.kill('SIGTERM')).toBe(0);
  },
  LIMIT_MS,
);

test.skipIf(Bun.which('curl') === null)(
  'with the private Redis nothing need be installed: copied, forgotten, restored; and where none answers it ends with an error',
  async () => {
    const sandbox = await startTestSandbox({ cap: 2 });
    undo.push(() => sandbox.stop());
    const DATA_DIR = temporaryFolder('data');
    const PATH = temporaryFolder('path');
    for (const name of ['sh', 'cp', 'mv', 'grep', 'sleep', 'curl'])
      symlinkSync(Bun.which(name) ?? '', join(PATH, name));
    const REDIS_DATA = join(DATA_DIR, 'redis');
    const places = {
      PATH,
      REDIS: redisOf('the private one').replace('data/redis', REDIS_DATA),
      REDIS_DATA,
      BACKUP: temporaryFolder('backup'),
    };
    const { REDIS_URL: _, ...env } = environment('', sandbox.url, { ...PERIODS, DATA_DIR });
    const launch = async () => {
      const service = await spawnService(env, 'all');
      undo.push(() => service.kill('SIGTERM'));
      sandbox.setDelivery({ baseUrl: service.url, webhookToken: WEBHOOK_TOKEN });
      return service;
    };
    const service = await launch();
    await sandbox.rooms.create({ roomId: '12345', customerName: 'Harpi Wijaya' });
    await follow(BACK_UP, places);
    expect(await follow('bgrewriteaof', { ...places, ROUTER: service.url, ADMIN_TOKEN })).toContain('"erased":true');
    await until(() => !filesOf(REDIS_DATA).join().includes('Harpi'), { what: 'the file without the name' });
    expect(await service.kill('SIGTERM')).toBe(0);

    await follow(RESTORE, places);
    expect(filesOf(REDIS_DATA).join()).toContain('Harpi');
    await expect(follow(BACK_UP, places)).rejects.toThrow('Could not connect');
    await expect(follow(BACK_UP, { ...places, REDIS: 'redis-cli' })).rejects.toThrow('not found');
    expect(await (await launch()).kill('SIGTERM')).toBe(0);
  },
  LIMIT_MS,
);
