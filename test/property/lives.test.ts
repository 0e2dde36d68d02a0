/**
 * Random lives of the whole system: real processes on a real Redis, a Qiscus over real HTTP, and a crash at any call.
 *
 * After every step the invariants hold; when the world has calmed down, books and Qiscus agree and nothing is held.
 * A failure prints the shortest story that shows it, and how to play it again.
 *
 * PROPERTY_RUNS sets how many lives (default 200); PROPERTY_SEED and PROPERTY_PATH replay one: see run.ts.
 */
import { test } from 'bun:test';
import fc from 'fast-check';
import { tried } from '../support/evidence';
import { type Life, live } from './lives/life';
import { shorten } from './lives/shorten';
import { stages } from './lives/stage';
import { anyStep, tell } from './lives/steps';

const RUNS = Number(process.env.PROPERTY_RUNS ?? 200);
const SEED = Number(process.env.PROPERTY_SEED ?? 1);
const PATH = process.env.PROPERTY_PATH;
const MOST_STEPS = 300;
/** How long a failing life may be made shorter. */
const SHORTEN_MS = 120_000;

const HAZARDS = 'F09 F13 F26 F27 F28 F39 F40 F41 F42 F46 F48 F49 F50 F51 F52 F53 F54 F55 F56';

const stage = stages();

test(
  `[${HAZARDS}] any life of the whole system, with crashes at any Redis call, ends well`,
  async () => {
    let steps = 0;
    const life = fc.record({
      steps: fc.array(anyStep, { minLength: 1, maxLength: MOST_STEPS, size: 'max' }),
      lost: fc.boolean(),
    });
    const outcome = await fc.check(
      fc.asyncProperty(life, async (one) => {
        steps += one.steps.length;
        const found = await live(stage(), one);
        if (found) throw new Error(found);
      }),
      {
        numRuns: RUNS,
        endOnFailure: true,
        seed: SEED,
        ...(PATH !== undefined && { path: PATH }),
      },
    );
    console.log(`${outcome.numRuns} lives, ${steps} steps, seed ${outcome.seed}`);
    const [failed] = outcome.counterexample ?? [];
    const again = `--seed ${outcome.seed} --path ${outcome.counterexamplePath}`;
    if (failed) throw new Error(await story(failed, String(outcome.errorInstance), again));
    for (const hazard of HAZARDS.split(' ')) tried(RUNS, hazard);
  },
  60 * 60_000,
);

/** The shortest life that still ends badly, in words. */
async function story({ steps, lost }: Life, first: string, again: string): Promise<string> {
  const untilMs = performance.now() + SHORTEN_MS;
  const shortest = await shorten(steps, async (some) => (await live(stage(), { steps: some, lost })) !== null, untilMs);
  return [
    `A life ended badly. ${first}`,
    `In short: ${await live(stage(), { steps: shortest, lost })}`,
    `Again: bun run test:property lives ${again}`,
    ...shortest.map((step, i) => `  ${i + 1}. ${tell(step)}`),
    `  then the world calms down; webhooks on their way are ${lost ? 'lost' : 'delivered'}`,
  ].join('\n');
}
