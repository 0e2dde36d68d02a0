/**
 * Tokens: who may come in.
 *
 * 1. A door compares SHA-256 digests in constant time with every token that is valid now (several, for rotation).
 * 2. An empty list is an open door; config.ts allows that only in the sandbox on loopback.
 * 3. Wrong tokens are counted per address and minute, in bounded memory; a right token is never refused for it.
 */
import { timingSafeEqual } from 'node:crypto';
import { ServiceError } from '../errors';

const WINDOW_MS = 60_000;
const MOST_FAILURES = 100;
const MOST_ADDRESSES = 10_000;

/** One set of valid tokens. */
export class Door {
  readonly open: boolean;
  private readonly digests: Uint8Array[];
  /** Overwritten at every use: webhooks come often enough that a new digest each time is felt. */
  private readonly digest = new Uint8Array(32);

  constructor(tokens: readonly string[]) {
    this.open = tokens.length === 0;
    this.digests = tokens.map((token) => {
      const digest = new Uint8Array(32);
      Bun.SHA256.hash(token, digest);
      return digest;
    });
  }

  /** True when `token` is one of ours; takes the same time for every wrong one, of any length. */
  accepts(token: string): boolean {
    Bun.SHA256.hash(token, this.digest);
    let found = false;
    for (const known of this.digests) found = timingSafeEqual(known, this.digest) || found;
    return found;
  }
}

/** Counts wrong tokens per address in windows of a minute. */
export class FailureCount {
  private readonly counts = new Map<string, number>();
  private windowStartMs = 0;

  constructor(private readonly nowMs: () => number) {}

  /** @throws ServiceError UNAUTHORIZED, or TOO_MANY_FAILURES from the 101st wrong token of a minute on. */
  fail(address: string): never {
    const now = this.nowMs();
    if (now - this.windowStartMs >= WINDOW_MS || now < this.windowStartMs) {
      this.counts.clear();
      this.windowStartMs = now;
    }
    // When the table is full, all further addresses share one count: memory stays bounded, guessing stays limited.
    const key = this.counts.has(address) || this.counts.size < MOST_ADDRESSES ? address : 'others';
    const count = (this.counts.get(key) ?? 0) + 1;
    this.counts.set(key, count);
    if (count > MOST_FAILURES) {
      throw new ServiceError('TOO_MANY_FAILURES', 'Too many wrong tokens from this address. Wait a minute.');
    }
    throw new ServiceError('UNAUTHORIZED', 'The token is wrong.');
  }
}

/** The token of an `Authorization` header: Bearer, or the password of Basic; null when there is none of these. */
export function presentedToken(authorization: string | null): string | null {
  const match = /^(bearer|basic) +(\S+)\s*$/i.exec(authorization ?? '');
  if (match?.[1] === undefined || match[2] === undefined) return null;
  if (match[1].toLowerCase() === 'bearer') return match[2];
  const pair = Buffer.from(match[2], 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  return colon === -1 ? null : pair.slice(colon + 1);
}

/**
 * Looks at every token that a webhook request presents: header, `?token=`, and the path's segment behind `prefix` and
 * the webhook's name. 'none' when there is none, 'wrong' when any one is.
 */
export function judgeWebhook(door: Door, request: Request, path: string, prefix: string): 'right' | 'wrong' | 'none' {
  const header = request.headers.get('x-webhook-token');
  const url = request.url;
  const question = url.indexOf('?');
  const slash = path.indexOf('/', prefix.length);
  const segment = slash === -1 ? '' : path.slice(slash + 1);
  const query = question === -1 ? [] : new URLSearchParams(url.slice(question)).getAll('token');
  if (header === null && segment === '' && query.length === 0) return 'none';
  const right =
    (header === null || door.accepts(header)) &&
    (segment === '' || door.accepts(decoded(segment))) &&
    query.every((token) => door.accepts(token));
  return right ? 'right' : 'wrong';
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
