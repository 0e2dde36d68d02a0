/**
 * Runs every suite, one after another, and ends with one line that sums them up.
 *
 * 1. Each suite is a `bun test` of its own: no state leaks from one into the next; integration starts real servers.
 * 2. Unit, contract and integration run with coverage; their tables are kept short: the files that are not covered well.
 * 3. A suite that is there but ran no test is a failure; what was skipped, and why, is said before the last line.
 * 4. `bun test/run.ts unit contract` runs only those. Stops on SIGINT and SIGTERM by stopping the running suite.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const SUITES = ['unit', 'contract', 'integration', 'property', 'browser'];
const WITH_COVERAGE = new Set(['unit', 'contract', 'integration']);
const BROWSERS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
/** Per test, unless the test says otherwise. */
const TIMEOUT_MS = 60_000;

interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

const root = join(import.meta.dir, '..');
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !SUITES.includes(name));
if (unknown.length > 0) {
  console.error(`No such suite: ${unknown.join(', ')}. There are: ${SUITES.join(', ')}.`);
  process.exit(2);
}

let running: ReturnType<typeof Bun.spawn> | null = null;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    running?.kill(signal);
    process.exit(130);
  });
}

const total: Tally = { passed: 0, failed: 0, skipped: 0 };
const remarks: string[] = [];
for (const suite of SUITES.filter((name) => wanted.length === 0 || wanted.includes(name))) {
  if (!existsSync(join(root, 'test', suite))) {
    remarks.push(`${suite}: no such folder, nothing to run`);
    continue;
  }
  console.log(`\n== ${suite} ==`);
  const tally = await runSuite(suite);
  total.passed += tally.passed;
  total.failed += tally.failed;
  total.skipped += tally.skipped;
  if (tally.skipped > 0) remarks.push(`${suite}: ${tally.skipped} skipped${whySkipped(suite)}`);
}

console.log('');
for (const remark of remarks) console.log(remark);
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
console.log(`${total.passed} passed, ${total.failed} failed${skipped}`);
process.exit(total.failed > 0 || total.passed === 0 ? 1 : 0);

async function runSuite(suite: string): Promise<Tally> {
  const coverage = WITH_COVERAGE.has(suite);
  const startedMs = performance.now();
  const child = Bun.spawn(
    [process.execPath, 'test', `--timeout=${TIMEOUT_MS}`, ...(coverage ? ['--coverage'] : []), `./test/${suite}/`],
    { cwd: root, stdout: 'inherit', stderr: 'pipe', env: { ...process.env, NODE_ENV: 'test', FORCE_COLOR: '0' } },
  );
  running = child;
  const report = await passOn(child.stderr);
  const exitCode = await child.exited;
  running = null;

  const tally = { passed: count(report, 'pass'), failed: count(report, 'fail'), skipped: count(report, 'skip') };
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  console.log(`${suite}: ${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped in ${seconds} s`);
  if (tally.passed + tally.failed + tally.skipped === 0) return failBecause(suite, tally, 'it ran no test');
  // Bun ends with an error for more than failed tests: a file that could not be loaded, a promise nobody awaited.
  if (exitCode !== 0 && tally.failed === 0) return failBecause(suite, tally, `it ended with code ${exitCode}`);
  return tally;
}

function failBecause(suite: string, tally: Tally, reason: string): Tally {
  remarks.push(`${suite}: counted as failed, because ${reason}`);
  return { ...tally, failed: tally.failed + 1 };
}

/** Prints the lines as they come, but of the coverage table only its sum and what is below 80 % of lines. */
async function passOn(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let report = '';
  let pending = '';
  for await (const chunk of stream) {
    pending += decoder.decode(chunk, { stream: true });
    const lines = pending.split('\n');
    pending = lines.pop() ?? '';
    for (const line of lines) {
      report += `${line}\n`;
      if (isWorthPrinting(line)) console.log(line);
    }
  }
  if (pending) console.log(pending);
  return report + pending;
}

function isWorthPrinting(line: string): boolean {
  const cells = line.split('|').map((cell) => cell.trim());
  if (cells.length !== 4) return !/^-+\|/.test(line);
  return cells[0] === 'File' || cells[0] === 'All files' || Number(cells[2]) < 80;
}

/** Bun closes a run with ` 12 pass`, ` 0 fail`, ` 1 skip`, each on a line of its own. */
function count(report: string, word: string): number {
  const matches = [...report.matchAll(new RegExp(`^\\s*(\\d+) ${word}$`, 'gm'))];
  return Number(matches.at(-1)?.[1] ?? 0);
}

function whySkipped(suite: string): string {
  if (suite !== 'browser' || BROWSERS.some((name) => Bun.which(name) !== null)) return '';
  return ', because there is no Chromium on this machine (Debian: apt-get install chromium)';
}
