/**
 * Every interleaving within small bounds, on the real scripts and a real Redis; a broken promise is printed with the
 * shortest way there. Wider bounds: `bun test/property/exhaustive/index.ts` (see there).
 */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { CALM, DEFAULT } from './bounds';
import { explore } from './explore';
import { wordsOf } from './index';
import { openRedis } from './redis';

const WITHIN_MS = 10 * 60_000;

let redis: Awaited<ReturnType<typeof openRedis>>;
beforeAll(async () => {
  redis = await openRedis();
});
afterAll(() => redis.stop());

test.each(Object.entries(DEFAULT))(
  '[F09 F14 F15 F26 F27 F28 F39 F40 F41 F48 F49 F50] no promise is broken in any order of steps: %s',
  async (name, bounds) => {
    const begunMs = performance.now();
    const found = await explore(redis.client, bounds);
    console.log(`${name}: ${wordsOf(found, (performance.now() - begunMs) / 1000)}`);
    expect(found.violation).toBeNull();
    expect(found.complete).toBe(true);
    expect(found.quiet).toBeGreaterThan(0);
  },
  WITHIN_MS,
);

test('[F51 F52] without the comparison with Qiscus a lost webhook loses its room: the model sees it', async () => {
  const found = await explore(redis.client, { ...CALM, rooms: 1, lost: 1 });
  expect(found.violation?.broken.join()).toStartWith('1 lost: room 1');
  expect(found.violation?.path).toHaveLength(2);
});
