/** The format is one number, in Lua and in TypeScript; and the packed version before this one is what it says it is. */
import { expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FORMAT } from '../../src/redis/format';
import { LUA_DIR } from '../../src/redis/scripts';
import { temporaryFolder } from '../support/janitor';
import { PREVIOUS, previousVersion, ROOT } from '../support/versions';

test('[F65] Lua and TypeScript know the same format', () => {
  const records = readFileSync(join(LUA_DIR, 'prelude/records.lua'), 'utf8');
  expect([...records.matchAll(/^local FORMAT = (\d+)$/gm)].map(([, number]) => Number(number))).toEqual([FORMAT]);
});

test.each(['room', 'agent'])('each field of a packed %s has one position, the same in both directions', (noun) => {
  const records = readFileSync(join(LUA_DIR, 'prelude/records.lua'), 'utf8');
  const [, reading = ''] = new RegExp(`^local function ${noun}_of\\(packed\\)\\n(.*?)^end`, 'ms').exec(records) ?? [];
  const [, written = ''] =
    new RegExp(`^local function ${noun}_values\\(${noun}\\)\\n  return \\{(.*?)\\}`, 'ms').exec(records) ?? [];
  const read = [...reading.matchAll(/(\w+) = packed\[(\d+)\] or /g)].map(([, field, at]) => `${at} ${noun}.${field}`);
  expect(read.length).toBeGreaterThan(10);
  expect(reading.match(/\bpacked\b/g)).toHaveLength(read.length);
  const fields = written.split(',').map((value) => value.trim());
  expect(read).toEqual(fields.slice(1).map((field, n) => `${n + 2} ${field}`));
  expect([fields[0], new Set(fields).size]).toEqual(['FORMAT', fields.length]);
});

test.each(['README.md', 'README.id.md'])('%s says the format', (name) => {
  const [, said] = /\[\w+ (\d+)\]\(src\/redis\/format\.ts\)/.exec(readFileSync(join(ROOT, name), 'utf8')) ?? [];
  expect(said).toBe(String(FORMAT));
});

const tar = Bun.gunzipSync(readFileSync(PREVIOUS));
const git = (...args: string[]) => Bun.spawnSync(['git', ...args], { cwd: ROOT, stdin: tar });
const commit = git('get-tar-commit-id').stdout.toString().trim();
/** A shallow clone, or none, cannot tell. */
const isKnown = git('cat-file', '-e', `${commit}^{commit}`).exitCode === 0;

test.skipIf(!isKnown)(
  `the packed version is commit ${commit.slice(0, 7)} (skipped where the history is missing)`,
  () => {
    const folder = temporaryFolder('commit');
    const archive = git('archive', commit, 'src', 'lua', 'package.json').stdout;
    Bun.spawnSync(['tar', '-xf', '-', '-C', folder], { stdin: archive });
    const packed = previousVersion();
    const { exitCode, stdout } = Bun.spawnSync(['diff', '-r', '--exclude=node_modules', folder, packed]);
    expect([exitCode, stdout.toString()]).toEqual([0, '']);
  },
);
