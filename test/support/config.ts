/** A configuration for tests of HTTP alone, and its tokens. */
import { type Config, readConfig } from '../../src/config';

export const ADMIN = 'admin-token-admin-token-1';
export const WEBHOOK = 'webhook-token-webhook-token-1';

/** The defaults, which are a sandbox without tokens, with nothing at Qiscus's address; `change` edits them. */
export function testConfig(change: (config: Config) => void = () => {}): Config {
  const config = readConfig({ QISCUS_APP_ID: 'kovof-123' }, []);
  config.http.port = 0;
  config.qiscus.baseUrl = 'http://127.0.0.1:1';
  config.qiscus.checkAppId = false;
  change(config);
  return config;
}

export const closedTokens = (config: Config) => {
  config.tokens = { webhook: [WEBHOOK, 'webhook-token-webhook-token-2'], admin: [ADMIN], metrics: [] };
};
