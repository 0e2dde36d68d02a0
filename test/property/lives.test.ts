/**
 * Random lives of the whole system: real processes on a real Redis, a Qiscus over real HTTP, and a crash at any call.
 *
 * After every step the invariants hold; when the world has calmed down, books and Qiscus agree and nothing is held.
 * A failure prints the shortest story that shows it, and how to play it again.
 *
 * PROPERTY_RUNS sets how many lives (default 150); PROPERTY_SEED and PROPERTY_PATH replay one: see run.ts.
 */
import { afterAll, beforeAll, test } from 'bun:test';
import fc from 'fast-check';
import { startSandbox } from '../../src/qiscus/sandbox';
import { connect } from '../../src/redis/client';
import { tried } from '../support/evidence';
import { startTestRedis, type TestRedis } from '../support/redis';
import { APP_ID, QISCUS_SECRET } from '../support/service';
import { catchLetters } from './lives/air';
import { brokenAtRest, brokenAtTheEnd, brokenAtWork, Checker } from './lives/checks';
import { bringEverybody, calmDown, closeAll } from './lives/ending';
import { shorten } from './lives/shorten';
import { anyStep, type Step, tell } from './lives/steps';
import { simulateTime } from './lives/time';
import { type Stage, World } from './lives/world';

const RUNS = Number(process.env.PROPERTY_RUNS ?? 150);
const SEED = process.env.PROPERTY_SEED ? Number(process.env.PROPERTY_SEED) : undefined;
const PATH = process.env.PROPERTY_PATH;
const MOST_STEPS = 300;
/** How long a failing life may be made shorter. */
const SHORTEN_MS = 120_000;

let redis: TestRedis;
let stage: Stage;
const undo: (() => unknown)[] = [];
beforeAll(async () => {
  redis = await startTestRedis({ appendfsync: 'no' });
  undo.push(() => redis.stop());
  const client = await connect(redis.url, 'command');
  undo.push(() => client.disconnect());
  const sandbox = await startSandbox({ appId: APP_ID, secret: QISCUS_SECRET, agentIds: 'named' });
  undo.push(() => sandbox.stop());
  stage = { redis: client, sandbox, post: { letters: [] } };
  const post = catchLetters(sandbox, (letter) => stage.post.letters.push(letter));
  undo.push(() => post.stop());
  undo.push(simulateTime());
});
afterAll(async () => {
  for (let step = undo.pop(); step; step = undo.pop()) await step();
});

interface Life {
  steps: Step[];
  /** Are the webhooks lost that are on their way at the end? */
  lost: boolean;
}

/** Lives one life; resolves with what broke, and when; null: nothing. */
async function live({ steps, lost }: Life): Promise<string | null> {
  const world = await World.open(stage);
  const checker = new Checker(world);
  const look = async (when: string, more: string[] | null = null) => {
    const broken = [...(await checker.look(more === null)), ...(more ?? [])];
    return broken.length > 0 ? `${when}: ${broken.join('; ')}` : null;
  };
  try {
    for (const [i, step] of steps.entries()) {
      await world.run(step);
      const found = await look(`after step ${i + 1}`);
      if (found) return found;
    }
    await calmDown(world, lost);
    const atRest = await look('at rest', await brokenAtRest(world));
    if (atRest) return atRest;
    await bringEverybody(world);
    const atWork = await look('with everybody at work', [
      ...(await brokenAtRest(world)),
      ...(await brokenAtWork(world)),
    ]);
    if (atWork) return atWork;
    await closeAll(world);
    return await look('when every chat was over', await brokenAtTheEnd(world));
  } finally {
    await world.close();
  }
}

test(
  '[F09 F13 F15 F26 F27 F28 F39 F40 F41 F42 F46 F48 F49 F50 F51 F52 F53 F54 F55 F56] any life of the whole system, with crashes at any Redis call, ends well',
  async () => {
    let steps = 0;
    const life = fc.record({
      steps: fc.array(anyStep, { minLength: 1, maxLength: MOST_STEPS, size: 'max' }),
      lost: fc.boolean(),
    });
    const outcome = await fc.check(
      fc.asyncProperty(life, async (one) => {
        steps += one.steps.length;
        const found = await live(one);
        if (found) throw new Error(found);
      }),
      {
        numRuns: RUNS,
        endOnFailure: true,
        ...(SEED !== undefined && { seed: SEED }),
        ...(PATH !== undefined && { path: PATH }),
      },
    );
    console.log(`${outcome.numRuns} lives, ${steps} steps, seed ${outcome.seed}`);
    const [failed] = outcome.counterexample ?? [];
    if (failed) throw new Error(await story(failed, `--seed ${outcome.seed} --path ${outcome.counterexamplePath}`));
    for (const hazard of ['F09', 'F13', 'F26', 'F27', 'F28', 'F41', 'F42', 'F51', 'F52']) tried(RUNS, hazard);
  },
  60 * 60_000,
);

/** The shortest life that still ends badly, in words. */
async function story({ steps, lost }: Life, again: string): Promise<string> {
  const untilMs = performance.now() + SHORTEN_MS;
  const shortest = await shorten(steps, async (some) => (await live({ steps: some, lost })) !== null, untilMs);
  return [
    `A life ended badly ${await live({ steps: shortest, lost })}`,
    `Again: bun run test:property lives ${again}`,
    ...shortest.map((step, i) => `  ${i + 1}. ${tell(step)}`),
    `  then the world calms down; webhooks on their way are ${lost ? 'lost' : 'delivered'}`,
  ].join('\n');
}
