/** `bun run sandbox:traffic`: a whole service with people, ended and judged, in a few seconds. */
import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { plain } from '../../src/cli/screen';
import { runFile } from '../support/cli';
import { freePort, temporaryFolder } from '../support/service';
import { until } from '../support/wait';
import { play } from '../traffic/play';
import { summary } from '../traffic/summary';

const FILE = 'test/traffic/index.ts';
const WITHIN_MS = 90_000;
const SCREEN = { width: Number.POSITIVE_INFINITY, paint: plain, print: () => {} };

test(
  'people come, are served and go; the checker signs, and nothing of the environment is used',
  async () => {
    // A folder for what it makes, to see that nothing of it stays; settings that would lead it to somebody's Qiscus.
    const TMPDIR = temporaryFolder();
    const live = { TMPDIR, QISCUS_APP_ID: 'live', QISCUS_SECRET: 'live', REDIS_URL: 'redis://127.0.0.1:1', PORT: '1' };
    const { code, out, err } = await runFile(FILE, ['--minutes', '4', '--speed', '60', '--port', '0'], live);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^Watch it: http:\/\/localhost:\d+\//);
    expect(out).toMatch(/\n[1-9]\d* decisions judged, nothing broken\n$/);
    for (const word of ['chats', 'waits', 'p95', 'agent_06', 'webhooks', 'lost', 'faults']) expect(out).toContain(word);
    expect(await Array.fromAsync(new Bun.Glob('*').scan({ cwd: TMPDIR, onlyFiles: false }))).toEqual([]);
  },
  WITHIN_MS,
);

test(
  'Ctrl-C ends it early, also when it comes twice as under npm: the board was there, what was open is ended, and judged',
  async () => {
    const TMPDIR = temporaryFolder();
    const port = await freePort();
    const args = ['--minutes', '600', '--speed', '60', '--port', String(port)];
    const child = Bun.spawn([process.execPath, join(import.meta.dir, '../..', FILE), ...args], {
      env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', TMPDIR },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const api = `http://127.0.0.1:${port}/api/v1`;
    const assigned = async () => {
      const { records } = (await (await fetch(`${api}/journal?limit=500`)).json()) as { records: { event: string }[] };
      return records.some(({ event }) => event === 'room.assigned');
    };
    await until(assigned, { what: 'somebody is served', withinMs: 30_000 });
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(200);
    child.kill('SIGINT');
    await fetch(`${api}/journal?limit=1`).catch(() => undefined);
    child.kill('SIGINT');
    const out = await new Response(child.stdout).text();
    expect(out).toMatch(/\n[\d.]+ of 600 min of people, ended early; speed 60, seed 1\n/);
    expect(out).toMatch(/\n[1-9]\d* decisions judged, nothing broken\n$/);
    expect(await child.exited).toBe(0);
    // Neither its Redis, which has its socket there, nor any other trace is left.
    expect(await Array.fromAsync(new Bun.Glob('*').scan({ cwd: TMPDIR, onlyFiles: false }))).toEqual([]);
  },
  WITHIN_MS,
);

test(
  'lost webhooks: the summary says how each was made good',
  async () => {
    const played = await play({ minutes: 3, speed: 60, seed: 1, port: 0, lost: 0.4 });
    expect(played.broken).toEqual([]);
    const ways = [...played.madeGood.values()];
    expect(ways.reduce((sum, many) => sum + many, 0)).toBe(played.counts.lost);
    // A resolve that is lost, and nobody writes again, is found by asking only.
    expect(played.madeGood.get('asked')).toBeGreaterThan(0);
    expect(played.madeGood.has('silent')).toBe(false);
    const line = summary(played, SCREEN).find((text) => text.includes('lost ones'));
    expect(line).toContain(`${played.counts.lost}: `);
    expect(line).toContain(`${played.madeGood.get('asked')} found by asking Qiscus`);
  },
  WITHIN_MS,
);

test(
  'no webhook names the service that was finished: who comes back is served, and the checker signs',
  async () => {
    const played = await play({ minutes: 3, speed: 60, seed: 1, port: 0, latestService: 'never' });
    expect(played.broken).toEqual([]);
    expect(played.counts.returned).toBeGreaterThan(0);
    expect(played.events['entry.stale']).toBeGreaterThan(0);
    expect(played.events['room.adopted']).toBeGreaterThan(0);
  },
  WITHIN_MS,
);

test(
  'what is broken is told, and not signed: here Qiscus takes one room for too many already',
  async () => {
    const played = await play({ minutes: 2, speed: 60, seed: 1, port: 0, cap: 1 });
    expect(played.broken.length).toBeGreaterThan(0);
    expect(played.broken.every((words) => words.startsWith('Qiscus saw agent_over_cap: room '))).toBe(true);
    expect(summary(played, SCREEN).at(-1)).toMatch(/^\d+ decisions judged, \d+ things broken$/);
  },
  WITHIN_MS,
);

test(
  'a port that is taken, and wrong usage',
  async () => {
    const other = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response() });
    const taken = await runFile(FILE, ['--port', String(other.port)], { TMPDIR: temporaryFolder() });
    await other.stop(true);
    expect([taken.code, taken.err]).toEqual([
      1,
      expect.stringContaining('is taken by another program: end it, or choose another with --port.'),
    ]);
    for (const args of [['--speed', '0'], ['--minutes', 'x'], ['--seed', '1.5'], ['--port', '70000'], ['fast']]) {
      const { code, out, err } = await runFile(FILE, args, {});
      expect([code, out, err.includes('--help')]).toEqual([2, '', true]);
    }
  },
  WITHIN_MS,
);
