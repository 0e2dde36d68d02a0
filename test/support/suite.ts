/**
 * Runs one suite: a `bun test` of its own over test/<name>/, so that no state leaks from one suite into the next.
 *
 * 1. Prints what the run prints as it comes; of a coverage table only its sum and the files that are not covered well.
 * 2. Tells what every test came to, from the report that Bun writes.
 * 3. A suite that ran no test, or ended with an error beside its tests, counts as failed. Ends by `signal`.
 */
import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Per test, unless the test says otherwise. */
const TIMEOUT_MS = 60_000;
const ROOT = join(import.meta.dir, '../..');

export interface TestCase {
  /** With the titles of the groups around it. */
  title: string;
  file: string;
  result: 'passed' | 'failed' | 'skipped';
}

export interface SuiteReport {
  cases: TestCase[];
  seconds: number;
  /** Why the run failed though no single test did; null when it did not. */
  problem: string | null;
}

export interface SuiteOptions {
  coverage?: boolean;
  /** Only tests whose title, with its groups, matches. */
  pattern?: string;
  env?: Record<string, string>;
  signal?: AbortSignal;
}

let runs = 0;

/** @param paths folders of test/ by their names, or test files as a report names them */
export async function runSuite(paths: readonly string[], options: SuiteOptions = {}): Promise<SuiteReport> {
  const { coverage = false, pattern, env = {}, signal } = options;
  runs += 1;
  const outfile = join(tmpdir(), `caa-suite-${process.pid}-${runs}.xml`);
  const startedMs = performance.now();
  const child = Bun.spawn(
    [
      process.execPath,
      'test',
      `--timeout=${TIMEOUT_MS}`,
      '--reporter=junit',
      `--reporter-outfile=${outfile}`,
      ...(coverage ? ['--coverage'] : []),
      ...(pattern ? [`--test-name-pattern=${pattern}`] : []),
      ...paths.map((path) => (path.endsWith('.ts') ? `./${path}` : `./test/${path}/`)),
    ],
    {
      cwd: ROOT,
      stdout: 'inherit',
      stderr: 'pipe',
      env: { ...process.env, NODE_ENV: 'test', FORCE_COLOR: '0', ...env },
      signal,
    },
  );
  await passOn(child.stderr);
  const exitCode = await child.exited;
  const cases = readCases(outfile);
  const ran = cases.filter(({ result }) => result !== 'skipped').length;
  const failed = cases.some(({ result }) => result === 'failed');
  let problem: string | null = null;
  if (ran === 0) problem = 'it ran no test';
  // Bun ends with an error for more than failed tests: a file that could not be loaded, a promise nobody awaited.
  else if (exitCode !== 0 && !failed) problem = `it ended with code ${exitCode}`;
  return { cases, seconds: (performance.now() - startedMs) / 1_000, problem };
}

/** Aborts on SIGINT and SIGTERM, so that a running suite ends too, and ends this process. */
export function endedBySignal(): AbortSignal {
  const halt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      halt.abort();
      process.exit(130);
    });
  }
  return halt.signal;
}

/** How many tests came to that result. */
export function count(report: SuiteReport, result: TestCase['result']): number {
  return report.cases.filter((one) => one.result === result).length;
}

function readCases(outfile: string): TestCase[] {
  let xml: string;
  try {
    xml = readFileSync(outfile, 'utf8');
  } catch {
    return [];
  }
  rmSync(outfile);
  return [...xml.matchAll(/<testcase ([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g)].map(
    ([, attributes = '', body = '']) => {
      const read = (name: string) => plain(new RegExp(`(?:^| )${name}="([^"]*)"`).exec(attributes)?.[1] ?? '');
      const group = read('classname');
      return {
        title: group === '' ? read('name') : `${group} > ${read('name')}`,
        file: read('file'),
        result: body.includes('<skipped') ? 'skipped' : /<(failure|error)/.test(body) ? 'failed' : 'passed',
      };
    },
  );
}

const ENTITIES: Record<string, string> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };

function plain(xml: string): string {
  return xml.replace(/&(?:#(\d+)|(\w+));/g, (whole, code?: string, name?: string) =>
    code ? String.fromCodePoint(Number(code)) : (ENTITIES[name ?? ''] ?? whole),
  );
}

async function passOn(stream: ReadableStream<Uint8Array>): Promise<void> {
  const decoder = new TextDecoder();
  let pending = '';
  for await (const chunk of stream) {
    pending += decoder.decode(chunk, { stream: true });
    const lines = pending.split('\n');
    pending = lines.pop() ?? '';
    for (const line of lines) if (isWorthPrinting(line)) console.log(line);
  }
  if (pending) console.log(pending);
}

function isWorthPrinting(line: string): boolean {
  const cells = line.split('|').map((cell) => cell.trim());
  if (cells.length !== 4) return !/^-+\|/.test(line);
  return cells[0] === 'File' || cells[0] === 'All files' || Number(cells[2]) < 80;
}
