/** The file of many apps: what it may hold, how it lies over the environment, and what each mistake is called. */
import { describe, expect, test } from 'bun:test';
import { type AppConfig, ConfigError, readConfig } from '../../src/config';

const TOKEN = 'token-of-the-first-app-1234';
const ENV = {
  QISCUS_APPS_FILE: 'apps.json',
  ADMIN_TOKEN: 'operator-of-all-the-apps-1',
  WEBHOOK_TOKEN: 'webhook-token-of-everybody',
  QISCUS_MAX_CUSTOMER: '4',
  ONE_SECRET: 'secret-of-one',
  ONE_TOKEN: TOKEN,
};
const ONE = { QISCUS_APP_ID: 'one', QISCUS_SECRET: { env: 'ONE_SECRET' } };

function read(content: unknown, env: Record<string, string> = {}) {
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  const files: Record<string, string> = { 'apps.json': text, '/run/secrets/two': 'secret-of-two\n' };
  return readConfig({ ...ENV, ...env }, [], (path) => {
    const found = files[path];
    if (found === undefined) throw new Error('no such file');
    return found;
  });
}

function problems(content: unknown, env: Record<string, string> = {}): string[] {
  try {
    read(content, env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
  }
  return [];
}

describe('the apps of a file', () => {
  test('each has its own settings; what it does not set is the environment’s', () => {
    const two = {
      QISCUS_APP_ID: 'two',
      QISCUS_SECRET: { file: '/run/secrets/two' },
      QISCUS_BASE_URL: 'https://qiscus.example',
      QISCUS_MAX_CUSTOMER: 7,
      WEBHOOK_TOKEN: { env: 'ONE_TOKEN' },
      WEBHOOKS_PER_SECOND: 9,
    };
    const { apps, sandbox } = read({ apps: [ONE, two] });
    expect(sandbox).toBe(false);
    const shown = (app: AppConfig | undefined) => [
      ...[app?.qiscus.appId, app?.qiscus.checkAppId, app?.qiscus.secret, app?.qiscus.baseUrl],
      ...[app?.allocation.maxCustomers, app?.tokens.webhook[0], app?.tokens.admin[0], app?.webhooksPerSecond],
    ];
    expect(shown(apps?.[0])).toEqual([
      ...['one', true, 'secret-of-one', 'https://multichannel.qiscus.com'],
      ...[4, ENV.WEBHOOK_TOKEN, ENV.ADMIN_TOKEN, 500],
    ]);
    expect(shown(apps?.[1])).toEqual([
      ...['two', true, 'secret-of-two', 'https://qiscus.example'],
      ...[7, TOKEN, ENV.ADMIN_TOKEN, 9],
    ]);
  });

  test.each<[string, unknown, Record<string, string>, string[]]>([
    ['is not JSON', '{', {}, ['QISCUS_APPS_FILE is not valid JSON: line 1, column 2']],
    [
      'has a comma too many',
      '{\n  "apps": [\n    { "QISCUS_APP_ID": "hunter2", }\n  ]\n}',
      {},
      ['QISCUS_APPS_FILE is not valid JSON: line 3, column 35'],
    ],
    [
      'has a setting beside the apps',
      { apps: [ONE], QISCUS_MAX_CUSTOMER: 3 },
      {},
      ['QISCUS_APPS_FILE holds more than "apps": QISCUS_MAX_CUSTOMER'],
    ],
    [
      'has a secret as a name beside the apps',
      { apps: [ONE], hunter2: 3 },
      {},
      ['QISCUS_APPS_FILE holds more than "apps": its name is no name of a setting'],
    ],
    ['holds no apps', { apps: [] }, {}, ['QISCUS_APPS_FILE must hold {"apps": […]} with one app at least']],
    [
      'is not there',
      '',
      { QISCUS_APPS_FILE: 'none' },
      ['QISCUS_APPS_FILE cannot be read: check the path and its rights'],
    ],
    [
      'has an app without an id',
      { apps: [{}] },
      {},
      ['QISCUS_APPS_FILE, app number 1: it needs a QISCUS_APP_ID of 1 to 64 letters, digits, - and _'],
    ],
    [
      'has an id with a brace',
      { apps: [{ ...ONE, QISCUS_APP_ID: '{x}' }] },
      {},
      ['QISCUS_APPS_FILE, app number 1: it needs a QISCUS_APP_ID of 1 to 64 letters, digits, - and _'],
    ],
    ['names an app twice', { apps: [ONE, ONE] }, {}, ['QISCUS_APPS_FILE names the app one twice']],
    [
      'holds a secret',
      { apps: [{ ...ONE, QISCUS_SECRET: 'hunter2' }] },
      {},
      [
        'QISCUS_APPS_FILE, app one: QISCUS_SECRET must be {"env": "NAME"} or {"file": "/path"}: no secrets in this file',
      ],
    ],
    [
      'refers to a name that is not set',
      { apps: [{ ...ONE, QISCUS_SECRET: { env: 'NONE' } }] },
      {},
      ['QISCUS_APPS_FILE, app one: QISCUS_SECRET refers to a name that the environment does not set'],
    ],
    [
      'sets what belongs to the process',
      { apps: [{ ...ONE, PORT: 1 }] },
      {},
      ['QISCUS_APPS_FILE, app one: a setting in it is not one that an app may have: PORT'],
    ],
    [
      'has a value that is out of range',
      { apps: [{ ...ONE, QISCUS_MAX_CUSTOMER: 0 }] },
      {},
      ['QISCUS_APPS_FILE, app one: QISCUS_MAX_CUSTOMER is out of range; allowed: a whole number from 1 to 1000'],
    ],
    [
      'leaves out the secret',
      { apps: [{ QISCUS_APP_ID: 'one' }] },
      {},
      ['QISCUS_APPS_FILE, app one: QISCUS_SECRET is missing'],
    ],
    [
      'stands beside an app of the environment',
      { apps: [ONE] },
      { QISCUS_APP_ID: 'x' },
      ['QISCUS_APP_ID belongs into the file of QISCUS_APPS_FILE, to its app'],
    ],
    [
      'has no operator',
      { apps: [ONE] },
      { ADMIN_TOKEN: '' },
      ['ADMIN_TOKEN is required with QISCUS_APPS_FILE: it opens every app'],
    ],
  ])('it %s', (_, content, env, expected) => {
    const found = problems(content, env);
    expect(found.slice(0, expected.length)).toEqual(expected);
    expect(found.join()).not.toContain('hunter2');
  });

  test('all apps together may not need more calls under way than Bun makes', () => {
    const apps = Array.from({ length: 14 }, (_, i) => ({ ...ONE, QISCUS_APP_ID: `app-${i}` }));
    const needed = 'BUN_CONFIG_MAX_HTTP_REQUESTS must be 280 or more: QISCUS_CONCURRENCY of all apps, and 4 for each';
    expect(problems({ apps })).toEqual([needed]);
    expect(problems({ apps }, { BUN_CONFIG_MAX_HTTP_REQUESTS: '280' })).toEqual([]);
  });

  test('a mistake of the environment is told once, not for every app', () => {
    const two = { QISCUS_APP_ID: 'two', QISCUS_SECRET: { env: 'ONE_SECRET' } };
    expect(problems({ apps: [ONE, two] }, { PORT: 'x' })).toEqual([
      'PORT is not a whole number; allowed: a whole number from 0 to 65535',
    ]);
  });
});
