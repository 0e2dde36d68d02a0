/**
 * Runs every suite, one after another, and ends with one line that sums them up.
 *
 * 1. `bun test/run.ts unit contract` runs only those.
 * 2. Unit, contract and integration run with coverage.
 * 3. Every failed test is named again before the last line, and what was skipped, and why.
 * 4. `--second-look`, for builds on machines nobody watches: up to three failed tests of a suite get one more run of their
 *    files. What passes then counts as passed, and is named as unsteady: a race of a test, or of the product.
 * Stops on SIGINT and SIGTERM by stopping the running suite.
 */
import { count, endedBySignal, runSuite, type SuiteReport } from './support/suite';

const SUITES = ['unit', 'contract', 'integration', 'security', 'property', 'chaos', 'browser'];
const WITH_COVERAGE = new Set(['unit', 'contract', 'integration']);
const BROWSERS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** More failures than that have one cause, and it is not chance. */
const MAX_UNSTEADY = 3;

const secondLook = process.argv.includes('--second-look');
const wanted = process.argv.slice(2).filter((word) => word !== '--second-look');
const unknown = wanted.filter((name) => !SUITES.includes(name));
if (unknown.length > 0) {
  console.error(`No such suite: ${unknown.join(', ')}. There are: ${SUITES.join(', ')}.`);
  process.exit(2);
}

const signal = endedBySignal();

let [passed, failed, skipped] = [0, 0, 0];
const remarks: string[] = [];
for (const suite of SUITES.filter((name) => wanted.length === 0 || wanted.includes(name))) {
  console.log(`\n== ${suite} ==`);
  const report = await runSuite([suite], { coverage: WITH_COVERAGE.has(suite), signal });
  if (secondLook) await lookAgain(suite, report);
  const here = { passed: count(report, 'passed'), failed: count(report, 'failed'), skipped: count(report, 'skipped') };
  const sum = `${suite}: ${here.passed} passed, ${here.failed} failed, ${here.skipped} skipped`;
  console.log(`${sum} in ${report.seconds.toFixed(1)} s`);
  passed += here.passed;
  failed += here.failed;
  skipped += here.skipped;
  for (const one of report.cases.filter(({ result }) => result === 'failed')) {
    remarks.push(`failed: ${one.title} (${one.file})`);
  }
  if (report.problem) {
    failed += 1;
    remarks.push(`${suite}: counted as failed, because ${report.problem}`);
  }
  if (here.skipped > 0) remarks.push(`${suite}: ${here.skipped} skipped${whySkipped(suite)}`);
}

console.log('');
for (const remark of remarks) console.log(remark);
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exit(failed > 0 || passed === 0 ? 1 : 0);

/** Runs the files of the few tests that failed once more, and corrects the report by what they come to now. */
async function lookAgain(suite: string, report: SuiteReport): Promise<void> {
  const failures = report.cases.filter(({ result }) => result === 'failed');
  if (failures.length === 0 || failures.length > MAX_UNSTEADY) return;
  console.log(`\n== ${suite}, a second look ==`);
  const again = await runSuite([...new Set(failures.map(({ file }) => file))], { signal });
  for (const failure of failures) {
    const now = again.cases.find(({ file, title }) => file === failure.file && title === failure.title);
    if (now?.result !== 'passed') continue;
    failure.result = 'passed';
    remarks.push(`UNSTEADY, failed once and passed once: ${failure.title} (${failure.file})`);
  }
}

function whySkipped(suite: string): string {
  if (suite !== 'browser' || BROWSERS.some((name) => Bun.which(name) !== null)) return '';
  return ', because there is no Chromium on this machine (Debian: apt-get install chromium)';
}
