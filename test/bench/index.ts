/**
 * `bun run bench [--quick] [--long] [suite …]`: measures, prints a table, and keeps what a full run found.
 *
 * 1. Every figure is a ratio to something measured in the same run: ratios last, absolute figures do not.
 * 2. A suite that fails is tried once more, and then left out; the others still run.
 * 3. A full run writes results/latest.{json,svg,png} and the tables of both READMEs. `--long` measures the suite that takes
 *    half an hour, and writes results/long.json. A part of the suites, or short rounds, are for looking at.
 * Uses this machine only. Exits with 1 when a target is missed or a suite failed.
 */
import { existsSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import bullmq from 'bullmq/package.json';
import elysia from 'elysia/package.json';
import ioredis from 'ioredis/package.json';
import { provideRedis } from '../../src/redis/provision';
import { temporaryFolder } from '../support/service';
import { measureCalls } from './calls';
import { type Figure, figureOf, isMet, shortNumber, targetText } from './figures';
import { measureLatency } from './latency';
import { measureLedger } from './ledger';
import type { Reading } from './measure';
import { measureMemory } from './memory';
import { measurePath } from './path';
import { measurePeers } from './peers';
import { draw } from './plot';
import { RESULTS, type Results } from './results';
import { measureRss } from './rss';
import { measureStart } from './start';
import { writeTables } from './table';
import { measureWebhook } from './webhook';

type Suite = (quick: boolean) => Promise<Reading[]>;

const SUITES: Record<string, Suite> = {
  webhook: measureWebhook,
  path: measurePath,
  latency: measureLatency,
  calls: measureCalls,
  peers: measurePeers,
  ledger: measureLedger,
  memory: measureMemory,
  rss: (quick) => measureRss('rss.short', quick ? 60_000 : 300_000, console.log),
  start: measureStart,
};
const LONG: Record<string, Suite> = { rss: () => measureRss('rss.long', 10_000_000, console.log) };

async function describeMachine(): Promise<Results['machine']> {
  const redis = await provideRedis({ dataDir: temporaryFolder(), log: console.error });
  return {
    cores: cpus().length,
    cpu: cpus()[0]?.model ?? 'unknown',
    bun: Bun.version,
    redis: redis.version,
    elysia: elysia.version,
    ioredis: ioredis.version,
    bullmq: bullmq.version,
  };
}

function row(figure: Figure): string[] {
  const { id, measured, baseline, unit, ratio, note } = figure;
  const short = (value: number) => shortNumber(value, 'en');
  const verdict = { true: 'met', false: 'MISSED', null: '' }[`${isMet(figure)}`];
  return [id, `${short(measured)} ${unit}`, short(baseline), ratio.toFixed(3), targetText(figure, 'en'), verdict, note];
}

function print(rows: string[][]): void {
  const lines = [['figure', 'measured', 'baseline', 'ratio', 'target', '', 'how'], ...rows];
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? [];
  const padded = lines.map((line) => line.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  '));
  console.log(`\n${padded.map((line) => line.trimEnd()).join('\n')}\n`);
}

const seconds = (sinceMs: number) => `${((performance.now() - sinceMs) / 1_000).toFixed(0)} s`;

/** null: it failed twice. */
async function measure(name: string, suite: Suite, quick: boolean): Promise<Figure[] | null> {
  for (let attempt = 1; attempt <= 2; attempt++) {
    const beganMs = performance.now();
    try {
      const figures = (await suite(quick)).map(figureOf);
      console.log(`${name}: ${seconds(beganMs)}`);
      return figures;
    } catch (error) {
      console.error(`${name}: failed${attempt === 1 ? ', once more' : ''}:`, error);
    }
  }
  return null;
}

const { values, positionals } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, long: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const suites = values.long ? LONG : SUITES;
const wanted = positionals.length > 0 ? positionals : Object.keys(suites);
const unknown = wanted.filter((name) => !(name in suites));
if (unknown.length > 0) {
  console.error(`No such suite: ${unknown.join(', ')}. There are: ${Object.keys(suites).join(', ')}.`);
  process.exit(2);
}
const machine = await describeMachine();
for (const [name, value] of Object.entries(machine)) console.log(`${name}: ${value}`);

const startMs = performance.now();
const figures: Figure[] = [];
const failed: string[] = [];
for (const name of wanted) {
  const found = await measure(name, suites[name] as Suite, values.quick);
  if (found) figures.push(...found);
  else failed.push(name);
}
print(figures.map(row));
console.log(`${seconds(startMs)} in all${failed.length > 0 ? `; failed: ${failed.join(', ')}` : ''}`);

if (failed.length === 0 && positionals.length === 0 && !values.quick) {
  const kept: Results = { at: new Date().toISOString(), machine, figures };
  const file = values.long ? 'long.json' : 'latest.json';
  await Bun.write(join(RESULTS, file), `${JSON.stringify(kept, null, 2)}\n`);
  console.log(`kept in test/bench/results/${file}`);
  // Of a long run alone nothing can be drawn: it stands beside a full one.
  if (existsSync(join(RESULTS, 'latest.json'))) {
    await draw(RESULTS);
    await writeTables();
    console.log('plot and READMEs follow it');
  }
}
process.exit(failed.length > 0 || figures.some((figure) => isMet(figure) === false) ? 1 : 0);
