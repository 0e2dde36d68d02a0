/**
 * Runs every suite, one after another, and ends with one line that sums them up.
 *
 * 1. `bun test/run.ts unit contract` runs only those.
 * 2. Unit, contract and integration run with coverage.
 * 3. What was skipped, and why, is said before the last line. Stops on SIGINT and SIGTERM by stopping the running suite.
 */
import { count, endedBySignal, runSuite } from './support/suite';

const SUITES = ['unit', 'contract', 'integration', 'security', 'property', 'chaos', 'browser'];
const WITH_COVERAGE = new Set(['unit', 'contract', 'integration']);
const BROWSERS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

const wanted = process.argv.slice(2);
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
  const here = { passed: count(report, 'passed'), failed: count(report, 'failed'), skipped: count(report, 'skipped') };
  const sum = `${suite}: ${here.passed} passed, ${here.failed} failed, ${here.skipped} skipped`;
  console.log(`${sum} in ${report.seconds.toFixed(1)} s`);
  passed += here.passed;
  failed += here.failed;
  skipped += here.skipped;
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

function whySkipped(suite: string): string {
  if (suite !== 'browser' || BROWSERS.some((name) => Bun.which(name) !== null)) return '';
  return ', because there is no Chromium on this machine (Debian: apt-get install chromium)';
}
