/**
 * Clears up behind tests: `bun test` runs no exit handlers, and may itself be killed.
 *
 * A small shell process reads the folders, a line each. When its input ends, this process is gone, however it went: then it
 * kills the Redis server whose `server.pid` lies in such a folder, and removes the folder.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const JANITOR = `while read -r dir; do set -- "$@" "$dir"; done
for dir; do
  for file in "$dir/server.pid" "$dir/redis/server.pid"; do [ -f "$file" ] && kill -KILL "$(cat "$file")"; done
  rm -rf "$dir"
done`;
let janitor: Bun.Subprocess<'pipe', 'ignore', 'ignore'> | null = null;

/** A new folder that is gone when this process is. */
export function temporaryFolder(name = 'folder'): string {
  const dir = mkdtempSync(join(tmpdir(), `caa-test-${name}-`));
  if (!janitor) {
    janitor = Bun.spawn(['sh', '-c', JANITOR], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
    janitor.unref();
  }
  janitor.stdin.write(`${dir}\n`);
  void janitor.stdin.flush();
  return dir;
}
