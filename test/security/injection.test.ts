/**
 * Text that wants to be code: from webhooks, paths and Qiscus's lists, into keys, scripts, log lines, metrics and the event
 * stream. It stays text, everywhere.
 */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { KEY_NOUNS } from '../../src/redis/keys';
import { tried } from '../support/evidence';
import { ADMIN_TOKEN, APP_ID } from '../support/service';
import { until } from '../support/wait';
import { encoded, HOSTILE, startHostileTarget } from './hostile';
import type { Target } from './target';

const ADMIN = { authorization: `Bearer ${ADMIN_TOKEN}` };
const COUNT = Object.keys(HOSTILE).length;
const root = join(import.meta.dir, '../..');

let target: Target;
beforeAll(async () => {
  target = await startHostileTarget();
  await until(async () => (await room(`lost-${COUNT - 1}`)).state !== undefined, {
    what: 'the lost rooms are found',
    withinMs: 30_000,
  });
}, 90_000);
afterAll(() => target.stop());

const room = async (id: string) => (await target.api.room(id)) as { state?: string; customer_name?: string };
const text = async (path: string) => (await fetch(target.service.url + path, { headers: ADMIN })).text();

test('[S34] Redis holds our keys and no other', async () => {
  const known = Object.keys(KEY_NOUNS).map((noun) => `caa:v1:{${APP_ID}}:${noun}`);
  const found = await target.client.keys('*');
  expect(found.filter((key) => !known.includes(key))).toEqual([]);
  expect(found.length).toBeGreaterThan(8);
  for (const noun of ['rooms', 'agents'] as const) {
    // Fields are ids: without blanks and control characters that structure would be made of.
    const fields = await target.client.hkeys(target.keys[noun]);
    expect(fields.filter((field) => /[\0\s]/.test(field))).toEqual([]);
  }
  const rooms = await target.client.hkeys(target.keys.rooms);
  expect(rooms.filter((field) => !/^[0-9A-Za-z_-]{1,64}$/.test(field))).toEqual([]);
  tried(COUNT, 'S34');
});

test('[S34] hostile ids do not disturb the books: every agent and room reads back as what it is', async () => {
  const { agents = [] } = (await target.api.get('/agents')).body as {
    agents?: { id: string; load: number; limit: number; channels: string[] | null }[];
  };
  expect(agents.length).toBeGreaterThanOrEqual(6 + COUNT);
  for (const { id, load, limit, channels } of agents) {
    expect([id, load >= 0 && load <= limit]).toEqual([id, true]);
    expect([id, (channels ?? []).filter((channel) => !/^[0-9A-Za-z_-]{1,64}$/.test(channel))]).toEqual([id, []]);
    const one = await target.api.get(`/agents/${encoded(id)}`);
    expect([id, one.status]).toEqual([id, 200]);
  }
  for (let index = 0; index < COUNT; index += 1) {
    for (const id of [`room-${index}`, `lost-${index}`])
      expect([id, (await room(id)).state]).toEqual([id, expect.any(String)]);
    expect((await room(`room-${index}`)).customer_name ?? '').not.toMatch(/\p{Cc}/u);
  }
  // Everybody who writes now still gets an agent.
  expect((await target.api.post('/settings/max_customers', { max_customers: 1000 })).status).toBe(200);
  await target.sandbox.rooms.create({ roomId: 'ordinary', channelId: '5603' });
  await until(async () => (await room('ordinary')).state === 'assigned', {
    what: 'an ordinary room is assigned',
    withinMs: 30_000,
  });
});

test('[S34] scripts are constants: nothing from outside becomes code, or a key', () => {
  const sources = readdirSync(join(root, 'lua'), { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.lua'),
  );
  for (const file of sources) {
    const code = readFileSync(join(root, 'lua', file), 'utf8').replace(/--.*$/gm, '');
    expect([file, /\b(loadstring|dofile|setfenv|cjson)\b|\bload\s*\(/.exec(code)?.[0]]).toEqual([file, undefined]);
  }
  const typescript = [...new Bun.Glob('**/*.ts').scanSync(join(root, 'src'))];
  const evaluating = typescript.filter((file) =>
    /\b(eval|new Function|execSync|exec)\(/.test(
      readFileSync(join(root, 'src', file), 'utf8').replace(/\.(eval|exec)\(/g, ''),
    ),
  );
  expect(evaluating).toEqual([]);
});

test('[S39] one log line is one JSON object, whatever was said', () => {
  const lines = target.service
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{'));
  expect(lines.length).toBeGreaterThan(50);
  for (const line of lines) expect(() => JSON.parse(line)).not.toThrow();
  const output = target.service.output();
  expect(output.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  expect(
    lines
      .map((line): unknown => JSON.parse(line))
      .filter((line) => Reflect.get(Object(line), 'event') === 'forged.event'),
  ).toEqual([]);
  // Every line that is no JSON is of the banner.
  expect(
    output.split('\n').filter((line) => /owned|forged|<img|redis\.call/.test(line) && !line.startsWith('{')),
  ).toEqual([]);
  tried(lines.length, 'S39');
});

test('[S39] the metrics hold our names only', async () => {
  const lines = (await text('/metrics')).split('\n').filter((line) => line !== '');
  for (const line of lines)
    expect(line).toMatch(
      /^(# (HELP|TYPE) caa_[a-z_]+ .+|caa_[a-z_]+(\{[a-z]+="[a-zA-Z_.\d+]+"\})? (Na[nN]|[\d.e+-]+))$/,
    );
  expect(lines.join()).not.toContain('forged');
});

test('[S39] an event is a frame of three lines, whatever it tells', async () => {
  const ending = new AbortController();
  const reply = await fetch(`${target.service.url}/api/v1/events?after=0-0`, { headers: ADMIN, signal: ending.signal });
  let stream = '';
  const decoder = new TextDecoder();
  const reading = (async () => {
    for await (const chunk of reply.body ?? []) stream += decoder.decode(chunk, { stream: true });
  })().catch(() => {});
  const newest = async () => (await target.client.xrevrange(target.keys.journal, '+', '-', 'COUNT', 1))[0]?.[0] ?? '';
  const last = await newest();
  await until(() => stream.includes(`id: ${last}\n`), { what: 'all events so far' });
  ending.abort();
  await reading;
  const frames = stream.split('\n\n').slice(0, -1);
  expect(frames.length).toBeGreaterThan(100);
  for (const frame of frames) {
    expect(frame).toMatch(/^(: [a-z ]+|id: \d+-\d+\nevent: [a-z]+\.[a-z]+\ndata: \{.*\})$/);
    const data = /^data: (.*)$/m.exec(frame)?.[1];
    if (data !== undefined) expect(Object.keys(JSON.parse(data) as object)).toEqual(['id', 'event', 'at', 'fields']);
  }
  expect(frames.filter((frame) => frame.includes('event: forged.event'))).toEqual([]);
});

test('[S39 S41] nothing of it is a header, and no reply is anything but JSON', async () => {
  for (const [name, value] of Object.entries(HOSTILE)) {
    for (const path of ['/api/v1/agents/', '/api/v1/rooms/', '/', '/docs/assets/', '/api/v1/webhook/', '/health/']) {
      const reply = await fetch(target.service.url + path + encoded(value), { headers: ADMIN });
      // Bun refuses a path of 60 kB before we see it.
      if (reply.status === 431) continue;
      expect([name, path, reply.headers.get('content-type')?.split(';')[0]]).toEqual([name, path, 'application/json']);
      expect(reply.headers.has('x-owned')).toBe(false);
      await reply.body?.cancel();
    }
  }
});
