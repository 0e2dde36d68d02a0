/**
 * A `redis-cli` in the private Redis's folder that talks to just this Redis: where the service fetched its own, none is on PATH.
 *
 * A shell script of one command, written at every start; an error that Redis answers is an exit code. Holds nothing open.
 */
import { chmod, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { RedisBinary } from './provision';

/** Its name in the folder. */
export const CLI_SCRIPT = 'redis-cli';
const NAMES = ['redis-cli', 'valkey-cli'];

/**
 * @param dir the folder of the private Redis
 * @param socketPath where it listens, absolute
 * @param path PATH, where a client is looked for that does not lie beside the server; with none there is no script
 */
export async function writeCliScript(dir: string, binary: RedisBinary, socketPath: string, path = ''): Promise<void> {
  const client = [dirname(binary.path), path].flatMap((PATH) => NAMES.map((name) => Bun.which(name, { PATH })));
  const program = client.find((found) => found !== null);
  if (program === undefined) return;
  const libraries = binary.libraryPath && `LD_LIBRARY_PATH=${quoted(binary.libraryPath)} `;
  const file = join(dir, CLI_SCRIPT);
  await writeFile(file, `#!/bin/sh\n${libraries}exec ${quoted(program)} -e -s ${quoted(socketPath)} "$@"\n`);
  await chmod(file, 0o700);
}

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
