/**
 * Every interleaving within small bounds, on the real scripts and a real Redis; a broken promise is printed with the
 * shortest way there. Wider bounds: `bun test/property/exhaustive/index.ts` (see there).
 */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { tried } from '../../support/evidence';
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

/** The hazards that can happen within each of the bounds; none where only the order of steps differs. */
const HAZARDS: Record<string, string> = {
  'three rooms, two agents': 'F09 F48',
  'three rooms, a call goes wrong': 'F28 F42',
  'three rooms, entries lie in the inbox': '',
  'two rooms, a dispatcher dies': 'F26 F27 F28',
  'two sessions': 'F40 F49 F50',
  'one slot, a living dispatcher is given up': 'F39 F41',
  'one slot, the outbox loses its group': 'F18',
  'every kind of fault, twice': 'F28 F29 F31 F32 F41',
  'a repeated assignment is refused': 'F30',
  'people take rooms, agents pause': 'F53 F55',
  'a lost webhook, and the comparison': 'F51 F52 F56',
};

for (const [name, bounds] of Object.entries(DEFAULT)) {
  const hazards = HAZARDS[name];
  if (hazards === undefined) throw new Error(`which hazards can happen within: ${name}?`);
  test(
    `${hazards && `[${hazards}] `}every order of steps: ${name}`,
    async () => {
      const begunMs = performance.now();
      const found = await explore(redis.client, bounds);
      console.log(`${name}: ${wordsOf(found, (performance.now() - begunMs) / 1000)}`);
      expect(found.violation).toBeNull();
      expect(found.complete).toBe(true);
      expect(found.quiet).toBeGreaterThan(0);
      for (const hazard of hazards.split(' ').filter(Boolean)) tried(found.transitions, hazard);
    },
    WITHIN_MS,
  );
}

test('[F51 F52] without the comparison with Qiscus a lost webhook loses its room: the model sees it', async () => {
  const found = await explore(redis.client, { ...CALM, rooms: 1, lost: 1 });
  expect(found.violation?.broken.join()).toStartWith('1 lost: room 1');
  expect(found.violation?.path).toHaveLength(2);
});
