/**
 * `bun run prove`: shows that every hazard of hazards.ts is handled, in a reduced form, within a quarter of an hour.
 *
 * 1. Runs every test that names a hazard, the random and the exhaustive lives, then the mutants: broken variants that
 *    have to be caught.
 * 2. Prints a table (hazard, tests, runs, result) and writes it to PROOF.md.
 * 3. Exits with 1 when a test failed, a mutant survived, a hazard has no evidence, or a title names an unknown hazard.
 *    SIGINT and SIGTERM end what runs.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { HAZARDS } from './hazards';
import { endedBySignal, runSuite, type SuiteReport, type TestCase } from './support/suite';

/** Ids at the start of a title or of its group: `[F01 F42] …`. */
const TAG = /\[((?:[FS]\d{2}[ ,]*)+)\]/g;
const NAMED = '\\[[FS][0-9]{2}';
/** Together, so that what is shared is started once. */
const STAGES: { folders: string[]; pattern?: string }[] = [
  { folders: ['unit', 'contract', 'security'], pattern: NAMED },
  { folders: ['integration', 'chaos'], pattern: NAMED },
  { folders: ['property'] },
];

interface Row {
  id: string;
  what: string;
  shown: string;
  runs: number;
  result: string;
}

const proofFile = join(tmpdir(), `caa-proof-${process.pid}.jsonl`);
const startedMs = performance.now();
const signal = endedBySignal();
const reports: SuiteReport[] = [];
for (const { folders, pattern } of STAGES) {
  console.log(`\n== ${folders.join(', ')} ==`);
  reports.push(await runSuite(folders, { pattern, env: { PROOF_FILE: proofFile }, signal }));
}
console.log('\n== mutants ==');
const mutants = Bun.spawn([process.execPath, join(import.meta.dir, 'mutants/index.ts')], {
  stdio: ['ignore', 'inherit', 'inherit'],
  signal,
});
const mutantsCaught = (await mutants.exited) === 0;

const cases = reports.flatMap((report) => report.cases).filter(({ result }) => result !== 'skipped');
const evidence = Map.groupBy(
  cases.flatMap((one) => idsOf(one.title).map((id) => ({ id, one }))),
  ({ id }) => id,
);
const tried = readTried();
const rows = Object.entries(HAZARDS).map(([id, hazard]) =>
  rowOf(
    id,
    (evidence.get(id) ?? []).map(({ one }) => one),
    hazard,
  ),
);
const failed = cases.filter(({ result }) => result === 'failed');
const problems = [
  ...reports.flatMap(({ problem }) => (problem ? [`a suite failed: ${problem}`] : [])),
  ...failed.map(({ title, file }) => `failed: ${title} (${file})`),
  ...[...evidence.keys()]
    .filter((id) => !(id in HAZARDS))
    .map((id) => `a title names ${id}, which hazards.ts does not`),
  ...rows.filter(({ result }) => result === 'NO EVIDENCE').map(({ id }) => `${id} has no passing test`),
  ...(mutantsCaught ? [] : ['a mutant was not caught']),
];

const minutes = ((performance.now() - startedMs) / 60_000).toFixed(1);
const summary = `${cases.length - failed.length} tests passed, ${failed.length} failed, ${minutes} minutes`;
const table = markdown(rows);
console.log(`\n${table}\n\n${summary}`);
for (const problem of problems) console.log(problem);
writeFileSync(join(import.meta.dir, 'PROOF.md'), page(table, summary));
process.exit(problems.length > 0 ? 1 : 0);

function idsOf(title: string): string[] {
  return [...new Set([...title.matchAll(TAG)].flatMap(([, ids = '']) => ids.split(/[ ,]+/).filter(Boolean)))];
}

function readTried(): Map<string, number> {
  const sums = new Map<string, number>();
  if (!existsSync(proofFile)) return sums;
  for (const line of readFileSync(proofFile, 'utf8').trim().split('\n')) {
    const { hazard, runs } = JSON.parse(line) as { hazard: string; runs: number };
    sums.set(hazard, (sums.get(hazard) ?? 0) + runs);
  }
  rmSync(proofFile);
  return sums;
}

function rowOf(id: string, tests: TestCase[], { what, instead }: { what: string; instead?: string }): Row {
  const files = [...new Set(tests.map(({ file }) => basename(file, '.test.ts')))];
  const runs = Math.max(tests.length, tried.get(id) ?? 0);
  const shown = tests.length > 0 ? files.join(', ') : (instead ?? '');
  if (tests.some(({ result }) => result === 'failed')) return { id, what, shown, runs, result: 'FAILED' };
  if (tests.length > 0) return { id, what, shown, runs, result: 'passed' };
  return { id, what, shown, runs, result: instead ? 'by decision' : 'NO EVIDENCE' };
}

function markdown(all: Row[]): string {
  const lines = all.map(
    ({ id, what, shown, runs, result }) => `| ${id} | ${what} | ${shown} | ${runs || ''} | ${result} |`,
  );
  return ['| hazard | what goes wrong | shown by | runs | result |', '| --- | --- | --- | ---: | --- |', ...lines].join(
    '\n',
  );
}

function page(rows: string, sum: string): string {
  const words = [
    "Each hazard's tests carry its id in their titles. Runs: how often they say they tried (crashes, payloads, lives, steps",
    'of a search: whatever each repeats), or how many tests there are, where that is more.',
  ];
  return `# Proof\n\nWritten by \`bun run prove\`. ${sum}.\n\n${words.join('\n')}\n\n${rows}\n`;
}
