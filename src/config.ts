/** Where a log line goes; several at once are allowed (`LOG_STACK=stdout,single`). */
export type LogSink = 'stdout' | 'single' | 'slack';

/** The whole configuration, decoded once at start. Nothing else reads the environment. */
export interface Config {
  role: 'all' | 'api' | 'worker';
  production: boolean;
  /** True when no Qiscus credentials were given: the service runs its own Qiscus on loopback. */
  sandbox: boolean;
  sandboxAgentIds: 'named' | 'numeric';
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
  log: { level: 'trace' | 'debug' | 'info' | 'warn' | 'error'; stack: LogSink[]; slackWebhookUrl: string | null };
  shutdownSeconds: number;
}
