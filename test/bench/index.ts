/**
 * `bun run bench [--quick] [suite …]`: measures, prints a table, writes results/latest.json and results/latest.svg.
 *
 * Every figure is a ratio to something measured in the same run: ratios last, absolute figures do not.
 * Uses this machine only. Exits with 1 when a target is missed.
 */
import { mkdir } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import elysia from 'elysia/package.json';
import ioredis from 'ioredis/package.json';
import { provideRedis } from '../../src/redis/provision';
import { temporaryFolder } from '../support/service';
import { measureCalls } from './calls';
import { measureLedger } from './ledger';
import { type Figure, isMet } from './measure';
import { measureMemory } from './memory';
import { plot } from './plot';
import { measureWebhook } from './webhook';

const SUITES: Record<string, (quick: boolean) => Promise<Figure[]>> = {
  webhook: measureWebhook,
  ledger: measureLedger,
  calls: measureCalls,
  memory: measureMemory,
};
const RESULTS = join(import.meta.dir, 'results');

async function describeMachine(): Promise<Record<string, string>> {
  const redis = await provideRedis({ dataDir: temporaryFolder(), log: console.error });
  return {
    cores: `${cpus().length}, shared by load generator, service and Redis`,
    cpu: cpus()[0]?.model ?? 'unknown',
    bun: Bun.version,
    redis: redis.version,
    elysia: elysia.version,
    ioredis: ioredis.version,
  };
}

function row(figure: Figure): string[] {
  const { suite, what, measured, baseline, unit, ratio, target, note } = figure;
  const short = (value: number) => value.toLocaleString('en', { maximumSignificantDigits: 3 });
  const wanted =
    target === null ? '' : 'atLeast' in target ? `≥ ${short(target.atLeast)}` : `≤ ${short(target.atMost)}`;
  const met = isMet(figure);
  const verdict = met === null ? '' : met ? 'met' : 'MISSED';
  return [suite, what, `${short(measured)} ${unit}`, short(baseline), ratio.toFixed(3), wanted, verdict, note];
}

function table(rows: string[][]): string {
  const lines = [['suite', 'what', 'measured', 'baseline', 'ratio', 'target', '', 'how'], ...rows];
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? [];
  return lines
    .map((line) =>
      line
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

const { values, positionals } = parseArgs({
  options: { quick: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const wanted = positionals.length > 0 ? positionals : Object.keys(SUITES);
const machine = await describeMachine();
console.log(
  Object.entries(machine)
    .map(([name, value]) => `${name}: ${value}`)
    .join('\n'),
);

const startMs = performance.now();
const figures: Figure[] = [];
for (const name of wanted) {
  const measure = SUITES[name];
  if (!measure) throw new Error(`no such suite: ${name}; there are ${Object.keys(SUITES).join(', ')}`);
  const beganMs = performance.now();
  figures.push(...(await measure(values.quick)));
  console.log(`${name}: ${((performance.now() - beganMs) / 1_000).toFixed(0)} s`);
}
console.log(`\n${table(figures.map(row))}\n\n${((performance.now() - startMs) / 1_000).toFixed(0)} s in all`);

// A part of the suites, or short rounds, are for looking at; they do not replace the figures that are kept.
if (positionals.length === 0 && !values.quick) {
  await mkdir(RESULTS, { recursive: true });
  const kept = { at: new Date().toISOString(), machine, figures };
  await Bun.write(join(RESULTS, 'latest.json'), `${JSON.stringify(kept, null, 2)}\n`);
  await Bun.write(join(RESULTS, 'latest.svg'), plot(figures));
}
process.exit(figures.some((figure) => isMet(figure) === false) ? 1 : 0);
