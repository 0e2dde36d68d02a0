/**
 * Breaks one rule at a time in a copy of the repository, and demands that a suite notices.
 *
 *   bun test/mutants/index.ts [--check] [words of mutants' names …]
 *
 * 1. Checks the table: each text to replace stands exactly once in its file. `--check` ends here.
 * 2. Copies the tracked files to temporary folders with node_modules linked; the working tree is never touched.
 * 3. Runs each suite once unbroken: it must pass there, or its failing would prove nothing.
 * 4. Runs it once per mutant. A failure counts when the suite ran whole and an assertion or a promise was broken; a file that
 *    does not load, or a script that raises, does not count.
 * 5. Ends with 0 when every mutant was caught. Ends its children on SIGINT and SIGTERM, and removes the folders.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Edit, Killer, Mutant } from './mutant';
import { MUTANTS } from './table';

const ROOT = join(import.meta.dir, '../..');
/** Copies, so suites under way at once. */
const LANES = 2;
const LONGEST_MS = 120_000;

interface Run {
  /** Tests that ran; explorations count as one. */
  ran: number;
  verdict: 'passed' | 'failed' | 'unclear';
  /** What failed, in the suite's words. */
  words: string;
  seconds: number;
}

const children = new Set<ReturnType<typeof Bun.spawn>>();
const folders: string[] = [];
process.on('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    for (const child of children) child.kill();
    process.exit(130);
  });
}

function mutated(text: string, { file, find, replace }: Edit): string {
  const times = text.split(find).length - 1;
  if (times !== 1) throw new Error(`${file}: the text to replace stands there ${times} times, not once:\n${find}`);
  return text.replace(find, () => replace);
}

function copyRepository(): string {
  const folder = mkdtempSync(join(tmpdir(), 'agent-allocation-mutant-'));
  folders.push(folder);
  const { stdout } = Bun.spawnSync(['git', 'ls-files', '-z'], { cwd: ROOT });
  for (const file of stdout.toString().split('\0').filter(Boolean)) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    cpSync(join(ROOT, file), join(folder, file));
  }
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

function commandOf(killer: Killer): string[] {
  if ('explore' in killer) return ['test/property/exhaustive/index.ts', ...killer.explore.split(' ')];
  return ['test', '--timeout=60000', `./${killer.test}`, '--test-name-pattern', killer.only];
}

async function run(killer: Killer, cwd: string): Promise<Run> {
  const begunMs = performance.now();
  const env = { ...process.env, NODE_ENV: 'test', FORCE_COLOR: '0' };
  const child = Bun.spawn([process.execPath, ...commandOf(killer)], { cwd, stdout: 'pipe', stderr: 'pipe', env });
  children.add(child);
  const tooLong = setTimeout(() => child.kill(), LONGEST_MS);
  const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  const code = await child.exited;
  clearTimeout(tooLong);
  children.delete(child);
  const seconds = (performance.now() - begunMs) / 1000;
  if ('explore' in killer) {
    const broken = /^BROKEN: (.*)$/m.exec(out)?.[1] ?? '';
    const isReal = code === 1 && broken !== '' && !broken.startsWith('the script raised');
    const verdict = code === 0 ? 'passed' : isReal ? 'failed' : 'unclear';
    const steps = out.match(/^ {2}\d+\. /gm)?.length ?? 0;
    return { ran: 1, verdict, words: broken ? `${broken} (${steps} steps)` : (out + err).slice(-600), seconds };
  }
  const ran = Number(/^Ran (\d+) tests?/m.exec(err)?.[1] ?? 0);
  const failed = /^\(fail\) (.*?)(?: \[.*)?$/m.exec(err)?.[1] ?? '';
  const verdict =
    code === 0 && ran > 0 ? 'passed' : failed !== '' && /^\s*[1-9]\d* fail$/m.test(err) ? 'failed' : 'unclear';
  return { ran, verdict, words: failed || err.slice(-600), seconds };
}

/** Runs the mutant in a copy, and puts the copy right again. */
async function attack(mutant: Mutant, folder: string): Promise<Run> {
  const files = [...new Set(mutant.edits.map(({ file }) => file))];
  const whole = new Map(files.map((file) => [file, readFileSync(join(folder, file), 'utf8')]));
  for (const edit of mutant.edits) {
    const path = join(folder, edit.file);
    writeFileSync(path, mutated(readFileSync(path, 'utf8'), edit));
  }
  try {
    return await run(mutant.killer, folder);
  } finally {
    for (const [file, text] of whole) writeFileSync(join(folder, file), text);
  }
}

/** Works the jobs off, one at a time in each copy. */
async function inLanes<T>(lanes: string[], jobs: T[], work: (job: T, folder: string) => Promise<void>): Promise<void> {
  const left = [...jobs];
  await Promise.all(
    lanes.map(async (folder) => {
      for (let job = left.shift(); job !== undefined; job = left.shift()) await work(job, folder);
    }),
  );
}

const words = process.argv.slice(2).filter((word) => word !== '--check');
const unknown = words.filter((word) => !MUTANTS.some(({ name }) => name.includes(word)));
if (unknown.length > 0) {
  console.error(`No such mutant: ${unknown.join(', ')}. There are: ${MUTANTS.map(({ name }) => name).join('; ')}.`);
  process.exit(2);
}
const wanted = MUTANTS.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));
for (const { edits } of MUTANTS) for (const edit of edits) mutated(readFileSync(join(ROOT, edit.file), 'utf8'), edit);
console.log(`${MUTANTS.length} mutants; every text to replace stands once in its file`);
if (process.argv.includes('--check')) process.exit(0);

const begunMs = performance.now();
const lanes = Array.from({ length: LANES }, copyRepository);
const suites = new Map(wanted.map(({ killer }) => [commandOf(killer).join(' '), killer]));
const controls = new Map<string, Run>();
let wrong = 0;
await inLanes(lanes, [...suites], async ([command, killer], folder) => {
  const control = await run(killer, folder);
  controls.set(command, control);
  if (control.verdict === 'passed') return;
  wrong += 1;
  console.log(`NOT SOUND  unbroken, this suite must pass: ${command}\n${control.words}`);
});
console.log(`${suites.size} suites pass unbroken, ${((performance.now() - begunMs) / 1000).toFixed(0)} s\n`);
if (wrong > 0) process.exit(1);

await inLanes(lanes, wanted, async (mutant, folder) => {
  const command = commandOf(mutant.killer).join(' ');
  const found = await attack(mutant, folder);
  const isWhole = found.ran === controls.get(command)?.ran;
  const isCaught = found.verdict === 'failed' && isWhole;
  if (!isCaught) wrong += 1;
  const by = 'explore' in mutant.killer ? `exhaustive ${mutant.killer.explore}` : mutant.killer.test;
  console.log(`${isCaught ? 'caught  ' : 'SURVIVED'}  ${mutant.name} — ${mutant.rule}`);
  console.log(`          ${found.seconds.toFixed(1)} s, ${by}\n          ${found.words.trim()}`);
});
const seconds = ((performance.now() - begunMs) / 1000).toFixed(0);
console.log(`\n${wanted.length - wrong} of ${wanted.length} mutants caught in ${seconds} s`);
process.exit(wrong > 0 ? 1 : 0);
