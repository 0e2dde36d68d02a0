/**
 * A day with marked data, as in production: every secret of the configuration, every field of every payload about a person,
 * and every secret that Qiscus sends hold a mark. Afterwards the marks are looked for everywhere: log, standard error,
 * metrics, journal, events, replies, documents, every key of Redis decoded and raw, and its append-only file.
 *
 * Qiscus fails in every way meanwhile, with marks in its answers; Redis hangs, is full, is killed, and holds a key of the
 * wrong type, so that errors are logged too. Only a customer's name may be found, and only with an open room.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PLANTED } from '../../src/qiscus/sandbox/shapes';
import { tried } from '../support/evidence';
import {
  adminToken,
  client,
  dataDir,
  endDay,
  events,
  keys,
  REDIS_PASSWORD,
  replies,
  SECRETS,
  service,
  startDay,
} from './day';
import { MARK, marksIn, NAME_MARK } from './marked';

beforeAll(startDay, 120_000);
afterAll(endDay);

/** Everything in a key, as commands show it and as it lies in memory. */
async function contentOf(key: string): Promise<string> {
  const raw = (await client.dumpBuffer(key)) ?? Buffer.alloc(0);
  const type = await client.type(key);
  const decoded =
    type === 'hash'
      ? await client.hgetall(key)
      : type === 'zset'
        ? await client.zrange(key, '0', '-1')
        : type === 'stream'
          ? [await client.xrange(key, '-', '+'), await client.call('XINFO', 'STREAM', key, 'FULL')]
          : type === 'string'
            ? await client.get(key)
            : null;
  expect([key, decoded]).not.toEqual([key, null]);
  return `${JSON.stringify(decoded)}\n${raw.toString('latin1')}\n${raw.toString('utf8')}`;
} // prettier-ignore

describe('the day', () => {
  test('was one with everything in it', () => {
    const seen = new Set(replies.map(({ status }) => status));
    for (const status of [200, 202, 400, 401, 403, 404, 409, 415, 422, 500, 503])
      expect([status, seen.has(status)]).toEqual([status, true]);
    expect(replies.length).toBeGreaterThan(200);
    expect(service.output()).toContain('"level":"error"');
    for (const event of ['room.assigned', 'room.refused', 'call.deferred', 'room.adopted', 'room.released']) {
      expect([event, events.includes(`event: ${event}\n`)]).toEqual([event, true]);
    }
    expect(marksIn(`x ${MARK} y`)).toHaveLength(1);
    expect(marksIn(btoa(`anybody:${MARK}-admin`))).not.toEqual([]);
  });
});

test('[S03 S26 S27 S30] not in the log, nor on standard output and error', () => {
  const file = readFileSync(join(dataDir, 'logs/agent-allocation.log'), 'utf8');
  for (const text of [file, service.output()]) {
    expect(text.split('\n').length).toBeGreaterThan(50);
    expect(marksIn(text)).toEqual([]);
    expect(text).not.toContain(PLANTED);
  }
  tried(file.split('\n').length, 'S30');
});

test('[S16 S17 S20] not in any reply, but an open room shows its customer to an operator', () => {
  for (const { asked, status, text } of replies) {
    const isRoom = status === 200 && asked.startsWith('GET /api/v1/rooms/');
    expect([asked, status, marksIn(text, !isRoom), text.includes(PLANTED)]).toEqual([asked, status, [], false]);
  }
  expect(replies.some(({ asked, text }) => asked.startsWith('GET /api/v1/rooms/') && text.includes(NAME_MARK))).toBe(
    true,
  );
  tried(replies.length, 'S17');
});

test('[S29] not in the journal, the events, the metrics, the health pages or the documents', async () => {
  expect(marksIn(events)).toEqual([]);
  for (const path of [
    '/api/v1/journal?limit=500',
    '/api/v1/queue',
    '/api/v1/agents',
    '/api/v1/dead_letters',
    '/metrics',
    '/health/ready',
    '/docs/json',
    '/',
  ]) {
    const headers = { authorization: `Bearer ${path === '/metrics' ? SECRETS.METRICS_TOKEN : adminToken}` };
    const reply = await fetch(service.url + path, { headers });
    expect(reply.status).toBe(200);
    const text = await reply.text();
    expect([path, marksIn(text), text.includes(PLANTED)]).toEqual([path, [], false]);
  }
});

test('[S26 S29] not in any key of Redis, decoded or raw; a name only with its open room', async () => {
  const all = await client.keys('*');
  expect(all.length).toBeGreaterThan(10);
  for (const key of all) {
    const content = await contentOf(key);
    expect([key, marksIn(content, key !== keys.rooms), content.includes(PLANTED)]).toEqual([key, [], false]);
  }
  expect(await contentOf(keys.rooms)).toContain(NAME_MARK);
  expect(await client.hget(keys.rooms, 'chat-3')).toContain(NAME_MARK);
  expect(await client.hget(keys.rooms, 'chat-1')).not.toContain(NAME_MARK);
  tried(all.length, 'S29');
});

test('[S29] not in the append-only file, which remembers everything: a name is the only thing of a person there', async () => {
  const [, dir = ''] = (await client.config('GET', 'dir')) as string[];
  const files = readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter((file) => /\.(aof|rdb|log)$/.test(file));
  expect(files.some((file) => file.endsWith('.aof'))).toBe(true);
  for (const file of files) {
    const text = readFileSync(join(dir, file)).toString('latin1').replaceAll(REDIS_PASSWORD, '');
    expect([file, marksIn(text, false), text.includes(PLANTED)]).toEqual([file, [], false]);
  }
});
