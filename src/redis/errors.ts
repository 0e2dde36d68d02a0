/** Tells a Redis that cannot serve now from a fault of ours: the one is tried again, the other must be seen and mended. */
import { ServiceError } from '../errors';

/** What Redis answers while it is full, cannot write, loads, is being replaced, is busy, or does not let us in. */
const UNABLE =
  /^(OOM|MISCONF|READONLY|LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|MOVED|ASK|NOREPLICAS|BUSY|UNBLOCKED|NOAUTH|NOPERM|WRONGPASS)\b/;

/**
 * What to throw for an error of a Redis command: STORE_UNAVAILABLE when Redis is out of reach or unable, else the error
 * itself (a script that raised, a wrong type), which ends as a logged 500.
 */
export function storeError(error: unknown): unknown {
  if (error instanceof ServiceError) return error;
  const answered = error instanceof Error && error.name === 'ReplyError';
  // What ioredis rejects with and Redis did not answer is the connection: closed, silent, or not there yet.
  if (answered && !UNABLE.test(error.message)) return error;
  return new ServiceError('STORE_UNAVAILABLE', 'Redis is not available. Try again in a moment.', { cause: error });
}

/** Did the script itself raise (and not Redis or the connection)? Then a repeat meets the same until somebody mends it. */
export function raisedByScript(error: unknown): boolean {
  if (!(error instanceof Error) || !error.message.includes('user_script')) return false;
  return !UNABLE.test(error.message) && !error.message.includes('NOGROUP');
}
