/**
 * Clears up behind tests: `bun test` runs no exit handlers, kills the children of a test that timed out, and may be killed.
 *
 * All folders lie in one. A shell process that is nobody's child looks once a second whether this process is still there;
 * when it is gone, however it went, the Redis servers whose `server.pid` lies in there are killed, and all is removed.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const JANITOR = `(
  while kill -0 "$1"; do sleep 1; done
  for file in "$0"/*/server.pid "$0"/*/redis/server.pid; do [ -f "$file" ] && kill -KILL "$(cat "$file")"; done
  rm -rf "$0"
) &`;
let root: string | null = null;

/** A new folder that is gone soon after this process. */
export function temporaryFolder(name = 'folder'): string {
  if (root === null) {
    root = mkdtempSync(join(tmpdir(), 'caa-test-'));
    Bun.spawnSync(['sh', '-c', JANITOR, root, String(process.pid)], { stdio: ['ignore', 'ignore', 'ignore'] });
  }
  return mkdtempSync(join(root, `${name}-`));
}
