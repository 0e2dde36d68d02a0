/**
 * `bun run soak [--minutes 30] [--rate 50] [--seed 1] [--out folder]`: keeps the service busy, says whether it stayed flat.
 *
 * 1. Prints a line every ten seconds, then the verdicts and what was lost (nothing).
 * 2. Runs of ten minutes and more write results/latest.json and results/latest.svg; shorter ones only where `--out` says.
 * 3. Uses this machine only, and Linux's /proc. Exits with 1 when a verdict does not hold.
 */
import { mkdir } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { plot } from './plot';
import type { Sample } from './sample';
import { runSoak } from './soak';
import { judge, spell } from './verdicts';

const MOST_SAMPLES = 240;
const WORTH_KEEPING_MINUTES = 10;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    rate: { type: 'string', default: '50' },
    seed: { type: 'string', default: '1' },
    out: { type: 'string' },
  },
});
const [minutes, rate, seed] = [Number(values.minutes), Number(values.rate), Number(values.seed)];
if (!(minutes > 0 && rate > 0 && Number.isInteger(seed))) throw new Error('--minutes, --rate and --seed are numbers');

const forMs = minutes * 60_000;
const sampleEveryMs = Math.max(500, forMs / MOST_SAMPLES);
const report = await runSoak({ forMs, rate, sampleEveryMs, seed, tell: console.log });
const verdicts = judge(report);
const { samples, ...rest } = report;
console.log(`\n${JSON.stringify(rest, null, 2)}\n\n${verdicts.map((verdict) => spell(verdict, report)).join('\n')}`);

const folder = values.out ?? (minutes >= WORTH_KEEPING_MINUTES ? join(import.meta.dir, 'results') : null);
if (folder !== null) {
  await mkdir(folder, { recursive: true });
  const machine = { cores: cpus().length, cpu: cpus()[0]?.model ?? 'unknown', bun: Bun.version };
  const kept = { at: new Date().toISOString(), machine, verdicts, ...rest };
  await Bun.write(join(folder, 'latest.json'), json(kept, samples));
  await Bun.write(join(folder, 'latest.svg'), plot(report, verdicts));
}
const ok = report.broken.length === 0 && verdicts.every(({ holds }) => holds);
console.log(ok ? '\nflat, and nothing lost' : '\nNOT as it should be');
process.exit(ok ? 0 : 1);

/** Readable, but for the samples: a line each, with enough digits to plot by. */
function json(kept: object, looks: readonly Sample[]): string {
  const lines = looks.map((look) =>
    JSON.stringify(look, (_, one) => (typeof one === 'number' ? Number(one.toPrecision(4)) : one)),
  );
  const head = JSON.stringify(kept, null, 2).slice(0, -2);
  return `${head},\n  "samples": [\n    ${lines.join(',\n    ')}\n  ]\n}\n`;
}
