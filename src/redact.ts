/**
 * Takes secrets and personal data out of whatever is about to be logged.
 *
 * 1. By key, at any depth: what Qiscus's payloads and our own settings call a secret, a person or a text of a chat.
 * 2. By value, inside any string: the configured secrets, e-mail addresses, tokens in URLs and headers, JSON members.
 * 3. An error becomes type, code, message, stack and cause; the rest of it (options, response, data) is never looked at.
 * 4. Always a copy, bounded in depth, width and length; never throws.
 */
import { type AppConfig, appsOf, type Config } from './config';

const REDACTED = '[redacted]';
const DEPTH = 6;
const WIDTH = 50;
const LENGTH = 4000;

/** Keys in lower case without `_` and `-`; a key that contains one of the first list, or is one of the second. */
const PARTS = 'token|secret|password|passwd|authorization|cookie|credential|key$|email|phone|avatar|commenttext';
const WHOLE =
  'name|.*username|displayname|firstname|lastname|fullname|agentname|customername|customerid|userid|extras|text|message|' +
  'body|payload|notes|options|headers|additionalinfo|userproperties|.*commentsender|address|uniquetempid';
const PRIVATE_KEY = new RegExp(`${PARTS}|^(?:${WHOLE})$`);

/** Our own field names, so that the hot path asks no expression. Others are remembered, within a bound. */
const verdicts = new Map<string, boolean>();

function isPrivate(key: string): boolean {
  const known = verdicts.get(key);
  if (known !== undefined) return known;
  const verdict = PRIVATE_KEY.test(key.toLowerCase().replace(/[-_\s]/g, ''));
  if (verdicts.size < 1000) verdicts.set(key, verdict);
  return verdict;
}

/** What gives a secret away wherever it stands in a text. */
const PATTERNS: [RegExp, string][] = [
  [/\b(bearer|basic)\s+[\w.~+/=-]+/gi, `$1 ${REDACTED}`],
  [/(\/webhook\/(?:agent_allocation|mark_as_resolved)\/)[^\s"'?#/]+/g, `$1${REDACTED}`],
  [/([?&](?:token|secret|password|key)=)[^&\s"'#]+/gi, `$1${REDACTED}`],
  [/(:\/\/)[^\s/@"']+@/g, `$1${REDACTED}@`],
  [/[^\s@"'<>(){}[\],:;=\\]+@[^\s@"'<>(){}[\],:;=\\]+/g, REDACTED],
];
const QUOTE = String.raw`(\\*")`;
// The quote may be escaped any number of times (JSON in JSON); it ends where it stands without a further backslash.
const MEMBER = new RegExp(
  `${QUOTE}([\\w-]+)\\1\\s*:\\s*(?:\\1(?:(?!(?<!\\\\)\\1).)*(?:\\1)?|\\[[^\\]{}[]*\\]?|[^\\s,{}\\[\\]]+)`,
  'gs',
);

/** The configured secrets, of the process and of all its apps, as they may stand in a text. */
export function secretsIn(config: Config): string[] {
  return [config, ...appsOf(config)].flatMap(secretsOf).flatMap((secret) => [secret, encodeURIComponent(secret)]);
}

/** Makes the redactor for these secrets. */
export function createRedactor(secrets: Iterable<string>): (value: unknown) => unknown {
  const longestFirst = [...new Set(secrets)].sort((a, b) => b.length - a.length);
  const configured = longestFirst.length > 0 ? new RegExp(anyOf(longestFirst), 'g') : null;

  function cleanText(text: string, depth: number): string {
    const parsed = parseObject(text);
    if (parsed !== null) return JSON.stringify(clean(parsed, depth + 1));
    // Cut last: a secret that is cut in half would not be found.
    let safe = configured ? text.replace(configured, REDACTED) : text;
    if (/[@/?{]|\b(?:bearer|basic)\b/i.test(safe)) {
      for (const [pattern, replacement] of PATTERNS) safe = safe.replace(pattern, replacement);
    }
    if (/"\s*:/.test(safe)) {
      safe = safe.replace(MEMBER, (member, quote: string, key: string) =>
        isPrivate(key) ? `${quote}${key}${quote}:${quote}${REDACTED}${quote}` : member,
      );
    }
    return safe.length > LENGTH ? `${safe.slice(0, LENGTH)}…` : safe;
  }

  function cleanError(error: Error, depth: number): Record<string, unknown> {
    const { code, status, cause } = error as { code?: unknown; status?: unknown; cause?: unknown };
    return {
      type: cleanText(error.name, depth),
      ...(typeof code === 'string' && { code: cleanText(code, depth) }),
      ...(typeof status === 'number' && { status }),
      message: cleanText(error.message, depth),
      stack: cleanText(error.stack ?? '', depth),
      ...(cause !== undefined && { cause: clean(cause, depth + 1) }),
      ...(error instanceof AggregateError && { errors: clean(error.errors, depth + 1) }),
    };
  }

  function clean(value: unknown, depth: number): unknown {
    if (typeof value === 'string') return cleanText(value, depth);
    if (typeof value === 'bigint') return value.toString();
    if (typeof value === 'function' || typeof value === 'symbol') return undefined;
    if (typeof value !== 'object' || value === null) return value;
    if (depth > DEPTH) return '[deep]';
    if (value instanceof Error) return cleanError(value, depth);
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
    if (value instanceof URL) return cleanText(value.href, depth);
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return '[bytes]';
    if (Array.isArray(value)) return value.slice(0, WIDTH).map((item) => clean(item, depth + 1));
    if (value instanceof Map || value instanceof Set) return `[${value.size} entries]`;
    const copy: Record<string, unknown> = {};
    let width = 0;
    for (const [key, item] of Object.entries(value)) {
      if (++width > WIDTH) break;
      copy[cleanText(key, depth)] = item !== null && isPrivate(key) ? REDACTED : clean(item, depth + 1);
    }
    return copy;
  }

  return (value) => {
    try {
      return clean(value, 0);
    } catch {
      return '[unreadable]';
    }
  };
}

/** A text that is wholly a JSON object or list, such as `extras`; null otherwise. */
function parseObject(text: string): object | null {
  if (!/^\s*[{[]/.test(text)) return null;
  try {
    return Object(JSON.parse(text));
  } catch {
    return null;
  }
}

/** A secret shorter than this would redact ordinary words instead of itself. */
const SHORTEST = 4;

function secretsOf(config: AppConfig): string[] {
  const { tokens, qiscus, redis, log } = config;
  const login = /^[^/]*\/\/([^@/]*)@/.exec(redis.url ?? '')?.[1] ?? '';
  const redisPassword = login.slice(login.indexOf(':') + 1);
  return [
    ...tokens.webhook,
    ...tokens.admin,
    ...tokens.metrics,
    qiscus.secret,
    qiscus.password,
    qiscus.email,
    redisPassword,
    decoded(redisPassword),
    log.slackWebhookUrl,
  ].filter((secret): secret is string => secret !== null && secret.length >= SHORTEST);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const MANY = 8;

/** A pattern for any of these texts, by first letters: thousands in one row took 50 µs a logged text. The longest must come first. */
function anyOf(texts: string[]): string {
  if (texts.length <= MANY) return texts.map(escapeForPattern).join('|');
  const byFirst = Map.groupBy(texts, (text) => text.slice(0, 1));
  return [...byFirst]
    .map(([first, some]) =>
      first === '' ? '' : `${escapeForPattern(first)}(?:${anyOf(some.map((text) => text.slice(1)))})`,
    )
    .join('|');
}

function escapeForPattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
}
