import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FetchError, ofetch } from 'ofetch';
import { readConfig } from '../../src/config';
import { createLogger, LOG_FILE } from '../../src/logger';
import { createRedactor, secretsIn } from '../../src/redact';

const FIXTURES = join(import.meta.dir, '..', 'fixtures');
const SECRETS = {
  WEBHOOK_TOKEN: 'webhook-token-0123456789,webhook-token-old-456789',
  ADMIN_TOKEN: 'admin.token~0123456789_abc',
  METRICS_TOKEN: 'metrics-token-0123456789',
  QISCUS_APP_ID: 'abcde-1',
  QISCUS_SECRET: 'sk$e(c)r.e+t/"quote"',
  QISCUS_EMAIL: 'admin@qiscus-login.example',
  QISCUS_PASSWORD: 'pass word & more',
  REDIS_URL: 'redis://redis-user:redis%2Fpass@localhost:6379',
};
const SECRET_TEXTS = [
  ...Object.entries(SECRETS).flatMap(([name, text]) => (/APP_ID|REDIS/.test(name) ? [] : text.split(','))),
  'redis%2Fpass',
  'redis/pass',
];

let folder = '';
beforeAll(() => {
  // Each logger writes its last lines at exit; here are many.
  process.setMaxListeners(0);
  folder = mkdtempSync(join(tmpdir(), 'log-test-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let runs = 0;

/** Logs into a file of its own and returns what was written, whole and as objects. */
function record(use: (logger: ReturnType<typeof createLogger>['logger']) => void, level = 'trace') {
  const dataDir = join(folder, String(++runs));
  const { logger, flush } = createLogger(
    readConfig({ ...SECRETS, DATA_DIR: dataDir, LOG_STACK: 'single', LOG_LEVEL: level }, []),
  );
  use(logger);
  flush();
  const text = readFileSync(join(dataDir, 'logs', LOG_FILE), 'utf8');
  const lines = text.split('\n').slice(0, -1);
  return { text, lines: lines.map((line): Record<string, unknown> => JSON.parse(line)) };
}

/** Every text in a value at any depth; JSON inside a text is opened too. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') {
    try {
      const inner: unknown = JSON.parse(value);
      return typeof inner === 'object' ? [value, ...textsIn(inner)] : [value];
    } catch {
      return [value];
    }
  }
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

/** The personal and secret values of a fixture; this list of keys is the test's own, not the redactor's. */
const PRIVATE_KEYS = new Set(
  (
    'authentication_token sdk_key qismo_key direct_login_token secret_key long_lived_token token password email ' +
    'sdk_email name display_name avatar avatar_url user_avatar_url room_avatar user_id extras text notes ' +
    'last_comment_text last_customer_comment_text last_comment_sender phone_number user_properties'
  ).split(' '),
);
function privateValues(value: unknown, isPrivate = false): string[] {
  if (typeof value === 'string') return isPrivate && value !== '' ? [value] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => privateValues(item, isPrivate || PRIVATE_KEYS.has(key)));
}

describe('the secrets of many apps', () => {
  const secretOf = (n: number) => `${'ab'[n % 2]}${n % 3}-secret-of-app-${n}`;
  const configOf = (numbers: number[]) => {
    const apps = numbers.map((n) => ({ QISCUS_APP_ID: `shop-${n}`, QISCUS_SECRET: { env: `SECRET_${n}` } }));
    const secrets = Object.fromEntries(numbers.map((n) => [`SECRET_${n}`, secretOf(n)]));
    const env = { ...secrets, QISCUS_APPS_FILE: 'apps.json', DATA_DIR: join(folder, 'many'), LOG_STACK: 'single' };
    const tokens = { WEBHOOK_TOKEN: 'webhook-token-0123456789', ADMIN_TOKEN: 'admin-token-0123456789ab' };
    const calls = { QISCUS_CONCURRENCY: '1', BUN_CONFIG_MAX_HTTP_REQUESTS: '65336' };
    return readConfig({ ...env, ...tokens, ...calls }, [], () => JSON.stringify({ apps }));
  };
  const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

  test('an app that a reload could not change still runs with its old secret, which stays out of the log', () => {
    const { logger, learn, flush } = createLogger(configOf([1]));
    learn(configOf([2]));
    logger.info(`old ${secretOf(1)}, new ${secretOf(2)}`);
    flush();
    const text = readFileSync(join(folder, 'many', 'logs', LOG_FILE), 'utf8');
    expect(text).toContain('old [redacted], new [redacted]');
  });

  test('each of a thousand is found, also where one begins with another', () => {
    const redact = createRedactor(secretsIn(configOf(upTo(1_000))));
    for (const n of upTo(1_000)) expect(redact(`(${secretOf(n)})`)).toBe('([redacted])');
    expect(redact('a0-secret-of-ap')).toBe('a0-secret-of-ap');
  });
});

describe('whatever is logged by mistake', () => {
  const files = readdirSync(FIXTURES).filter((file) => file.endsWith('.json'));

  test('there are fixtures to log', () => expect(files.length).toBeGreaterThan(20));

  test.each(files)('[S26 S30] %s shows no person and no secret', (file) => {
    const json = readFileSync(join(FIXTURES, file), 'utf8');
    const fixture: unknown = JSON.parse(json);
    const failure = new Error(`Refused: ${json}`, { cause: fixture });
    const { lines } = record((logger) => {
      logger.info({ event: 'mistake', fixture }, 'an object');
      logger.info({ event: 'mistake', answer: json }, 'a text');
      logger.info(`in the message: ${json}`);
      logger.info({ event: 'mistake', answer: JSON.stringify(json) }, 'a text in a text');
      logger.error(failure);
      logger.error({ err: failure, found: [[fixture]] }, 'a failure');
      if (typeof fixture === 'object') logger.info(fixture, 'the object itself');
      logger.child({ event: 'mistake', fixture }).info('a child');
    });
    expect(lines.length).toBe(8);
    const shown = lines.flatMap(textsIn);
    for (const value of new Set(privateValues(fixture))) {
      // Short ones and plain words ("customer", "p") may stand elsewhere by chance; then they must not stand alone.
      const found = value.length < 10 ? [] : shown.filter((text) => text.includes(value));
      expect(found).toEqual([]);
    }
    const sentences = shown.filter((text) => !text.startsWith('{'));
    const emails = sentences.filter((text) => /\S+@\S+/.test(text));
    expect(emails).toEqual([]);
  });

  test('[S30] names, texts and ids of people go by their key, however deep and however the key is written', () => {
    const { text } = record((logger) => {
      const person = { name: 'Siti Rahma', user_id: '628123456789', phoneNumber: '628123456789', id: 150851 };
      logger.info({ event: 'x', agent: { ...person, list: [{ candidate_agent: person }] } }, 'x');
      logger.info({ event: 'x', 'Qiscus-Secret-Key': 'hush-hush', Authorization: 'hush-hush', sdkKey: 'hush-hush' });
      logger.info({ event: 'x', message: { text: 'my secret wish' }, last_comment_text: 'my secret wish' });
    });
    for (const value of ['Siti', '6281', 'hush', 'wish']) expect(text).not.toContain(value);
    expect(text).toContain('150851');
  });
});

describe('configured secrets', () => {
  test.each(SECRET_TEXTS)('[S03 S27] %s never appears', (secret) => {
    const cause = new TypeError(`cause ${secret}`);
    const error = Object.assign(new Error(`failed with ${secret}`, { cause }), { extra: secret });
    error.stack = `Error: failed with ${secret}\n    at x`;
    const { text, lines } = record((logger) => {
      logger.info(`a message with ${secret} inside`);
      logger.info({ event: secret, [secret]: secret, list: [secret, { deep: `x${secret}x` }] }, `and ${secret}`);
      logger.info({ url: `https://x/y?z=${encodeURIComponent(secret)}` }, 'value: %s and %o', secret, { a: secret });
      logger.error(error);
      logger.error({ err: error }, 'with a text');
      logger.error({ err: error });
      logger.child({ part: secret }).info('a child');
    });
    for (const form of [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]) {
      expect(text).not.toContain(form);
    }
    expect(lines).toHaveLength(7);
    expect(text).toContain('[redacted]');
  });

  test('[S27] a real FetchError shows neither its options nor the answer', async () => {
    const server = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch: () => Response.json({ data: { email: 'a@example.com', sdk_key: 'key-of-agent' } }, { status: 400 }),
    });
    const error = await ofetch(`http://127.0.0.1:${server.port}/assign?token=unknown-token`, {
      method: 'POST',
      retry: 0,
      headers: { 'Qiscus-Secret-Key': 'header-secret' },
      body: { password: 'body-secret' },
    }).catch((failure: unknown) => failure);
    await server.stop(true);
    expect(error).toBeInstanceOf(FetchError);
    const { text } = record((logger) => {
      logger.error(error);
      logger.error({ err: error, again: { error } }, 'x');
    });
    expect(text).toContain('FetchError');
    for (const value of ['header-secret', 'body-secret', 'key-of-agent', 'a@example.com', 'unknown-token']) {
      expect(text).not.toContain(value);
    }
  });

  test('[S03 S30] secrets of others go by their place: bearer, basic, webhook path, login in a URL, JSON', () => {
    const { text } = record((logger) => {
      logger.info('Authorization: Bearer abc.def-123 and basic QWxhZGRpbjpvcGVu');
      logger.info(
        { path: '/api/v1/webhook/agent_allocation/guessed-token?x=1', to: 'redis://me:pw-of-me@host/0' },
        'x',
      );
      logger.info(
        'cut off: {"email":"x","name":"Budi \\"B\\" Santoso","phones":["0811111"],"id":7,"customer":{"name":"Sit',
      );
    });
    for (const value of ['abc.def', 'QWxh', 'guessed-token', 'pw-of-me', 'Budi', 'Santoso', '0811111', 'Sit']) {
      expect(text).not.toContain(value);
    }
    expect(text).toContain('agent_allocation/[redacted]');
  });
});

describe('the form of a line', () => {
  test('one flat object with level, time, service and the fields as given', () => {
    const fields = { event: 'room.assigned', request: 'r-1', room: '12345', agent: 'agent_01', entry: '1-0' };
    const { lines } = record((logger) => logger.info(fields, 'Room assigned'));
    expect(lines[0]).toMatchObject({
      level: 'info',
      service: 'agent-allocation',
      role: 'all',
      msg: 'Room assigned',
      ...fields,
    });
    expect(lines[0]?.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  test('[S39] control characters cannot forge a line, and those beyond ASCII reached the terminal', () => {
    const { lines, text } = record((logger) => {
      logger.info(
        { event: 'x', room: '1\n{"level":"error"}\r\u0000\u001b[31m\u009b31m\u202e\u2028' },
        'first\nsecond\u007f',
      );
    });
    expect(lines).toHaveLength(1);
    expect(text.slice(0, -1)).not.toMatch(/\p{Cc}|[\u2028-\u202e]/u);
    // Nothing is lost by it.
    expect(lines[0]?.room).toEndWith('\u009b31m\u202e\u2028');
    expect(lines[0]?.msg).toEndWith('\u007f');
  });

  test('odd values end neither the line nor the service', () => {
    const loop: Record<string, unknown> = {
      event: 'x',
      big: 10n,
      when: new Date(Number.NaN),
      bytes: new Uint8Array(9),
    };
    loop.self = loop;
    const trap = {
      get boom() {
        throw new Error('no');
      },
    };
    const { lines } = record((logger) => {
      logger.info(loop, 'loop');
      logger.info({ event: 'x', trap }, 'trap');
      logger.info({ event: 'x', long: 'y'.repeat(1e6), wide: Array(1e5).fill(1), map: new Map([['token', 1]]) }, 'big');
    });
    expect(lines).toHaveLength(3);
    expect(JSON.stringify(lines).length).toBeLessThan(20_000);
  });

  test('LOG_LEVEL holds back what is below', () => {
    const { lines } = record((logger) => {
      logger.info('no');
      logger.warn('yes');
    }, 'warn');
    expect(lines.map((line) => line.msg)).toEqual(['yes']);
  });
});

describe('sinks', () => {
  test('reopen follows a file that logrotate moved away', () => {
    const dataDir = join(folder, 'rotate');
    const { logger, reopen, flush } = createLogger(readConfig({ DATA_DIR: dataDir, LOG_STACK: 'stdout,single' }, []));
    const file = join(dataDir, 'logs', LOG_FILE);
    logger.info('before');
    flush();
    renameSync(file, `${file}.1`);
    reopen();
    logger.info('after');
    flush();
    expect(readFileSync(`${file}.1`, 'utf8')).toContain('before');
    expect(readFileSync(file, 'utf8')).toContain('after');
    expect(readFileSync(file, 'utf8')).not.toContain('before');
  });

  test('standard output gets what was logged just before the end', async () => {
    const program = `
      import { readConfig } from '${join(import.meta.dir, '../../src/config')}';
      import { createLogger } from '${join(import.meta.dir, '../../src/logger')}';
      const { logger } = createLogger(readConfig(process.env, []));
      for (let i = 0; i < 1000; i++) logger.info({ event: 'x', i }, 'line');
      process.exit(0);`;
    const child = Bun.spawn([process.execPath, '-e', program], {
      env: { LOG_STACK: 'stdout', DATA_DIR: folder },
      stdout: 'pipe',
    });
    const lines = (await new Response(child.stdout).text()).trim().split('\n');
    expect(lines).toHaveLength(1000);
  });
});
