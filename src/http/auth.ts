/**
 * Tokens: who may come in.
 *
 * 1. A door compares SHA-256 digests in constant time with the tokens that are valid now (several, for rotation), and
 *    tells what a token opens.
 * 2. An empty list is an open door; config.ts allows that only in the sandbox on loopback.
 * 3. Wrong tokens are counted per address and minute, in bounded memory; a right token is never refused for it.
 */
import { timingSafeEqual } from 'node:crypto';
import { ServiceError } from '../errors';

const WINDOW_MS = 60_000;
const MOST_FAILURES = 100;
const MOST_ADDRESSES = 10_000;

interface Known<T> {
  digest: Uint8Array;
  holders: T[];
}

/** A set of valid tokens, each with what it opens. */
export class Door<T> {
  readonly open: boolean;
  /** By the first bytes of their digests, which tell nothing of a token: many apps must not make each webhook slower. */
  readonly #known = new Map<number, Known<T>[]>();
  /** Overwritten at every use: webhooks come often enough that a new digest each time is felt. */
  readonly #digest = new Uint8Array(32);

  constructor(tokens: readonly (readonly [token: string, holder: T])[]) {
    this.open = tokens.length === 0;
    for (const [token, holder] of tokens) {
      const digest = new Uint8Array(32);
      Bun.SHA256.hash(token, digest);
      const alike = this.#known.get(keyOf(digest)) ?? [];
      const same = alike.find((known) => timingSafeEqual(known.digest, digest));
      if (same) same.holders.push(holder);
      else this.#known.set(keyOf(digest), [...alike, { digest, holders: [holder] }]);
    }
  }

  /** What the token opens; nothing when it is wrong. The time that it takes tells nothing of a right token. */
  holders(token: string): readonly T[] {
    Bun.SHA256.hash(token, this.#digest);
    for (const { digest, holders } of this.#known.get(keyOf(this.#digest)) ?? NONE) {
      if (timingSafeEqual(digest, this.#digest)) return holders;
    }
    return NONE;
  }
}

const NONE: readonly never[] = [];

const keyOf = (digest: Uint8Array) =>
  ((digest[0] ?? 0) << 24) | ((digest[1] ?? 0) << 16) | ((digest[2] ?? 0) << 8) | (digest[3] ?? 0);

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
  return readAuthorization(authorization)?.token ?? null;
}

/** The user name of HTTP Basic; null without one. */
export function presentedUser(headers: Headers): string | null {
  return readAuthorization(headers.get('authorization'))?.user || null;
}

function readAuthorization(authorization: string | null): { user: string; token: string } | null {
  const match = /^(bearer|basic) +(\S+)\s*$/i.exec(authorization ?? '');
  if (match?.[1] === undefined || match[2] === undefined) return null;
  if (match[1].toLowerCase() === 'bearer') return { user: '', token: match[2] };
  const pair = Buffer.from(match[2], 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  return colon === -1 ? null : { user: pair.slice(0, colon), token: pair.slice(colon + 1) };
}

/**
 * What every token that a webhook request presents opens: header, `?token=`, and the path's segment behind `prefix` and
 * the webhook's name. Nothing when any one of them is wrong; null when there is none.
 */
export function holdersOf<T>(door: Door<T>, request: Request, path: string, prefix: string): readonly T[] | null {
  const header = request.headers.get('x-webhook-token');
  const url = request.url;
  const question = url.indexOf('?');
  const slash = path.indexOf('/', prefix.length);
  const segment = slash === -1 ? '' : path.slice(slash + 1);
  const query = question === -1 ? [] : new URLSearchParams(url.slice(question)).getAll('token');
  if (header === null && segment === '' && query.length === 0) return null;
  let opened: readonly T[] | null = null;
  const present = (token: string) => {
    const holders = door.holders(token);
    opened = opened === null ? holders : opened.filter((holder) => holders.includes(holder));
  };
  if (header !== null) present(header);
  if (segment !== '') present(decoded(segment));
  query.forEach(present);
  return opened;
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
