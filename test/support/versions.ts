/**
 * Other versions of the service, each in a folder of its own: `launchService(…, folder)` runs one beside this version.
 *
 * 1. The one before: src and lua as they were, in test/fixtures/previous.tar.gz. A copy, and no look into the history, since
 *    a clone may have none; it names its commit, and a contract test compares both where the history is there. After a
 *    release: `git archive --format=tar.gz -9 -o test/fixtures/previous.tar.gz <commit> src lua package.json`.
 * 2. A made-up next one: this version's code, with a format one higher.
 */
import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FORMAT } from '../../src/redis/format';
import { temporaryFolder } from './janitor';

export const ROOT = join(import.meta.dir, '../..');
export const PREVIOUS = join(ROOT, 'test/fixtures/previous.tar.gz');

function newFolder(name: string): string {
  const folder = temporaryFolder(name);
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

/** The version before this one. */
export function previousVersion(): string {
  const folder = newFolder('previous');
  const { exitCode, stderr } = Bun.spawnSync(['tar', '-xzf', PREVIOUS, '-C', folder]);
  if (exitCode !== 0) throw new Error(`${PREVIOUS} cannot be unpacked: ${stderr}`);
  return folder;
}

/** This version, but for its format: one higher. */
export function newerVersion(): string {
  const folder = newFolder('newer');
  for (const part of ['src', 'lua', 'package.json']) cpSync(join(ROOT, part), join(folder, part), { recursive: true });
  for (const [file, line] of [
    ['src/redis/format.ts', 'FORMAT: number = '],
    ['lua/prelude/records.lua', 'local FORMAT = '],
  ] as const) {
    const text = readFileSync(join(folder, file), 'utf8');
    const raised = text.replace(`${line}${FORMAT}`, `${line}${FORMAT + 1}`);
    if (raised === text) throw new Error(`${file} says no format`);
    writeFileSync(join(folder, file), raised);
  }
  return folder;
}
