/**
 * Redis with a user of its own for the service: our keys and the commands that we need, nothing else. The whole flow works
 * under it, and what it does not need is refused. Also: which Redis is known to be unsafe.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import pino from 'pino';
import { checkRedis } from '../../src/cli/doctor/redis';
import { readConfig } from '../../src/config';
import { checkDurability, saferVersion } from '../../src/redis/durability';
import { BELL, keysOf } from '../../src/redis/keys';
import type { Service } from '../../src/service';
import { startTestRedis, type TestRedis } from '../support/redis';
import {
  APP_ID,
  type Caller,
  caller,
  environment,
  startTestSandbox,
  startTestService,
  WEBHOOK_TOKEN,
} from '../support/service';
import { until } from '../support/wait';

/** Everything that the service sends to Redis, by itself and from its scripts. The README has the same words. */
const COMMANDS = [
  '+evalsha +eval +info +config|get +client|setname +wait +publish +subscribe +ping',
  '+xadd +xdel +xlen +xrange +xrevrange +xread +xreadgroup +xgroup|create +xack +xpending +xautoclaim +xtrim +xinfo|groups',
  '+hget +hmget +hset +hdel +hexists +hincrby +hkeys +hscan',
  '+zadd +zrem +zrange +zrangebylex +zrangebyscore +zremrangebylex +zcard +zlexcount +zscore +get +set +del',
]
  .join(' ')
  .split(' ');
const NAME = 'agent-allocation';
const PASSWORD = 'acl-password-for-tests';
const RULES = ['on', `>${PASSWORD}`, `~caa:v1:{${APP_ID}}:*`, 'resetchannels', `&${BELL}`, '-@all', ...COMMANDS];

let redis: TestRedis;
let admin: Redis;
let sandbox: Awaited<ReturnType<typeof startTestSandbox>>;
let service: Service;
let api: Caller;

beforeAll(async () => {
  redis = await startTestRedis();
  admin = new Redis({ host: '127.0.0.1', port: redis.port });
  await admin.call('ACL', 'SETUSER', NAME, ...RULES);
  await admin.call('ACL', 'SETUSER', 'default', '>another-password-for-tests');
  await admin.call('ACL', 'LOG', 'RESET');
  sandbox = await startTestSandbox();
  const url = redis.url.replace('://', `://${NAME}:${PASSWORD}@`);
  service = await startTestService(
    environment(url, sandbox.url, { RECONCILE_SECONDS: '1', QISCUS_TIMEOUT_MS: '500', OUTBOX_CLAIM_MS: '1000' }),
  );
  sandbox.setDelivery({ baseUrl: service.url ?? '', webhookToken: WEBHOOK_TOKEN });
  api = caller(service.url ?? '');
}, 60_000);
afterAll(async () => {
  await service?.stop();
  await sandbox?.stop();
  admin.disconnect();
  await redis.stop();
});

const denied = async () => ((await admin.call('ACL', 'LOG')) as unknown[][]).map((entry) => String(entry[5]));

describe('a user with our keys and our commands only', () => {
  test('[S32] the whole flow works', async () => {
    const becomes = (roomId: string, state: string) =>
      until(async () => (await api.room(roomId)).state === state, {
        what: `room ${roomId} ${state}`,
        withinMs: 20_000,
      });
    await until(async () => ((await api.get('/agents')).body.agents as unknown[]).length === 6, {
      what: 'agents known',
    });
    sandbox.faults.add({ on: 'assign_agent', roomId: '2', effect: 'hang' });
    sandbox.faults.add({ on: 'assign_agent', roomId: '3', times: null, effect: 'status', status: 422 });
    for (const roomId of ['1', '2', '3', '4']) await sandbox.rooms.create({ roomId, copies: 2 });
    await sandbox.rooms.create({ roomId: 'lost', copies: 0 });
    for (const roomId of ['1', '2', '4', 'lost']) await becomes(roomId, 'assigned');
    await becomes('3', 'parked');
    await sandbox.rooms.resolve('1', { copies: 2 });
    await becomes('1', 'resolved');
    expect((await api.post('/settings/max_customers', { max_customers: 1 })).status).toBe(200);
    expect((await api.post('/settings/max_customers', { max_customers: 4 })).status).toBe(200);
    expect((await api.post('/settings/set_mark_as_resolved', { url: 'https://example.org/hook' })).status).toBe(200);
    expect((await api.patch('/agents/agent_01', { paused: true, max_customers: 2 })).status).toBe(200);
    expect((await api.patch('/agents/agent_01', { paused: false, max_customers: null })).status).toBe(200);
    expect((await api.post('/rooms/4/release')).status).toBe(200);
    expect((await api.get('/dead_letters')).body.dead_letters).toHaveLength(1);
    expect((await api.post('/rooms/3/requeue')).status).toBe(200);
    await becomes('3', 'parked');
    expect((await api.post('/dead_letters/room-3/replay')).status).toBe(200);
    for (const path of ['/queue', '/journal', '/agents/agent_01']) expect((await api.get(path)).status).toBe(200);
    expect((await fetch(`${service.url}/health/ready`)).status).toBe(200);
    // A webhook that can never be applied, and a Redis that forgot its scripts.
    await admin.xadd(keysOf(APP_ID).inbox, '*', 'kind', 'nonsense');
    await admin.call('SCRIPT', 'FLUSH');
    await until(async () => (await admin.hlen(keysOf(APP_ID).dead)) === 1, {
      what: 'the poison is put aside',
      withinMs: 20_000,
    });
    await sandbox.rooms.create({ roomId: '5' });
    await becomes('5', 'assigned');
    expect(await denied()).toEqual([]);
  }, 60_000);

  test('[S32] every command of every script is in the list', () => {
    const lua = join(import.meta.dir, '../../lua');
    const files = readdirSync(lua, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.lua'));
    const called = files.flatMap((file) =>
      [...readFileSync(join(lua, file), 'utf8').matchAll(/redis\.p?call\('(\w+)'/g)].map(
        ([, name]) => name?.toLowerCase() ?? '',
      ),
    );
    expect(new Set(called).size).toBeGreaterThan(20);
    expect([...new Set(called)].filter((name) => !COMMANDS.includes(`+${name}`))).toEqual([]);
  });

  test('the doctor finds nothing broken under it, and says that it cannot see the clock', async () => {
    const url = redis.url.replace('://', `://${NAME}:${PASSWORD}@`);
    const found = await checkRedis(readConfig(environment(url, sandbox.url), []), Date.now);
    expect(found.filter(({ level }) => level === 'broken')).toEqual([]);
    expect(found.at(-1)?.what).toBe('does not tell its time');
  });

  test('[S32] what the service does not need is refused', async () => {
    const keys = keysOf(APP_ID);
    const forbidden = [
      ['KEYS', '*'],
      ['SCAN', '0'],
      ['FLUSHALL'],
      ['FLUSHDB'],
      ['CONFIG', 'SET', 'dir', '/tmp'],
      ['CONFIG', 'REWRITE'],
      ['SHUTDOWN'],
      ['MODULE', 'LIST'],
      ['RESTORE', keys.rooms, '0', 'x'],
      ['DUMP', keys.rooms],
      ['MIGRATE', 'h', '1', keys.rooms, '0', '1'],
      ['REPLICAOF', 'NO', 'ONE'],
      ['SCRIPT', 'FLUSH'],
      ['SCRIPT', 'KILL'],
      ['FUNCTION', 'LOAD', 'x'],
      ['ACL', 'LIST'],
      ['MONITOR'],
      ['CLIENT', 'KILL', 'ID', '1'],
      ['CLIENT', 'LIST'],
      ['SAVE'],
      ['BGREWRITEAOF'],
      ['SUBSCRIBE', 'x'],
      ['PUBLISH', 'x', 'y'],
      ['RENAME', keys.rooms, keys.line],
      ['EXPIRE', keys.rooms, '1'],
      ['XGROUP', 'DESTROY', keys.inbox, 'ledger'],
      ['SWAPDB', '0', '1'],
      ['GET', 'another:key'],
      ['HGETALL', 'caa:v1:{another-app}:rooms'],
      ['SET', `caa:v1:${APP_ID}:rooms`, 'x'],
      ['HGET', 'caa:v1:{another-app}:meta', 'token'],
    ]; // prettier-ignore
    const user = new Redis({ host: '127.0.0.1', port: redis.port, username: NAME, password: PASSWORD });
    for (const [command = '', ...args] of forbidden) {
      const answer = await user.call(command, ...args).catch((error: Error) => error.message);
      expect([command, String(answer).slice(0, 6)]).toEqual([command, 'NOPERM']);
    }
    // Nor from inside a script.
    for (const call of ["redis.call('FLUSHALL')", "redis.call('GET', 'another:key')", "redis.call('KEYS', '*')"]) {
      const answer = await user.eval(`return ${call}`, 0).catch((error: Error) => error.message);
      expect(String(answer)).toMatch(/NOPERM|can't (run this command|access at least one of the keys)|ACL failure/i);
    }
    user.disconnect();
  });
});

describe('which Redis is unsafe', () => {
  test.each([
    ['redis_version:7.0.15', null],
    ['redis_version:7.0.11', '7.0.15'],
    ['redis_version:7.2.10', '7.2.11'],
    ['redis_version:7.2.11', null],
    ['redis_version:7.4.5', '7.4.6'],
    ['redis_version:8.0.3', '8.0.4'],
    ['redis_version:8.2.1', '8.2.2'],
    ['redis_version:8.2.2', null],
    ['redis_version:8.4.0', null],
    ['redis_version:10.0.0', null],
    // Valkey says which Redis it is compatible with as well.
    ['redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.0.6', null],
    ['redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.0.5', '8.0.6'],
    ['redis_version:7.2.4\r\nvalkey_version:8.1.3', '8.1.4'],
    ['', null],
  ])('[S33] %j: %p', (info, safer) => {
    expect(saferVersion(`# Server\r\n${info}\r\nos:Linux`)).toBe(safer);
  });

  test('[S33] the service says so at its start, and starts', async () => {
    const lines: string[] = [];
    const log = pino({ level: 'warn' }, { write: (line: string) => lines.push(line) });
    const rules = { production: false, allowWeak: true };
    const options = { username: 'default', password: 'another-password-for-tests', enableReadyCheck: false };
    const old = new Redis({ host: '127.0.0.1', port: redis.port, ...options });
    old.info = async () => 'redis_version:7.2.1\r\n';
    await checkDurability(old, rules, log);
    expect(lines.filter((line) => line.includes('"redis.outdated"') && line.includes('7.2.11'))).toHaveLength(1);
    old.disconnect();
  });
});
