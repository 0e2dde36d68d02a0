import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FIGURES, figureOf, isMet, LANGUAGES } from '../bench/figures';
import { plot } from '../bench/plot';
import { RESULTS, readResults } from '../bench/results';
import { blockOf, READMES, tableOf } from '../bench/table';

const root = join(import.meta.dir, '..', '..');
const runs = readResults();
/** Until a full run is kept there is nothing to compare but the READMEs' word that there is none. */
const kept = test.skipIf(runs.length === 0);
const figures = runs.flatMap((run) => run.figures);

describe('the kept results of the benchmark', () => {
  test.each(LANGUAGES)('are what the README (%s) shows', (language) => {
    expect(blockOf(readFileSync(join(root, READMES[language]), 'utf8'))).toBe(tableOf(runs, language));
  });

  kept('are of a full run: every figure of the catalogue but the long one', () => {
    const found = runs[0]?.figures.map(({ id }) => id) ?? [];
    const wanted = Object.keys(FIGURES).filter((id) => id !== 'rss.long');
    expect(found.toSorted() as string[]).toEqual(wanted.sort());
  });

  kept('carry words, units and targets of the catalogue', () => {
    expect(figures).toEqual(
      figures.map(({ id, measured, baseline, ratio, note }) => figureOf({ id, measured, baseline, ratio, note })),
    );
  });

  kept('are drawn in latest.svg', () => {
    const [latest] = runs;
    expect(latest && plot(latest)).toBe(readFileSync(join(RESULTS, 'latest.svg'), 'utf8'));
  });
});

test('a target is met on its own side only', () => {
  expect(isMet({ ratio: 0.75, target: { atLeast: 0.75 } })).toBe(true);
  expect(isMet({ ratio: 0.74, target: { atLeast: 0.75 } })).toBe(false);
  expect(isMet({ ratio: 3, target: { atMost: 3 } })).toBe(true);
  expect(isMet({ ratio: 3.01, target: { atMost: 3 } })).toBe(false);
  expect(isMet({ ratio: 9, target: null })).toBe(null);
});

test('a figure that could not be measured meets no target', () => {
  expect(isMet({ ratio: Number.NaN, target: { atLeast: 0 } })).toBe(false);
  expect(isMet({ ratio: Number.NaN, target: { atMost: 1 } })).toBe(false);
});
