/**
 * The gate: runs before routing, for every request.
 *
 * 1. Gives the request its id (also the webhook's request token in the journal), and its reply the protecting headers;
 *    those of a webhook come with its reply (headers.ts), those of a refusal from errors.ts.
 * 2. Decides by path who may pass: everything that is not listed here needs an admin token, a forgotten route too.
 * 3. A token that is presented must be right, also where none is needed. The directory is told which apps it opens.
 * 4. While the process stops, nobody passes (drain.ts).
 */
import { randomBytes } from 'node:crypto';
import type { Apps } from '../apps/directory';
import type { Config } from '../config';
import { ServiceError } from '../errors';
import { Door, FailureCount, holdersOf, presentedToken } from './auth';
import { Drain } from './drain';
import { PROTECTION } from './headers';

/**
 * The parts of Elysia's request context that the gate needs. `path` is exactly what the router will match: Elysia gives
 * it at run time (its type does not say so), and the gate refuses to guess it.
 */
export interface Arrival {
  request: Request;
  path?: string;
  set: { headers: Record<string, unknown> };
}

export const WEBHOOK_PREFIX = '/api/v1/webhook/';

/** Has a browser ask for user name and password. */
export const CHALLENGE = 'Basic realm="Agent Allocation", charset="UTF-8"';

/** Paths that a browser opens itself, so that it must be asked for the token with HTTP Basic. */
const isPage = (path: string) => path === '/' || path.startsWith('/board/');

const ID_PREFIX = randomBytes(9).toString('base64url');
let issued = 0;

/** Unique over all processes: random once per process, then counted. */
function nextRequestId(): string {
  issued += 1;
  return `${ID_PREFIX}.${issued.toString(36)}`;
}

/** Makes the handler for Elysia's `onRequest`; `peerOf` answers the peer's address. @throws ServiceError UNAUTHORIZED, TOO_MANY_FAILURES, STOPPING */
export function gate(
  tokens: Config['tokens'],
  apps: Apps,
  nowMs: () => number,
  peerOf: (request: Request) => string | undefined,
  drain = new Drain(),
): (arrival: Arrival) => void {
  const scrapers = tokens.metrics.length > 0 ? tokens.metrics : tokens.admin;
  const metrics = new Door(scrapers.map((token) => [token, null]));
  const failures = new FailureCount(nowMs);

  return ({ request, path, set }) => {
    if (path === undefined) throw new ServiceError('INTERNAL', 'The router gave no path.');
    const headers = set.headers;
    headers['x-request-id'] = nextRequestId();
    drain.refuse(path, headers);

    if (path.startsWith(WEBHOOK_PREFIX)) {
      if (apps.webhookDoor.open) return;
      const opened = holdersOf(apps.webhookDoor, request, path, WEBHOOK_PREFIX);
      if (opened === null) throw new ServiceError('UNAUTHORIZED', 'This webhook needs its token.');
      if (opened.length === 0) failures.fail(network(peerOf(request)));
      return apps.admit(request, opened);
    }
    Object.assign(headers, PROTECTION);
    const forMetrics = path === '/metrics';
    if (forMetrics ? metrics.open : apps.adminDoor.open) return;
    const token = presentedToken(request.headers.get('authorization'));
    if (forMetrics && token !== null && metrics.holders(token).length > 0) return;
    if (!forMetrics && token !== null) {
      const opened = apps.adminDoor.holders(token);
      if (opened.length > 0) return apps.admit(request, opened);
    }
    if (token === null && isPublic(path)) return;
    headers['www-authenticate'] = isPage(path) ? CHALLENGE : 'Bearer';
    if (token === null) throw new ServiceError('UNAUTHORIZED', 'This needs a token: Authorization: Bearer <token>.');
    failures.fail(network(peerOf(request)));
  };
}

function isPublic(path: string): boolean {
  return path.startsWith('/health/') || path === '/docs' || path.startsWith('/docs/');
}

/** An IPv6 peer counts as its /64, which one machine can roam freely; any other address as it is. */
function network(address = 'unknown'): string {
  if (!address.includes(':') || address.includes('.')) return address;
  // `::` stands for as many zero groups as are missing; a group may have leading zeros.
  const [before = [], after = []] = address.split('::').map((part) => part.split(':').filter(Boolean));
  const zeros = Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0');
  const groups = address.includes('::') ? [...before, ...zeros, ...after] : before;
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16))
    .join(':');
}
