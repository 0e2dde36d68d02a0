/** A configuration for tests of HTTP alone, and its tokens. */
import type { Config } from '../../src/config';

export const ADMIN = 'admin-token-admin-token-1';
export const WEBHOOK = 'webhook-token-webhook-token-1';

/** A sandbox configuration without tokens; `change` edits it. */
export function testConfig(change: (config: Config) => void = () => {}): Config {
  const config: Config = {
    role: 'all',
    production: false,
    sandbox: true,
    sandboxAgentIds: 'named',
    dryRun: false,
    http: { host: '127.0.0.1', port: 0, publicBaseUrl: null, webhookWaitMs: 1000 },
    tokens: { webhook: [], admin: [], metrics: [] },
    redis: { url: null, minReplicas: 0, allowWeakDurability: false },
    dataDir: './data',
    qiscus: {
      baseUrl: 'http://127.0.0.1:1',
      appId: 'kovof-123',
      checkAppId: false,
      secret: null,
      email: null,
      password: null,
      timeoutMs: 10_000,
      concurrency: 16,
      ratePerSecond: 20,
    },
    webhooksPerSecond: null,
    allocation: {
      maxCustomers: 2,
      fallbackAgentId: null,
      fallbackAfterSeconds: null,
      waitMaxHours: 72,
      sweepMaxAgeHours: 24,
    },
    rosterSyncSeconds: 10,
    reconcileSeconds: 60,
    countLagSeconds: 10,
    outboxClaimMs: 45_000,
    journal: { days: 7, maxEntries: 1_000_000 },
    alerts: { waitMinutes: 15, drift: 20, silenceMinutes: null, repeatMinutes: 60 },
    log: { level: 'info', stack: ['stdout'], slackWebhookUrl: null },
    shutdownSeconds: 20,
    apps: null,
  };
  change(config);
  return config;
}

export const closedTokens = (config: Config) => {
  config.tokens = { webhook: [WEBHOOK, 'webhook-token-webhook-token-2'], admin: [ADMIN], metrics: [] };
};
