/**
 * `bun test/matrix.ts [set-up …]`: the whole integration suite on every set-up of Redis that the service claims to run on,
 * and a table of the results. Without names all of them; a name may be a part: `sentinel`, `valkey`.
 *
 * 1. Each set-up is one run of the suite; test/support/redis.ts starts what TEST_REDIS and TEST_REDIS_BINARY ask for.
 * 2. A test that is about one kind of server starts that kind itself, so it runs on every set-up.
 * 3. What cannot be had on this machine is skipped, and said. Ends with 1 when a test failed, and by SIGINT and SIGTERM.
 */
import { provideRedis } from '../src/redis/provision';
import { OTHER_SERVERS, provideOther } from './support/other-redis';
import { REDIS_KINDS, type RedisKind } from './support/redis';
import { count, endedBySignal, runSuite } from './support/suite';

interface SetUp {
  name: string;
  kind: RedisKind;
  binary: () => Promise<string>;
}

const installed = async () => (await provideRedis({ dataDir: './data', log: console.error })).path;
const setUps: SetUp[] = [
  ...REDIS_KINDS.map((kind) => ({ name: `installed ${kind}`, kind, binary: installed })),
  ...Object.entries(OTHER_SERVERS).flatMap(([server, where]) =>
    REDIS_KINDS.map((kind) => ({ name: `${server} ${kind}`, kind, binary: () => provideOther(server, where) })),
  ),
];

const wanted = process.argv.slice(2);
const chosen = setUps.filter(({ name }) => wanted.length === 0 || wanted.some((part) => name.includes(part)));
if (chosen.length === 0) {
  console.error(`No such set-up. There are: ${setUps.map(({ name }) => name).join(', ')}.`);
  process.exit(2);
}

const signal = endedBySignal();
const rows: string[] = [];
let failures = 0;
for (const { name, kind, binary } of chosen) {
  console.log(`\n== ${name} ==`);
  const path = await binary().catch((error: Error) => error);
  if (path instanceof Error) {
    rows.push(`| ${name} | | | | not run: ${path.message} |`);
    continue;
  }
  const env = { TEST_REDIS: kind, TEST_REDIS_BINARY: path };
  const report = await runSuite(['integration'], { env, signal });
  const [passed, failed, skipped] = (['passed', 'failed', 'skipped'] as const).map((result) => count(report, result));
  failures += (failed ?? 0) + (report.problem ? 1 : 0);
  const remark = [
    report.problem,
    ...report.cases.filter(({ result }) => result === 'failed').map(({ title }) => title),
  ];
  rows.push(
    `| ${name} | ${versionOf(path)} | ${passed} | ${failed} | ${skipped} | ${remark.filter(Boolean).join('; ')} |`,
  );
}
console.log('\n| set-up | version | passed | failed | skipped | |\n| --- | --- | ---: | ---: | ---: | --- |');
for (const row of rows) console.log(row);
process.exit(failures > 0 ? 1 : 0);

function versionOf(path: string): string {
  const text = Bun.spawnSync([path, '--version']).stdout.toString();
  return /^(\w+) server v=(\S+)/.exec(text)?.slice(1).join(' ') ?? 'unknown';
}
