/**
 * One life from its first step to its good end.
 */
import { brokenAtRest, brokenAtTheEnd, brokenAtWork, Checker } from './checks';
import { bringEverybody, calmDown, closeAll } from './ending';
import type { Step } from './steps';
import { type Stage, World } from './world';

export interface Life {
  steps: Step[];
  /** Are the webhooks lost that are on their way at the end? */
  lost: boolean;
}

/**
 * Lives it; resolves with what broke, and when; null: nothing.
 * @param prepare before the first step
 * @param after each step
 */
export async function live(
  stage: Stage,
  { steps, lost }: Life,
  prepare: (world: World) => void = () => {},
  after: (world: World, step: Step) => Promise<void> = async () => {},
): Promise<string | null> {
  const world = await World.open(stage);
  const checker = new Checker(world);
  const look = async (when: string, more: string[] | null = null) => {
    const broken = [...(await checker.look(more === null)), ...(more ?? [])];
    return broken.length > 0 ? `${when}: ${broken.join('; ')}` : null;
  };
  try {
    prepare(world);
    for (const [i, step] of steps.entries()) {
      await world.run(step);
      await after(world, step);
      const found = await look(`after step ${i + 1}`);
      if (found) return found;
    }
    await calmDown(world, lost);
    const atRest = await look('at rest', await brokenAtRest(world));
    if (atRest) return atRest;
    await bringEverybody(world);
    const unserved = [...(await brokenAtRest(world)), ...(await brokenAtWork(world))];
    const atWork = await look('with everybody at work', unserved);
    if (atWork) return atWork;
    await closeAll(world);
    return await look('when every chat was over', await brokenAtTheEnd(world));
  } finally {
    await world.close();
  }
}
