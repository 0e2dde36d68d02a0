/** journal:export against a real service with thousands of records. */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { join } from 'node:path';
import { connect } from '../../src/redis/client';
import { keysOf } from '../../src/redis/keys';
import type { Service } from '../../src/service';
import { runFile } from '../support/cli';
import { startTestRedis, type TestRedis } from '../support/redis';
import { ADMIN_TOKEN, APP_ID, environment, startTestSandbox, startTestService } from '../support/service';

const RECORDS = 5_000;
/** One a second, so that a day has a place in the middle. */
const BEGIN_MS = Date.UTC(2026, 10, 1);
const FILE = 'src/cli/journal-export.ts';

let redis: TestRedis;
let service: Service;
let env: Record<string, string>;
const undo: (() => Promise<unknown>)[] = [];
beforeAll(async () => {
  redis = await startTestRedis();
  undo.push(() => redis.stop());
  const key = keysOf(APP_ID).journal;
  const client = await connect(redis.url, 'command');
  for (let first = 0; first < RECORDS; first += 500) {
    const pipeline = client.pipeline();
    for (let n = first; n < first + 500; n++) {
      const ms = BEGIN_MS + n * 1_000;
      pipeline.xadd(
        key,
        `${ms}-0`,
        'event',
        'room.test',
        'at',
        String(ms),
        'room',
        `r-${n}`,
        'text',
        '\u009b31m\u202e',
      );
    }
    await pipeline.exec();
  }
  client.disconnect();
  const sandbox = await startTestSandbox();
  undo.push(() => sandbox.stop());
  // Without a worker: nothing else is written.
  service = await startTestService(environment(redis.url, sandbox.url, { ROLE: 'api' }));
  undo.push(() => service.stop());
  env = { PORT: new URL(service.url ?? '').port, ADMIN_TOKEN };
});
afterAll(async () => {
  for (let step = undo.pop(); step; step = undo.pop()) await step();
});

interface Line {
  id: string;
  event: string;
  fields: Record<string, string>;
}
/** Of the records that stand here; the service adds one of its own at its start, the limit. */
const linesOf = (out: string) =>
  out
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Line)
    .filter(({ event }) => event === 'room.test');

test(`all ${RECORDS} records, each once, oldest first, and no word beside them`, async () => {
  const { code, out, err } = await runFile(FILE, [], env);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const ids = linesOf(out).map(({ id }) => id);
  expect(ids).toEqual(Array.from({ length: RECORDS }, (_, n) => `${BEGIN_MS + n * 1_000}-0`));
  expect(linesOf(out)[7]).toMatchObject({ event: 'room.test', fields: { room: 'r-7', text: '\u009b31m\u202e' } });
  // What a terminal would obey is escaped.
  expect(out).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}]/u);
});

test.each([
  ['since', ['--since', '2026-11-01T01:00:00Z'], 3_600, RECORDS],
  ['since, at another offset', ['--since', '2026-11-01T08:00:00+07:00'], 3_600, RECORDS],
  ['until', ['--until', '2026-11-01T00:10:00Z'], 0, 600],
  ['a range in ms', ['--since', String(BEGIN_MS + 10_500), '--until', String(BEGIN_MS + 20_000)], 11, 20],
  ['a day with all of it', ['--since', '2026-11-01', '--until', '2026-11-02'], 0, RECORDS],
  ['a day with nothing', ['--since', '2026-11-02'], RECORDS, RECORDS],
  ['after an id', ['--after', `${BEGIN_MS + 4_989_000}-0`], 4_990, RECORDS],
])('%s', async (_, args, from, to) => {
  const { code, out } = await runFile(FILE, args, env);
  const rooms = linesOf(out).map(({ fields }) => fields.room);
  expect(code).toBe(0);
  expect(rooms).toEqual(Array.from({ length: to - from }, (__, n) => `r-${from + n}`));
});

test('a reader that takes a few lines and goes away ends it quietly', async () => {
  const command = `"${process.execPath}" "${join(import.meta.dir, '../..', FILE)}" | head -n 3; echo "code \${PIPESTATUS[0]}" >&2`;
  const child = Bun.spawn(['bash', '-c', command], {
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  expect(linesOf(out).map(({ fields }) => fields.room)).toEqual(['r-0', 'r-1', 'r-2']);
  expect(err).toBe('code 0\n');
});

test('a service that goes away in the middle: the error says where to go on', async () => {
  const page = await (
    await fetch(`${service.url}/api/v1/journal?limit=500`, { headers: { Authorization: `Bearer ${ADMIN_TOKEN}` } })
  ).text();
  let asked = 0;
  const short = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: () => (asked++ === 0 ? new Response(page) : new Response('', { status: 500 })),
  });
  const { code, out, err } = await runFile(FILE, ['--url', short.url.href], env);
  await short.stop(true);
  expect([code, linesOf(out).length]).toEqual([1, 500]);
  expect(err).toContain(`Go on with --after ${BEGIN_MS + 499_000}-0.`);
});

test.each([
  [['--since', 'yesterday'], '--since must be a time'],
  [['--after', 'x'], '--after must be the id'],
  [['--after', '1-0', '--since', '2026-11-01'], 'not both'],
  [['everything'], '--help'],
])('wrong usage: %j', async (args, words) => {
  const { code, out, err } = await runFile(FILE, args, env);
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(err).toContain(words);
});
