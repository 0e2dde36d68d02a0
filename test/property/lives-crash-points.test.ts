/**
 * A crash at every Redis call, one at a time: before Redis sees it, after Redis executed it, and executed with the reply
 * lost while the process lives on. Each story must end as well as without it, and keep every promise on the way.
 */
import { describe, expect, test } from 'bun:test';
import { tried } from '../support/evidence';
import { live } from './lives/life';
import { SCENARIOS } from './lives/scenarios';
import { stages } from './lives/stage';
import type { Step } from './lives/steps';
import type { Trouble } from './lives/wire';
import type { World } from './lives/world';

const KINDS: Omit<Trouble, 'skip'>[] = [
  { when: 'before', what: 'dies' },
  { when: 'after', what: 'dies' },
  { when: 'after', what: 'is cut off' },
];

const stage = stages();

/** The process comes back, takes over what it left behind, and does the step again that it died in. */
async function comeBack(world: World, step: Step): Promise<void> {
  if (world.process('p1').wire.alive) return;
  for (const verb of ['start', 'reclaim', 'dispatch'] as const) await world.run({ do: verb, process: 'p1' });
  await world.run(step);
}

describe('[F14 F26 F27 F41 F42] a crash at every Redis call of a room that is', () => {
  test.each(Object.entries(SCENARIOS))(
    '%s',
    async (name, steps) => {
      // Without a crash first: how many calls are there?
      let begun = 0;
      let ended = 0;
      const note = (world: World) => {
        begun = world.process('p1').wire.calls;
      };
      const count = async (world: World) => {
        ended = world.process('p1').wire.calls;
      };
      expect(await live(stage(), { steps, lost: false }, note, count)).toBeNull();
      const calls = ended - begun;
      for (let skip = 0; skip < calls; skip++) {
        for (const kind of KINDS) {
          const set = (world: World) => {
            world.process('p1').wire.trouble = { ...kind, skip };
          };
          const found = await live(stage(), { steps, lost: false }, set, comeBack);
          if (found) throw new Error(`${name}: p1 ${kind.what} ${kind.when} call ${skip + 1} of ${calls}: ${found}`);
        }
      }
      console.log(`${name}: ${calls} calls, ${calls * KINDS.length} crashes`);
      for (const hazard of ['F14', 'F26', 'F27', 'F41', 'F42']) tried(calls * KINDS.length, hazard);
    },
    10 * 60_000,
  );
});
