/** The names of all keys: their exact text, one slot of a cluster for all of them, and nothing that trims a queue. */
import { expect, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { keysOf } from '../../src/redis/keys';
import { startTestRedis } from '../support/redis';

const root = join(import.meta.dir, '../..');
const sources = ['src', 'lua'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(ts|lua)$/.test(file))
    .map((file) => ({ file: `${folder}/${file}`, text: readFileSync(join(root, folder, file), 'utf8') })),
);
const linesWith = (pattern: RegExp) =>
  sources.flatMap(({ file, text }) =>
    text.split('\n').flatMap((line) => (pattern.test(line) ? [`${file}: ${line.trim()}`] : [])),
  );

test('every key, word for word', () => {
  expect(keysOf('kovof-123')).toEqual({
    inbox: 'caa:v1:{kovof-123}:inbox',
    outbox: 'caa:v1:{kovof-123}:outbox',
    journal: 'caa:v1:{kovof-123}:journal',
    rooms: 'caa:v1:{kovof-123}:rooms',
    line: 'caa:v1:{kovof-123}:line',
    heads: 'caa:v1:{kovof-123}:heads',
    agents: 'caa:v1:{kovof-123}:agents',
    ready: 'caa:v1:{kovof-123}:ready',
    groups: 'caa:v1:{kovof-123}:groups',
    held: 'caa:v1:{kovof-123}:held',
    recent: 'caa:v1:{kovof-123}:recent',
    later: 'caa:v1:{kovof-123}:later',
    parked: 'caa:v1:{kovof-123}:parked',
    ended: 'caa:v1:{kovof-123}:ended',
    meta: 'caa:v1:{kovof-123}:meta',
    qiscus: 'caa:v1:{kovof-123}:qiscus',
    dead: 'caa:v1:{kovof-123}:dead',
    compared: 'caa:v1:{kovof-123}:compared',
    lease: 'caa:v1:{kovof-123}:lease',
  });
  expect(keysOf('kovof-123', true)).toMatchObject({
    inbox: 'caa:v1:{kovof-123}:dry:inbox',
    lease: 'caa:v1:{kovof-123}:dry:lease',
  });
});

test.each(['', 'a{b', 'a}b', '{a}', 'a b', 'a\nb', 'x'.repeat(129)])('[S34] no keys for the app id %j', (appId) => {
  expect(() => keysOf(appId)).toThrow('app id');
});

test('[F63] all keys of an app share a slot, and apps spread', async () => {
  const redis = await startTestRedis({ cluster: true });
  const client = new Redis({ host: '127.0.0.1', port: redis.port });
  try {
    const slotOf = (key: string) => client.cluster('KEYSLOT', key);
    const apps = ['kovof-123', 'sandbox', 'a', 'app.with:odd/signs'];
    const slots = new Set<unknown>();
    for (const app of apps) {
      const all = [keysOf(app), keysOf(app, true)].flatMap((keys) => Object.values(keys));
      expect(new Set(all).size).toBe(all.length);
      const own = new Set(await Promise.all(all.map(slotOf)));
      expect([app, own.size]).toEqual([app, 1]);
      slots.add([...own][0]);
    }
    expect(slots.size).toBe(apps.length);
  } finally {
    client.disconnect();
    await redis.stop();
  }
});

test('no key prefix, and no other place where a key is built', () => {
  expect(linesWith(/keyPrefix/)).toEqual([]);
  expect(linesWith(/caa:v1/).map((line) => line.split(': ')[0])).toEqual(Array(3).fill('src/redis/keys.ts'));
});

test('[F16] only the journal is ever trimmed: trimming a queue loses webhooks silently', () => {
  const trims = linesWith(/\b(?:XTRIM|MAXLEN|MINID)\b/i);
  expect(trims.length).toBeGreaterThan(0);
  expect(trims.filter((line) => !line.includes("redis.call('XTRIM', JOURNAL,"))).toEqual([]);
});
