/**
 * Tokens: who may come in.
 *
 * 1. A door compares SHA-256 digests in constant time with every token that is valid now (several, for rotation).
 * 2. An empty list is an open door; config.ts allows that only in the sandbox on loopback.
 * 3. Wrong tokens are counted per address and minute, in bounded memory; a right token is never refused for it.
 */
import { hash, timingSafeEqual } from 'node:crypto';
import { ServiceError } from '../errors';

const WINDOW_MS = 60_000;
const MOST_FAILURES = 100;
const MOST_ADDRESSES = 10_000;

/** One set of valid tokens. */
export class Door {
  readonly open: boolean;
  private readonly digests: Buffer[];

  constructor(tokens: readonly string[]) {
    this.open = tokens.length === 0;
    this.digests = tokens.map((token) => hash('sha256', token, 'buffer'));
  }

  /** True when `token` is one of ours; takes the same time for every wrong one, of any length. */
  accepts(token: string): boolean {
    const digest = hash('sha256', token, 'buffer');
    let found = false;
    for (const known of this.digests) found = timingSafeEqual(known, digest) || found;
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

/** Every token that a webhook request presents: header, `?token=`, and the path segment behind the webhook's name. */
export function webhookTokens(request: Request, path: string): string[] {
  const tokens: string[] = [];
  const header = request.headers.get('x-webhook-token');
  if (header !== null) tokens.push(header);
  const question = request.url.indexOf('?');
  if (question !== -1) tokens.push(...new URLSearchParams(request.url.slice(question)).getAll('token'));
  const segment = path.split('/')[5];
  if (segment) tokens.push(decoded(segment));
  return tokens;
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
