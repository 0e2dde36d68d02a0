/**
 * Every name that the environment may set: its default, what is allowed, and how its text becomes a value.
 *
 * 1. One table; .env.example and the READMEs are checked against it by tests.
 * 2. Whole numbers only; text is trimmed by the reader (config.ts); an empty text counts as unset.
 * 3. A parser answers with the value or with `Wrong`; it never repeats the text, which may be a secret in the wrong place.
 */
import { isIP } from 'node:net';
import { ID } from './ids';

/** What is wrong with one text, in words that follow the setting's name. */
export class Wrong {
  constructor(readonly what: string) {}
}

/** One setting. `initial` is the default as text; null: unset, and then the value is null. */
export interface Setting<T> {
  readonly initial: string | null;
  /** What may be written, for messages. */
  readonly allowed: string;
  parse(text: string): T | Wrong;
}

type Optional<T> = Setting<T | null> & { readonly initial: null };

const optional = <T>(allowed: string, parse: (text: string) => T | Wrong): Optional<T> => ({
  initial: null,
  allowed,
  parse,
});

function whole(initial: number, min: number, max: number): Setting<number> {
  return { initial: String(initial), ...wholeNumber(min, max) };
}

function wholeNumber(min: number, max: number) {
  return {
    allowed: `a whole number from ${min} to ${max}`,
    parse(text: string): number | Wrong {
      if (!/^-?[0-9]+$/.test(text)) return new Wrong('is not a whole number');
      const value = Number(text);
      return value < min || value > max ? new Wrong('is out of range') : value;
    },
  };
}

function oneOf<const T extends string>(choices: readonly T[]) {
  return {
    allowed: choices.join(', '),
    parse: (text: string): T | Wrong =>
      choices.find((choice) => choice === text) ?? new Wrong('is not one of the choices'),
  };
}

function listOf<T>(allowed: string, parse: (item: string) => T | Wrong) {
  return {
    allowed,
    parse(text: string): T[] | Wrong {
      const values: T[] = [];
      for (const item of text.split(',')) {
        const value = parse(item.trim());
        if (value instanceof Wrong) return value;
        if (!values.includes(value)) values.push(value);
      }
      return values;
    },
  };
}

/** Tokens travel in URLs, headers and a browser's password field: characters that need no escaping in any of them. */
const tokens: Setting<string[]> = {
  initial: '',
  ...listOf(
    'a comma list of tokens, each of 24 to 200 letters, digits and - . _ ~ (`openssl rand -hex 24` makes one)',
    (item) =>
      /^[A-Za-z0-9._~-]{24,200}$/.test(item)
        ? item
        : new Wrong('holds a token that is too short or has other characters'),
  ),
};

const printable = (allowed: string) =>
  optional(allowed, (text) => (/^[\x21-\x7e]+$/.test(text) ? text : new Wrong('has blanks or unusual characters')));

function webUrl(schemes: readonly string[]) {
  return (text: string): string | Wrong => {
    if (!URL.canParse(text)) return new Wrong('is not a URL');
    const url = new URL(text);
    if (!schemes.includes(url.protocol)) return new Wrong(`does not begin with ${schemes.join('// or ')}//`);
    if (url.username || url.password || url.search || url.hash) return new Wrong('has a user, a query or a fragment');
    return url.href.replace(/\/+$/, '');
  };
}

/** The path is the secret of whoever may write into the channel: it does not travel unencrypted. */
function slackUrl(text: string): string | Wrong {
  const found = webUrl(['https:', 'http:'])(text);
  if (found instanceof Wrong || found.startsWith('https:')) return found;
  const isHere = /^http:\/\/(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?(?:\/|$)/.test(found);
  return isHere ? found : new Wrong('is http, and not an address of this machine');
}

const HOST_NAME = /^[0-9A-Za-z]([0-9A-Za-z._-]*[0-9A-Za-z])?$/;
const HOSTS = String.raw`(?:\[[0-9a-fA-F:.]+\]|[0-9A-Za-z._-]+)(?::\d{1,5})?`;
const LOGIN = '(?:[^/@]*@)?';
const REDIS_FORMS = [
  new RegExp(`^rediss?://${LOGIN}${HOSTS}(?:/\\d*)?$`),
  new RegExp(`^rediss?\\+cluster://${LOGIN}${HOSTS}(?:,${HOSTS})*/?$`),
  new RegExp(`^rediss?\\+sentinel://${LOGIN}${HOSTS}(?:,${HOSTS})*/[0-9A-Za-z._-]+(?:/\\d*)?$`),
];
const redisUrl = optional(
  'redis://host:port/db, redis+cluster://host:port,host:port or redis+sentinel://host:port,host:port/name/db, ' +
    'with rediss for TLS and user:password@ before the hosts (percent-encode / and @ in a password)',
  (text) => (REDIS_FORMS.some((form) => form.test(text)) ? text : new Wrong('is not an address of a Redis')),
);

/** The names, in the order of .env.example. */
export const SETTINGS = {
  QISCUS_BASE_URL: {
    initial: 'https://multichannel.qiscus.com',
    allowed: 'an http or https URL',
    parse: webUrl(['https:', 'http:']),
  },
  QISCUS_APP_ID: optional('1 to 64 letters, digits, - and _', (text) =>
    // It becomes part of every Redis key, inside braces.
    ID.test(text) ? text : new Wrong('has other characters or is too long'),
  ),
  QISCUS_SECRET: printable('the secret key of the app, without blanks'),
  QISCUS_EMAIL: optional('an e-mail address', (text) =>
    /^[^\s@]+@[^\s@]+$/.test(text) ? text : new Wrong('is not an e-mail address'),
  ),
  QISCUS_PASSWORD: optional('any text', (text) => text),
  QISCUS_MAX_CUSTOMER: whole(2, 1, 1000),
  QISCUS_AGENT_ID: optional('1 to 64 letters, digits, - and _', (text) =>
    ID.test(text) ? text : new Wrong('is not an agent id'),
  ),
  FALLBACK_AFTER_SECONDS: { initial: null, ...wholeNumber(1, 604_800) } satisfies Optional<number>,
  QISCUS_TIMEOUT_MS: whole(10_000, 100, 120_000),
  QISCUS_CONCURRENCY: whole(16, 1, 1000),
  QISCUS_RATE_PER_SECOND: whole(20, 1, 10_000),
  WEBHOOK_TOKEN: tokens,
  ADMIN_TOKEN: tokens,
  METRICS_TOKEN: tokens,
  QISCUS_APPS_FILE: optional('the path of a JSON file', (text) => text),
  /** Read by Bun itself, too: more calls than this wait inside it, whosever they are (measured on Bun 1.4.5). */
  BUN_CONFIG_MAX_HTTP_REQUESTS: whole(256, 1, 65_336),
  WEBHOOKS_PER_SECOND: { initial: null, ...wholeNumber(1, 1_000_000) } satisfies Optional<number>,
  HOST: {
    initial: '127.0.0.1',
    allowed: 'an IP address or a host name, without scheme and port',
    parse: (text) => (isIP(text) > 0 || HOST_NAME.test(text) ? text : new Wrong('is not an address')),
  },
  PORT: whole(3000, 0, 65_535),
  PUBLIC_BASE_URL: optional('an https URL (http only in the sandbox)', webUrl(['https:', 'http:'])),
  DRY_RUN: { initial: 'false', ...oneOf(['true', 'false']) },
  ROLE: { initial: 'all', ...oneOf(['all', 'api', 'worker']) },
  REDIS_URL: redisUrl,
  DATA_DIR: { initial: './data', allowed: 'a folder', parse: (text) => text },
  REDIS_MIN_REPLICAS: whole(0, 0, 10),
  ALLOW_WEAK_DURABILITY: { initial: 'false', ...oneOf(['true', 'false']) },
  WEBHOOK_WAIT_MS: whole(1000, 0, 30_000),
  ROSTER_SYNC_SECONDS: whole(10, 1, 3600),
  RECONCILE_SECONDS: whole(60, 1, 86_400),
  COUNT_LAG_SECONDS: whole(10, 0, 600),
  SWEEP_MAX_AGE_HOURS: whole(24, 1, 8760),
  WAIT_MAX_HOURS: whole(72, 1, 8760),
  OUTBOX_CLAIM_MS: whole(45_000, 200, 3_600_000),
  JOURNAL_DAYS: whole(7, 1, 3650),
  JOURNAL_MAX_ENTRIES: whole(1_000_000, 1000, 1_000_000_000),
  ALERT_WAIT_MINUTES: whole(15, 1, 10_080),
  ALERT_DRIFT: whole(20, 1, 1_000_000),
  ALERT_SILENCE_MINUTES: { initial: null, ...wholeNumber(1, 10_080) } satisfies Optional<number>,
  ALERT_REPEAT_MINUTES: whole(60, 1, 10_080),
  LOG_LEVEL: { initial: 'info', ...oneOf(['trace', 'debug', 'info', 'warn', 'error']) },
  LOG_STACK: {
    initial: 'stdout',
    ...listOf('a comma list of stdout, single, slack', oneOf(['stdout', 'single', 'slack']).parse),
  },
  LOG_SLACK_WEBHOOK_URL: optional('an https URL (http only for an address of this machine itself)', slackUrl),
  SHUTDOWN_SECONDS: whole(20, 0, 600),
  NODE_ENV: optional('production, development, test', oneOf(['production', 'development', 'test']).parse),
  SANDBOX_AGENT_IDS: { initial: 'named', ...oneOf(['named', 'numeric']) },
} satisfies Record<string, Setting<unknown>>;

export type SettingName = keyof typeof SETTINGS;
type ValueOf<S> = S extends Optional<infer T> ? T | null : S extends Setting<infer T> ? T : never;
export type Settings = { [Name in SettingName]: ValueOf<(typeof SETTINGS)[Name]> };

/** Reads one setting; a wrong text is told to `report` and replaced by the default, so that reading can go on. */
export function readSetting<Name extends SettingName>(
  name: Name,
  text: string,
  report: (problem: string) => void,
): Settings[Name] {
  const setting: Setting<unknown> = SETTINGS[name];
  const fallback = setting.initial ? setting.parse(setting.initial) : setting.initial === '' ? [] : null;
  const value = text === '' ? fallback : setting.parse(text);
  if (!(value instanceof Wrong)) return value as Settings[Name];
  report(`${name} ${value.what}; allowed: ${setting.allowed}`);
  return fallback as Settings[Name];
}
