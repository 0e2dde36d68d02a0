import { describe, expect, test } from 'bun:test';
import { resolve } from 'node:path';
import { ConfigError, findMisspellings, isLoopback, publicUrls, readConfig } from '../../src/config';

const TOKEN = 'token-of-the-webhook-0001';
const ADMIN = 'token-of-the-admin-000001';
const LIVE = { QISCUS_APP_ID: 'abcde-1', QISCUS_SECRET: 'very-secret', WEBHOOK_TOKEN: TOKEN, ADMIN_TOKEN: ADMIN };

/** All problems that this environment has; none: an empty list. */
function problemsOf(env: Record<string, string | undefined>, args: string[] = []): string[] {
  try {
    readConfig(env, args);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

describe('defaults', () => {
  test('nothing set: the sandbox on loopback with an embedded Redis and open doors', () => {
    expect(readConfig({}, [])).toEqual({
      role: 'all',
      production: false,
      sandbox: true,
      sandboxAgentIds: 'named',
      dryRun: false,
      http: { host: '127.0.0.1', port: 3000, publicBaseUrl: null, webhookWaitMs: 1000 },
      tokens: { webhook: [], admin: [], metrics: [] },
      redis: { url: null, minReplicas: 0, allowWeakDurability: false },
      dataDir: resolve('data'),
      qiscus: {
        baseUrl: 'https://multichannel.qiscus.com',
        appId: 'sandbox',
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
    });
  });

  test('an empty or blank text counts as unset, and texts are trimmed', () => {
    expect(readConfig({ PORT: '', HOST: '  ', QISCUS_SECRET: '' }, [])).toEqual(readConfig({}, []));
    expect(readConfig({ PORT: ' 8080 ' }, []).http.port).toBe(8080);
  });

  test('credentials leave the sandbox', () => {
    const config = readConfig({ ...LIVE, NODE_ENV: 'production' }, []);
    expect(config.sandbox).toBe(false);
    expect(config.production).toBe(true);
    expect(config.qiscus).toMatchObject({ appId: 'abcde-1', checkAppId: true, secret: 'very-secret' });
  });

  test('an app id without a secret is a sandbox that checks the app id', () => {
    const config = readConfig({ QISCUS_APP_ID: 'abcde-1' }, []);
    expect(config.sandbox).toBe(true);
    expect(config.qiscus).toMatchObject({ appId: 'abcde-1', checkAppId: true });
  });
});

describe('each value', () => {
  const numbers = ['PORT', 'QISCUS_MAX_CUSTOMER', 'QISCUS_TIMEOUT_MS', 'WEBHOOK_WAIT_MS', 'JOURNAL_DAYS'];
  for (const name of numbers) {
    test.each(['abc', '1.5', '1e3', '0x10', '-1', '99999999999999999999', '3 4'])(`${name}=%s is refused`, (text) => {
      const problems = problemsOf({ [name]: text });
      expect(problems).toHaveLength(1);
      expect(problems[0]).toMatch(new RegExp(`^${name} is .*; allowed: a whole number from \\d+ to \\d+$`));
    });
  }

  test.each([
    ['QISCUS_MAX_CUSTOMER', '0'],
    ['QISCUS_MAX_CUSTOMER', '1001'],
    ['PORT', '65536'],
    ['ROLE', 'apiworker'],
    ['NODE_ENV', 'prod'],
    ['LOG_LEVEL', 'loud'],
    ['LOG_STACK', 'stdout,papertrail'],
    ['LOG_STACK', 'stdout,,single'],
    ['ALLOW_WEAK_DURABILITY', 'yes'],
    ['SANDBOX_AGENT_IDS', 'both'],
    ['HOST', 'http://localhost'],
    ['QISCUS_BASE_URL', 'multichannel.qiscus.com'],
    ['QISCUS_BASE_URL', 'ftp://multichannel.qiscus.com'],
    ['QISCUS_APP_ID', 'abc{de}'],
    ['QISCUS_APP_ID', 'abc de'],
    ['QISCUS_APP_ID', 'a'.repeat(65)],
    ['PUBLIC_BASE_URL', 'router.example.com'],
    ['PUBLIC_BASE_URL', 'https://user:pass@router.example.com'],
    ['WEBHOOK_TOKEN', 'short'],
    ['ADMIN_TOKEN', `${ADMIN},short`],
    ['METRICS_TOKEN', 'has a blank and is long enough'],
  ])('%s=%s is refused', (name, text) => {
    const problems = problemsOf({ [name]: text });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toStartWith(`${name} `);
    expect(problems[0]).toContain('allowed: ');
  });

  test('lists keep their order, once each', () => {
    const config = readConfig({ LOG_STACK: 'single, stdout,single', WEBHOOK_TOKEN: `${TOKEN}, ${ADMIN}` }, []);
    expect(config.log.stack).toEqual(['single', 'stdout']);
    expect(config.tokens.webhook).toEqual([TOKEN, ADMIN]);
  });

  test('a token needs 24 characters, whatever they are: whoever chose one that can be guessed is told by the doctor', () => {
    const token = 'x'.repeat(24);
    expect(readConfig({ WEBHOOK_TOKEN: token }, []).tokens.webhook).toEqual([token]);
    expect(problemsOf({ WEBHOOK_TOKEN: token.slice(1) })).toEqual([expect.stringContaining('too short')]);
  });

  test('a slash at the end of a base URL is dropped', () => {
    const config = readConfig({ QISCUS_BASE_URL: 'http://localhost:9/', PUBLIC_BASE_URL: 'http://localhost/x/' }, []);
    expect(config.qiscus.baseUrl).toBe('http://localhost:9');
    expect(config.http.publicBaseUrl).toBe('http://localhost/x');
  });

  test.each([
    'redis://localhost',
    'redis://localhost:6379/0',
    'rediss://user:p%40ss@redis.example.com:6380/1',
    'redis://:secret@[::1]:6379',
    'redis+cluster://10.0.0.1:7000,10.0.0.2:7000',
    'rediss+cluster://user:pass@a:7000,b:7000',
    'redis+sentinel://a:26379,b:26379,c:26379/main',
    'rediss+sentinel://:pass@a:26379/main/2',
  ])('REDIS_URL=%s is taken as it is', (url) => {
    expect(readConfig({ REDIS_URL: url }, []).redis.url).toBe(url);
  });

  test('replicas are waited for on any Redis', () => {
    for (const url of ['redis://localhost', 'redis+sentinel://a:26379/main', 'rediss+cluster://a:7000'])
      expect(problemsOf({ REDIS_URL: url, REDIS_MIN_REPLICAS: '1' })).toEqual([]);
  });

  test.each([
    'localhost:6379',
    'http://localhost:6379',
    'redis://',
    'redis://localhost:6379/main',
    'redis://a:1,b:2',
    'redis+sentinel://a:26379',
    'redis+cluster://a:7000,',
    'redis+cluster://a:7000/0x',
    'valkey://localhost',
  ])('REDIS_URL=%s is refused', (url) => {
    expect(problemsOf({ REDIS_URL: url })).toHaveLength(1);
  });
});

describe('rules between values', () => {
  test('a secret needs an app id', () => {
    expect(problemsOf({ ...LIVE, QISCUS_APP_ID: '' })).toEqual([expect.stringContaining('QISCUS_APP_ID is missing')]);
  });

  test.each([{}, { QISCUS_APP_ID: 'abcde-1' }])('production needs credentials (%p)', (env) => {
    const problems = problemsOf({ ...env, NODE_ENV: 'production', WEBHOOK_TOKEN: TOKEN, ADMIN_TOKEN: ADMIN });
    expect(problems).toEqual([expect.stringContaining('required with NODE_ENV=production')]);
  });

  test('production keeps certificate checks on; elsewhere they are not our business', () => {
    const env = { ...LIVE, NODE_TLS_REJECT_UNAUTHORIZED: '0' };
    expect(problemsOf(env)).toEqual([]);
    expect(problemsOf({ ...env, NODE_ENV: 'production' })).toEqual([expect.stringContaining('NODE_TLS_REJECT')]);
  });

  test('tokens may be missing only in the sandbox on a loopback host', () => {
    for (const HOST of ['127.0.0.1', '127.9.9.9', '::1', 'localhost']) expect(problemsOf({ HOST })).toEqual([]);
    for (const HOST of ['0.0.0.0', '::', '192.168.1.4', 'example.com', '127.0.0.1.example.com']) {
      expect(problemsOf({ HOST })).toEqual([
        expect.stringContaining('WEBHOOK_TOKEN is required'),
        expect.stringContaining('ADMIN_TOKEN is required'),
      ]);
    }
    expect(problemsOf({ ...LIVE, ADMIN_TOKEN: undefined })).toEqual([
      expect.stringContaining('ADMIN_TOKEN is required'),
    ]);
    expect(isLoopback('128.0.0.1')).toBe(false);
  });

  test('the public address is https outside the sandbox', () => {
    expect(problemsOf({ PUBLIC_BASE_URL: 'http://localhost:3000' })).toEqual([]);
    expect(problemsOf({ ...LIVE, PUBLIC_BASE_URL: 'http://localhost:3000' })).toHaveLength(1);
    expect(problemsOf({ ...LIVE, PUBLIC_BASE_URL: 'https://router.example.com' })).toEqual([]);
  });

  test.each(['api', 'worker'])('the role %s needs REDIS_URL', (role) => {
    expect(problemsOf({ ROLE: role })).toEqual([expect.stringContaining('REDIS_URL is required')]);
    expect(problemsOf({}, [role])).toEqual([expect.stringContaining('REDIS_URL is required')]);
    expect(readConfig({ REDIS_URL: 'redis://localhost' }, [role]).role).toBe(role as 'api' | 'worker');
  });

  test('the argument wins over ROLE, and a wrong one is told', () => {
    expect(readConfig({ ROLE: 'api', REDIS_URL: 'redis://localhost' }, ['worker']).role).toBe('worker');
    expect(readConfig({ ROLE: 'api' }, ['all']).role).toBe('all');
    expect(problemsOf({}, ['wrker'])).toEqual([expect.stringContaining('argument')]);
  });

  test('pairs go together', () => {
    expect(problemsOf({ QISCUS_EMAIL: 'a@example.com' })).toEqual([expect.stringContaining('QISCUS_PASSWORD')]);
    const { allocation } = readConfig({ QISCUS_AGENT_ID: '150851', FALLBACK_AFTER_SECONDS: '60' }, []);
    expect(allocation).toMatchObject({ fallbackAgentId: '150851', fallbackAfterSeconds: 60 });
  });

  test('an intent is taken over only after its call has timed out', () => {
    expect(problemsOf({ OUTBOX_CLAIM_MS: '10000' })).toEqual([expect.stringContaining('OUTBOX_CLAIM_MS')]);
    expect(problemsOf({ OUTBOX_CLAIM_MS: '10001' })).toEqual([]);
  });

  test('slack needs its https URL', () => {
    expect(problemsOf({ LOG_STACK: 'slack' })).toEqual([expect.stringContaining('LOG_SLACK_WEBHOOK_URL is required')]);
    expect(problemsOf({ LOG_STACK: 'slack', LOG_SLACK_WEBHOOK_URL: 'http://hooks.example.com/x' })).toHaveLength(1);
    expect(problemsOf({ LOG_STACK: 'slack', LOG_SLACK_WEBHOOK_URL: 'https://hooks.example.com/x' })).toEqual([]);
    // Unencrypted only to the machine itself.
    expect(problemsOf({ LOG_STACK: 'slack', LOG_SLACK_WEBHOOK_URL: 'http://127.0.0.1:4000/x' })).toEqual([]);
    for (const url of ['http://127.0.0.1.example.com/x', 'http://127.example.com/x', 'http://10.0.0.1/x'])
      expect(problemsOf({ LOG_STACK: 'slack', LOG_SLACK_WEBHOOK_URL: url })).toHaveLength(1);
  });
});

describe('the message', () => {
  test('tells every problem at once and repeats nothing that was set', () => {
    const env = {
      NODE_ENV: 'production',
      QISCUS_SECRET: 'hunter2 hunter2',
      QISCUS_PASSWORD: 'correct-horse',
      WEBHOOK_TOKEN: 'tiny-token',
      REDIS_URL: 'http://user:redis-password@host',
      LOG_SLACK_WEBHOOK_URL: 'hooks.example.com/T00/B00/slack-key',
      PORT: 'seventy',
      ROLE: 'boss',
      OUTBOX_CLAIM_MS: '1000',
    };
    const problems = problemsOf(env);
    const { message } = new ConfigError(problems);
    const names = ['QISCUS_SECRET', 'QISCUS_APP_ID', 'WEBHOOK_TOKEN', 'ADMIN_TOKEN', 'REDIS_URL', 'PORT', 'ROLE'];
    const rest = ['LOG_SLACK_WEBHOOK_URL', 'OUTBOX_CLAIM_MS', 'QISCUS_EMAIL'];
    for (const name of [...names, ...rest]) expect(message).toContain(name);
    expect(message).toContain(`${problems.length} problems`);
    expect(message.split('\n')).toHaveLength(problems.length + 2);
    for (const text of ['hunter2', 'correct-horse', 'tiny-token', 'redis-password', 'slack-key', 'seventy', 'boss']) {
      expect(message).not.toContain(text);
    }
  });
});

describe('beside the configuration', () => {
  test('misspelt names are found, other programs are left alone', () => {
    const env = { QISCUS_MAX_CUSTOMERS: '3', ADMIN_TOKENS: 'x', QISCUS_COLOUR: 'red', PATH: '/bin', HOSTNAME: 'h' };
    expect(findMisspellings({ ...env, PORT: '1', QISCUS_SECRET: 's' })).toEqual([
      'QISCUS_MAX_CUSTOMERS is not a setting; did you mean QISCUS_MAX_CUSTOMER?',
      'ADMIN_TOKENS is not a setting; did you mean ADMIN_TOKEN?',
      'QISCUS_COLOUR is not a setting',
    ]);
  });

  test('the addresses for Qiscus carry the first webhook token as last segment', () => {
    const env = { ...LIVE, PUBLIC_BASE_URL: 'https://router.example.com/', WEBHOOK_TOKEN: `${TOKEN},${ADMIN}` };
    const config = readConfig(env, []);
    expect(publicUrls(config)).toEqual({
      allocation: `https://router.example.com/api/v1/webhook/agent_allocation/${TOKEN}`,
      markAsResolved: `https://router.example.com/api/v1/webhook/mark_as_resolved/${TOKEN}`,
    });
    expect(publicUrls(config, '<WEBHOOK_TOKEN>')?.allocation).toEndWith('/<WEBHOOK_TOKEN>');
    expect(publicUrls(readConfig({}, []))).toBeNull();
  });
});
