/**
 * What a measurement is, and how measurements are compared: always as a ratio to something measured in the same run.
 */
import type { FigureId } from './figures';

/** What a suite found for one figure of the catalogue (figures.ts). */
export interface Reading {
  id: FigureId;
  measured: number;
  /** What `measured` is held against: another program, another size, a budget. */
  baseline: number;
  /** measured / baseline; of several rounds, the median of the rounds' ratios. */
  ratio: number;
  /** Under what conditions, and what else was seen. */
  note: string;
}

/** The reading of several rounds. */
export function reading(id: FigureId, measured: readonly number[], baseline: readonly number[], note: string): Reading {
  return { id, measured: median(measured), baseline: median(baseline), ratio: ratioOf(measured, baseline), note };
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The value below which the share `q` (0 to 1) of all values lies; between two of them, their mean. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  return ((sorted[Math.floor(at)] ?? Number.NaN) + (sorted[Math.ceil(at)] ?? Number.NaN)) / 2;
}

/** Median of the ratios round by round: what disturbs a round disturbs both sides of it. */
export function ratioOf(measured: readonly number[], baseline: readonly number[]): number {
  return median(measured.map((value, round) => value / (baseline[round] ?? Number.NaN)));
}

/** Runs all sides in turn, `rounds` times over: no side has the quiet minutes for itself. Results by side, by round. */
export async function alternate<Side extends string>(
  rounds: number,
  sides: Record<Side, (round: number) => Promise<number>>,
): Promise<Record<Side, number[]>> {
  const names = Object.keys(sides) as Side[];
  const results = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Side, number[]>;
  for (let round = 0; round < rounds; round++) {
    // Every other round backwards, so that nobody always comes after the same neighbour.
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      results[name].push(await sides[name](round));
    }
  }
  return results;
}
