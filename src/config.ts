/**
 * The configuration: decoded once at start, from the environment and the first argument.
 *
 * 1. The only reader of the environment (Bun puts a `.env` file into it); names, defaults and ranges are in settings.ts.
 * 2. Rules between settings are checked here; all problems end in one ConfigError.
 * 3. Says nothing about a value that was set: it may be a secret.
 * 4. With QISCUS_APPS_FILE there are many Qiscus apps: each is decoded like a whole environment (apps-file.ts).
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { readAppsFile } from './apps-file';
import { readSetting, SETTINGS, type SettingName } from './settings';

/** Where a log line goes; several at once are allowed (`LOG_STACK=stdout,single`). */
export type LogSink = 'stdout' | 'single' | 'slack';

/** What the parts of one Qiscus app are given: the settings of that app, and of the process that serves it. */
export interface AppConfig {
  role: 'all' | 'api' | 'worker';
  production: boolean;
  /** True when no Qiscus credentials were given: the service runs its own Qiscus on loopback. */
  sandbox: boolean;
  sandboxAgentIds: 'named' | 'numeric';
  /** Decides and journals in a ledger of its own, and changes nothing at Qiscus. */
  dryRun: boolean;
  http: { host: string; port: number; publicBaseUrl: string | null; webhookWaitMs: number };
  /** Empty list: that door is open (only in the sandbox on a loopback host). `metrics` falls back to `admin`. */
  tokens: { webhook: string[]; admin: string[]; metrics: string[] };
  /** `url` null: embedded Redis under `dataDir`. */
  redis: { url: string | null; minReplicas: number; allowWeakDurability: boolean };
  dataDir: string;
  qiscus: {
    baseUrl: string;
    /** Our app's code; in the sandbox without QISCUS_APP_ID: 'sandbox'. Part of every Redis key. */
    appId: string;
    /** False only in the sandbox without QISCUS_APP_ID: webhooks of any app are accepted. */
    checkAppId: boolean;
    secret: string | null;
    email: string | null;
    password: string | null;
    timeoutMs: number;
    concurrency: number;
    ratePerSecond: number;
  };
  /** Webhooks that one process takes in a second; null: as many as come. */
  webhooksPerSecond: number | null;
  allocation: {
    maxCustomers: number;
    fallbackAgentId: string | null;
    fallbackAfterSeconds: number | null;
    waitMaxHours: number;
    sweepMaxAgeHours: number;
  };
  rosterSyncSeconds: number;
  reconcileSeconds: number;
  countLagSeconds: number;
  outboxClaimMs: number;
  journal: { days: number; maxEntries: number };
  /** When people are told; `silenceMinutes` null: never of silence. */
  alerts: { waitMinutes: number; drift: number; silenceMinutes: number | null; repeatMinutes: number };
  log: { level: 'trace' | 'debug' | 'info' | 'warn' | 'error'; stack: LogSink[]; slackWebhookUrl: string | null };
  shutdownSeconds: number;
}

/** The whole configuration. Nothing else reads the environment. */
export interface Config extends AppConfig {
  /** The apps of QISCUS_APPS_FILE, one or more; null without that file: then the environment's own is the only one. */
  apps: AppConfig[] | null;
}

/** The apps to serve, one at least. */
export const appsOf = (config: Config): AppConfig[] => config.apps ?? [config];

/** All that is wrong with the configuration, at once; one line each, and never the text that was set. */
export class ConfigError extends Error {
  constructor(readonly problems: string[]) {
    super(
      [
        `The service did not start: ${problems.length} problem${problems.length === 1 ? '' : 's'} in its configuration.`,
        ...problems.map((problem) => `  - ${problem}`),
        'Every name is explained in .env.example.',
      ].join('\n'),
    );
    this.name = 'ConfigError';
  }
}

/** Is the service reachable from this machine only? */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}

/** The address at which this machine itself reaches what listens on `host`. */
export function baseUrlOf(host: string, port: number): string {
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host;
  return `http://${reachable}:${port}`;
}

export type Environment = Record<string, string | undefined>;

/**
 * Decodes environment and command line (`api`, `worker` or `all` as first argument wins over ROLE).
 * @param readText reads the file of QISCUS_APPS_FILE and those that it names
 * @throws ConfigError with every problem.
 */
export function readConfig(
  env: Environment,
  args: string[],
  readText: (path: string) => string = (path) => readFileSync(path, 'utf8'),
): Config {
  const problems: string[] = [];
  const path = textOf(env, 'QISCUS_APPS_FILE');
  const config = decode(env, args, path !== '', (problem) => problems.push(problem));
  if (path === '') {
    if (problems.length > 0) throw new ConfigError(problems);
    return { ...config, apps: null };
  }
  const apps = readAppsFile(path, env, readText, (problem) => problems.push(problem)).map(({ appId, settings }) => {
    // A problem of the environment's own is reported once, not for every app.
    const known = new Set(problems);
    const report = (problem: string) =>
      known.has(problem) || problems.push(`QISCUS_APPS_FILE, app ${appId}: ${problem}`);
    const app = decode({ ...env, QISCUS_APPS_FILE: '', ...settings }, args, false, report);
    return { ...app, webhooksPerSecond: app.webhooksPerSecond ?? WEBHOOKS_PER_SECOND_OF_MANY };
  });
  // Calls that nobody answers would hold up those of all other apps.
  const calls = apps.reduce((sum, app) => sum + app.qiscus.concurrency + CALLS_BESIDE, 0);
  const most = readSetting('BUN_CONFIG_MAX_HTTP_REQUESTS', textOf(env, 'BUN_CONFIG_MAX_HTTP_REQUESTS'), () => {});
  if (apps.length > 1 && calls > most) {
    problems.push(
      `BUN_CONFIG_MAX_HTTP_REQUESTS must be ${calls} or more: QISCUS_CONCURRENCY of all apps, and ${CALLS_BESIDE} for each`,
    );
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return { ...config, apps };
}

/** Calls that an app makes beside its outbox: agents, rooms, the webhook's setting. */
const CALLS_BESIDE = 4;

/** Where many apps share a process, none may fill Redis for the others: the default of WEBHOOKS_PER_SECOND then. */
const WEBHOOKS_PER_SECOND_OF_MANY = 500;

/** @param hasApps the apps stand in a file: then `env` has no credentials of its own, and is no sandbox either */
function decode(env: Environment, args: string[], hasApps: boolean, report: (problem: string) => void): AppConfig {
  const get = <Name extends SettingName>(name: Name) => readSetting(name, textOf(env, name), report);
  // Bun's own; here it is only checked.
  get('BUN_CONFIG_MAX_HTTP_REQUESTS');

  const production = get('NODE_ENV') === 'production';
  const appId = get('QISCUS_APP_ID');
  const secret = get('QISCUS_SECRET');
  const config: AppConfig = {
    role:
      args[0] === undefined
        ? get('ROLE')
        : readSetting('ROLE', args[0], (problem) => report(`The first argument: ${problem}`)),
    production,
    sandbox: secret === null && !hasApps,
    sandboxAgentIds: get('SANDBOX_AGENT_IDS'),
    dryRun: get('DRY_RUN') === 'true',
    http: {
      host: get('HOST'),
      port: get('PORT'),
      publicBaseUrl: get('PUBLIC_BASE_URL'),
      webhookWaitMs: get('WEBHOOK_WAIT_MS'),
    },
    tokens: { webhook: get('WEBHOOK_TOKEN'), admin: get('ADMIN_TOKEN'), metrics: get('METRICS_TOKEN') },
    redis: {
      url: get('REDIS_URL'),
      minReplicas: get('REDIS_MIN_REPLICAS'),
      allowWeakDurability: get('ALLOW_WEAK_DURABILITY') === 'true',
    },
    dataDir: resolve(get('DATA_DIR')),
    qiscus: {
      baseUrl: get('QISCUS_BASE_URL'),
      appId: appId ?? 'sandbox',
      checkAppId: appId !== null,
      secret,
      email: get('QISCUS_EMAIL'),
      password: get('QISCUS_PASSWORD'),
      timeoutMs: get('QISCUS_TIMEOUT_MS'),
      concurrency: get('QISCUS_CONCURRENCY'),
      ratePerSecond: get('QISCUS_RATE_PER_SECOND'),
    },
    webhooksPerSecond: get('WEBHOOKS_PER_SECOND'),
    allocation: {
      maxCustomers: get('QISCUS_MAX_CUSTOMER'),
      fallbackAgentId: get('QISCUS_AGENT_ID'),
      fallbackAfterSeconds: get('FALLBACK_AFTER_SECONDS'),
      waitMaxHours: get('WAIT_MAX_HOURS'),
      sweepMaxAgeHours: get('SWEEP_MAX_AGE_HOURS'),
    },
    rosterSyncSeconds: get('ROSTER_SYNC_SECONDS'),
    reconcileSeconds: get('RECONCILE_SECONDS'),
    countLagSeconds: get('COUNT_LAG_SECONDS'),
    outboxClaimMs: get('OUTBOX_CLAIM_MS'),
    journal: { days: get('JOURNAL_DAYS'), maxEntries: get('JOURNAL_MAX_ENTRIES') },
    alerts: {
      waitMinutes: get('ALERT_WAIT_MINUTES'),
      drift: get('ALERT_DRIFT'),
      silenceMinutes: get('ALERT_SILENCE_MINUTES'),
      repeatMinutes: get('ALERT_REPEAT_MINUTES'),
    },
    log: { level: get('LOG_LEVEL'), stack: get('LOG_STACK'), slackWebhookUrl: get('LOG_SLACK_WEBHOOK_URL') },
    shutdownSeconds: get('SHUTDOWN_SECONDS'),
  };

  // A value that was set but wrong is reported already: these rules ask whether a name is set, not whether it is right.
  const isSet = (name: SettingName) => textOf(env, name) !== '';
  const together = (one: SettingName, other: SettingName) => {
    if (isSet(one) !== isSet(other)) report(`${one} and ${other} go together: set both or none`);
  };
  if (isSet('QISCUS_SECRET') && !isSet('QISCUS_APP_ID')) report('QISCUS_APP_ID is missing: QISCUS_SECRET needs it');
  if (hasApps) {
    for (const name of ['QISCUS_APP_ID', 'QISCUS_SECRET', 'QISCUS_EMAIL', 'QISCUS_PASSWORD'] as const) {
      if (isSet(name)) report(`${name} belongs into the file of QISCUS_APPS_FILE, to its app`);
    }
    if (!isSet('ADMIN_TOKEN')) report('ADMIN_TOKEN is required with QISCUS_APPS_FILE: it opens every app');
  } else if (production && !isSet('QISCUS_SECRET')) {
    report('QISCUS_APP_ID and QISCUS_SECRET are required with NODE_ENV=production (the sandbox is for trying out)');
  }
  if (production && env.NODE_TLS_REJECT_UNAUTHORIZED?.trim() === '0') {
    report('NODE_TLS_REJECT_UNAUTHORIZED=0 switches certificate checks off: not allowed with NODE_ENV=production');
  }
  together('QISCUS_EMAIL', 'QISCUS_PASSWORD');
  if (!hasApps && (production || isSet('QISCUS_SECRET') || !isLoopback(config.http.host))) {
    for (const name of ['WEBHOOK_TOKEN', 'ADMIN_TOKEN'] as const) {
      if (!isSet(name))
        report(`${name} is required, except in the sandbox on a loopback HOST; ${SETTINGS[name].allowed}`);
    }
  }
  if (!config.sandbox && config.http.publicBaseUrl?.startsWith('http:')) {
    report('PUBLIC_BASE_URL must be https: http is for the sandbox only');
  }
  if (config.role !== 'all' && !isSet('REDIS_URL')) {
    report(`REDIS_URL is required with the role ${config.role}: its processes meet in one Redis`);
  }
  if (config.outboxClaimMs <= config.qiscus.timeoutMs) {
    report('OUTBOX_CLAIM_MS must be above QISCUS_TIMEOUT_MS, or calls still in hand are taken over');
  }
  if (config.log.stack.includes('slack') && !isSet('LOG_SLACK_WEBHOOK_URL')) {
    report(
      `LOG_SLACK_WEBHOOK_URL is required with slack in LOG_STACK; allowed: ${SETTINGS.LOG_SLACK_WEBHOOK_URL.allowed}`,
    );
  }
  return config;
}

/** '' for what is not set. */
const textOf = (env: Environment, name: SettingName) => env[name]?.trim() ?? '';

/** Names in the environment that look like ours and are not: a misspelling would otherwise be silent. */
export function findMisspellings(env: Record<string, string | undefined>): string[] {
  const known = Object.keys(SETTINGS);
  const loose = (name: string) => name.toUpperCase().replace(/[^A-Z0-9]|S\b|S(?=_)/g, '');
  return Object.keys(env)
    .filter((name) => !known.includes(name))
    .flatMap((name) => {
      const meant = known.find((candidate) => loose(candidate) === loose(name));
      if (meant) return [`${name} is not a setting; did you mean ${meant}?`];
      return /^(QISCUS|ROSTER|RECONCILE|OUTBOX|JOURNAL|FALLBACK|SANDBOX|ALERT)_/.test(name)
        ? [`${name} is not a setting`]
        : [];
    });
}

/**
 * The addresses to give to Qiscus, or null without PUBLIC_BASE_URL. The token in them is a secret: show `token` as a
 * placeholder wherever the text is kept (a log, a container's output).
 */
export function publicUrls(
  config: AppConfig,
  token: string | null = config.tokens.webhook[0] ?? null,
): { allocation: string; markAsResolved: string } | null {
  if (config.http.publicBaseUrl === null) return null;
  const base = `${config.http.publicBaseUrl}/api/v1/webhook`;
  const end = token === null ? '' : `/${token}`;
  return { allocation: `${base}/agent_allocation${end}`, markAsResolved: `${base}/mark_as_resolved${end}` };
}
