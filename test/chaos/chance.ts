/** Seeded chance: the same seed makes the same choices, so that a run that failed can be looked at again. */
import { createRandom } from '../../src/qiscus/sandbox/random';

export interface Chance {
  readonly seed: number;
  /** 0 to 1, without 1. */
  next(): number;
  /** A whole number from `from` to `to`, both included. */
  between(from: number, to: number): number;
  /** @throws Error when there is nothing to pick from */
  pick<T>(from: readonly T[]): T;
}

/** @param seed default: CHAOS_SEED, else one of its own, which the test prints */
export function chance(seed = Number(process.env.CHAOS_SEED ?? Math.floor(Math.random() * 1_000_000))): Chance {
  const next = createRandom(seed);
  const between = (from: number, to: number) => from + Math.floor(next() * (to - from + 1));
  return {
    seed,
    next,
    between,
    pick(from) {
      const found = from[between(0, from.length - 1)];
      if (found === undefined) throw new Error('nothing to pick from');
      return found;
    },
  };
}
