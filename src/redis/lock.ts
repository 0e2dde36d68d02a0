/**
 * The lock of the data folder: one service per folder.
 *
 * 1. The lock itself is the kernel's, on `service.lock`, held through SQLite. It ends with its process, however that ends, so
 *    a stale lock cannot exist, a reused process id cannot be mistaken for the owner, and two starts cannot both take it.
 *    It also holds between containers that share the folder, where process ids say nothing.
 * 2. `service.owner` tells people who holds it. Nothing is decided by it.
 *
 * Ends by the returned function, or with the process.
 */
import { Database } from 'bun:sqlite';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { ServiceError } from '../errors';

/** Keeps the handles reachable: one that is collected as garbage would give its lock back. */
const held = new Set<Database>();

/**
 * Takes the lock of `dataDir`, which must exist, and returns what gives it back (a second call does nothing).
 * Throws a ServiceError that names the holder when another service has it, at once and without waiting.
 */
export function lockFolder(dataDir: string): () => void {
  const ownerFile = join(dataDir, 'service.owner');
  const lock = openLock(join(dataDir, 'service.lock'), dataDir);
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    lock.close();
    if (!isBusy(cause)) throw new ServiceError('STORE_UNAVAILABLE', `${dataDir} cannot be locked.`, { cause });
    throw new ServiceError(
      'STORE_UNAVAILABLE',
      `Another service (${readOwner(ownerFile)}) uses the data folder ${dataDir}. Stop it, or set another DATA_DIR.`,
    );
  }
  held.add(lock);
  writeFileSync(ownerFile, `pid ${process.pid} on ${hostname()}\n`);
  return () => {
    if (!held.delete(lock)) return;
    rmSync(ownerFile, { force: true });
    lock.close();
  };
}

function openLock(file: string, dataDir: string): Database {
  try {
    return new Database(file);
  } catch (cause) {
    throw new ServiceError('STORE_UNAVAILABLE', `The data folder ${dataDir} cannot be written.`, { cause });
  }
}

const isBusy = (error: unknown) => error instanceof Error && 'code' in error && error.code === 'SQLITE_BUSY';

function readOwner(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim() || 'just starting';
  } catch {
    return 'just starting';
  }
}
