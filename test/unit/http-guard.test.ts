/** What holds for every request: headers, error shape, body door, admin door, other sites, wrong tokens. */
import { describe, expect, test } from 'bun:test';
import { ServiceError } from '../../src/errors';
import { gate } from '../../src/http/gate';
import { ADMIN, closedTokens, memoryApp, WEBHOOK } from '../support/desk';

const ALLOCATE = '/api/v1/webhook/agent_allocation';
const MAX = '/api/v1/settings/max_customers';
const JSON_TYPE = { 'content-type': 'application/json' };

/** What browsers may keep and ask for again. */
const PAGE_FILES = new Set(['/', '/board/main.js', '/docs', '/docs/assets/swagger-ui.css']);

const codeOf = async (reply: Response) => Reflect.get(Object(await reply.json()), 'code');

describe('every reply', () => {
  const requests: [string, string][] = [
    ['GET', '/health/live'],
    ['GET', '/health/ready'],
    ['GET', '/metrics'],
    ['GET', '/docs'],
    ['GET', '/docs/json'],
    ['GET', '/docs/assets/swagger-ui.css'],
    ['GET', '/docs/assets/nothing.js'],
    ['GET', '/'],
    ['GET', '/board/main.js'],
    ['GET', MAX],
    ['GET', '/api/v1/journal'],
    ['POST', ALLOCATE],
    ['PUT', MAX],
    ['OPTIONS', MAX],
    ['GET', '/nothing'],
  ];
  test.each(requests)('[S23 S25] %s %s has the security headers and an id', async (method, path) => {
    const { send } = memoryApp();
    const reply = await send(method, path, { headers: { origin: 'https://other.example' } });
    expect(reply.headers.get('x-content-type-options')).toBe('nosniff');
    const isFile = PAGE_FILES.has(path);
    expect(reply.headers.get('cache-control')).toBe(isFile ? 'no-cache' : 'no-store');
    expect(reply.headers.get('referrer-policy')).toBe('no-referrer');
    expect(reply.headers.get('content-security-policy')).toStartWith("default-src 'none'");
    expect(reply.headers.get('x-request-id')).toMatch(/^[\w-]{12}\.[0-9a-z]+$/);
    expect([...reply.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
  });
});

describe("a page's own files", () => {
  const POLICY = /^default-src 'none'; script-src 'self'/;

  test.each([...PAGE_FILES])(
    '[S23 S25] %s: whoever has it gets 304, with all headers, and nothing else does',
    async (path) => {
      const { send } = memoryApp();
      const first = await send('GET', path);
      const etag = first.headers.get('etag') ?? '';
      expect(etag).toMatch(/^"[\w-]{22}"$/);
      const ask = (known: string) => send('GET', path, { headers: { 'if-none-match': known } });
      for (const known of [etag, `W/${etag}`, `"another", ${etag}`]) {
        const reply = await ask(known);
        expect([known, reply.status, await reply.text()]).toEqual([known, 304, '']);
        for (const name of [
          'etag',
          'cache-control',
          'content-security-policy',
          'x-content-type-options',
          'referrer-policy',
        ]) {
          expect([name, reply.headers.get(name)]).toEqual([name, first.headers.get(name)]);
        }
      }
      for (const unknown of ['"another"', '*', etag.slice(0, -2)]) expect((await ask(unknown)).status).toBe(200);
      if (path === '/' || path === '/docs') expect(first.headers.get('content-security-policy')).toMatch(POLICY);
    },
  );

  test('[S21] who has a file and no token learns nothing of it', async () => {
    const { send } = memoryApp(closedTokens);
    const { headers } = await send('GET', '/board/main.js', { headers: { authorization: `Bearer ${ADMIN}` } });
    const reply = await send('GET', '/board/main.js', { headers: { 'if-none-match': headers.get('etag') ?? '' } });
    expect([reply.status, reply.headers.get('cache-control'), reply.headers.has('etag')]).toEqual([
      401,
      'no-store',
      false,
    ]);
  });
});

describe('errors', () => {
  test('[S16] an unknown error tells nothing but the request id, and is logged with its cause', async () => {
    const { desk, logged, send } = memoryApp();
    desk.readSettings = async () => {
      throw new Error('secret=abc at /srv/app');
    };
    const reply = await send('GET', MAX);
    const text = await reply.text();
    expect(reply.status).toBe(500);
    expect(JSON.parse(text)).toEqual({
      status: 'error',
      code: 'INTERNAL',
      message: expect.any(String),
      request_id: reply.headers.get('x-request-id'),
    });
    expect(text).not.toContain('secret');
    expect(logged.join()).toContain('secret=abc');
    expect(logged.join()).toContain(reply.headers.get('x-request-id') ?? '-');
  });

  test('[S16] an error thrown as a plain value is the same', async () => {
    const { desk, send } = memoryApp();
    desk.readSettings = () => Promise.reject('marker');
    const reply = await send('GET', MAX);
    expect(reply.status).toBe(500);
    expect(await reply.text()).not.toContain('marker');
  });

  test('a planned error is not logged', async () => {
    const { logged, send } = memoryApp();
    await send('GET', '/nothing');
    await send('POST', ALLOCATE, { json: {} });
    expect(logged).toEqual([]);
  });

  test('[S17] nothing sent comes back', async () => {
    const { logged, send } = memoryApp(closedTokens);
    const marker = 'marker-7f3a';
    const headers = { authorization: `Bearer ${ADMIN}`, 'x-webhook-token': WEBHOOK };
    const replies = await Promise.all([
      send('GET', `/${marker}?q=${marker}`, { headers }),
      send('POST', ALLOCATE, { json: { room_id: { marker }, email: `${marker}@example.com` }, headers }),
      send('POST', ALLOCATE, { body: `{"${marker}`, headers: { ...headers, ...JSON_TYPE } }),
      send('POST', MAX, { json: { max_customers: marker }, headers }),
      send('POST', '/api/v1/settings/set_mark_as_resolved', { json: { url: `https://${marker}` }, headers }),
      send('GET', `/api/v1/rooms/${marker}`, { headers }),
      send('GET', `/api/v1/queue?after=${marker}`, { headers }),
      send('GET', MAX, { headers: { authorization: `Bearer ${marker}` } }),
    ]);
    for (const reply of replies) {
      expect(reply.status).toBeGreaterThanOrEqual(400);
      expect(await reply.text()).not.toContain(marker);
    }
    expect(logged.join()).not.toContain(marker);
  });

  test.each([
    ['PUT', MAX, 'GET, POST'],
    ['GET', ALLOCATE, 'POST'],
    ['DELETE', '/api/v1/agents/agent_01', 'GET, PATCH'],
    ['POST', '/health/live', 'GET'],
    ['OPTIONS', '/api/v1/dead_letters/room-1', 'DELETE'],
  ])('%s %s is 405 with Allow', async (method, path, allow) => {
    const reply = await memoryApp().send(method, path);
    expect(reply.status).toBe(405);
    expect(reply.headers.get('allow')).toBe(allow);
    expect(await codeOf(reply)).toBe('METHOD_NOT_ALLOWED');
  });

  test('a HEAD answers as its GET, without a body', async () => {
    const reply = await memoryApp().send('HEAD', '/health/live');
    expect(reply.status).toBe(200);
    expect(await reply.text()).toBe('');
  });
});

describe('bodies', () => {
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
  const deep = (depth: number) => `{"room_id":"1","x":${nested(depth)}}`;
  const declared = (body: string) => ({ body, headers: { ...JSON_TYPE, 'content-length': String(body.length) } });
  const chunked = (body: string) => ({ body, headers: JSON_TYPE });

  const table: [string, string, number, string | undefined][] = [
    ['fine', '{"room_id":"1"}', 200, undefined],
    ['empty', '', 400, 'INVALID_JSON'],
    ['cut off', '{"room_id":', 400, 'INVALID_JSON'],
    ['not JSON', 'room_id=1', 400, 'INVALID_JSON'],
    ['two values', '{} {}', 400, 'INVALID_JSON'],
    ['32 levels', deep(31), 200, undefined],
    ['33 levels', deep(32), 422, 'INVALID_BODY'],
    ['20,000 levels', deep(20_000), 422, 'INVALID_BODY'],
    ['__proto__', '{"room_id":"1","__proto__":{"a":1}}', 422, 'INVALID_BODY'],
    ['escaped __proto__', '{"room_id":"1","\\u005f_proto__":{"a":1}}', 422, 'INVALID_BODY'],
    ['constructor inside', '{"room_id":"1","x":[{"constructor":{"prototype":1}}]}', 422, 'INVALID_BODY'],
    ['prototype', '{"room_id":"1","prototype":1}', 422, 'INVALID_BODY'],
    ['a list', '[]', 422, 'INVALID_BODY'],
    ['256 KiB', `{"room_id":"1"${' '.repeat(256 * 1024 - 15)}}`, 200, undefined],
    ['256 KiB and one', `{"room_id":"1"${' '.repeat(256 * 1024 - 14)}}`, 413, 'BODY_TOO_LARGE'],
  ];
  test.each(table)('[F10 S09 S13 S14] %s', async (_, body, status, code) => {
    for (const init of [declared(body), chunked(body)]) {
      const reply = await memoryApp().send('POST', ALLOCATE, init);
      expect(reply.status).toBe(status);
      expect(await codeOf(reply)).toBe(code);
    }
  });

  test('[S09] an endless body is dropped after the cap and one chunk', async () => {
    let pulls = 0;
    let cancelled = false;
    const body = new ReadableStream(
      {
        pull(controller) {
          pulls += 1;
          controller.enqueue(new Uint8Array(64 * 1024).fill(32));
        },
        cancel() {
          cancelled = true;
        },
      },
      { highWaterMark: 0 },
    );
    const reply = await memoryApp().send('POST', ALLOCATE, { body, headers: JSON_TYPE });
    expect(reply.status).toBe(413);
    expect(pulls).toBeLessThanOrEqual(6);
    expect(cancelled).toBe(true);
  });

  test.each([
    [undefined, 415],
    ['text/plain', 415],
    ['application/x-www-form-urlencoded', 415],
    ['application/jsonx', 415],
    ['text/plain; application/json', 415],
    ['application/json', 200],
    ['application/json; charset=utf-8', 200],
    ['Application/JSON ;charset=utf-8', 200],
  ])('[S24] content type %p', async (type, status) => {
    const headers: Record<string, string> = type === undefined ? {} : { 'content-type': type };
    const body = new Blob(['{"room_id":"1"}']).stream();
    const reply = await memoryApp().send('POST', ALLOCATE, { body, headers });
    expect(reply.status).toBe(status);
    if (status === 415) expect(await codeOf(reply)).toBe('UNSUPPORTED_MEDIA_TYPE');
  });
});

/** Every operation that changes something, with a body that it takes. */
const HANDS: [string, string, unknown][] = [
  ['POST', MAX, { max_customers: 3 }],
  ['POST', '/api/v1/settings/set_mark_as_resolved', { url: 'https://example.com/h' }],
  ['PATCH', '/api/v1/agents/agent_01', { paused: true }],
  ['POST', '/api/v1/rooms/888/requeue', {}],
  ['POST', '/api/v1/rooms/12345/release', {}],
  ['POST', '/api/v1/dead_letters/room-888/replay', {}],
  ['DELETE', '/api/v1/dead_letters/room-888', {}],
];
const READS = [
  MAX,
  '/api/v1/settings/set_mark_as_resolved',
  '/api/v1/agents',
  '/api/v1/agents/agent_01',
  '/api/v1/rooms/12345',
  '/api/v1/queue',
  '/api/v1/dead_letters',
  '/api/v1/journal',
  '/api/v1/events',
  '/metrics',
  '/',
  '/board/main.js',
  '/board/style.css',
];

describe('the admin door', () => {
  const basic = (password: string) => `Basic ${btoa(`anybody:${password}`)}`;
  const wrong: Record<string, string>[] = [
    {},
    { authorization: 'Bearer wrong' },
    { authorization: 'Bearer ' },
    { authorization: ADMIN },
    { authorization: basic('wrong') },
    { authorization: `Basic ${btoa(ADMIN)}` },
    { authorization: 'Basic !!!' },
    { authorization: `Bearer ${WEBHOOK}` },
    { 'x-webhook-token': WEBHOOK },
  ];

  test.each([...READS.map((path) => ['GET', path, undefined] as const), ...HANDS])(
    '[S21] %s %s needs an admin token',
    async (method, path, json) => {
      const { desk, send } = memoryApp(closedTokens);
      const before = JSON.stringify([desk.maxCustomers, desk.agents, [...desk.rooms], desk.deadLetters]);
      for (const headers of wrong) {
        const reply = await send(method, path, { json, headers });
        expect(reply.status).toBe(401);
        expect(reply.headers.get('www-authenticate')).toMatch(/^(Bearer|Basic realm=)/);
        expect(await codeOf(reply)).toBe('UNAUTHORIZED');
      }
      expect(JSON.stringify([desk.maxCustomers, desk.agents, [...desk.rooms], desk.deadLetters])).toBe(before);
      for (const authorization of [`Bearer ${ADMIN}`, `bearer ${ADMIN}`, basic(ADMIN)]) {
        const reply = await memoryApp(closedTokens).send(method, path, { json, headers: { authorization } });
        expect(reply.status).toBe(200);
        await reply.body?.cancel();
      }
    },
  );

  test('[S21] a path that nobody listed is closed too', async () => {
    const { send } = memoryApp(closedTokens);
    expect((await send('GET', '/nothing')).status).toBe(401);
    expect((await send('GET', '/nothing', { headers: { authorization: `Bearer ${ADMIN}` } })).status).toBe(404);
  });

  test.each(['/health/live', '/health/ready', '/docs', '/docs/json', '/docs/assets/init.js'])(
    '[S22] %s is public, but not to a wrong token',
    async (path) => {
      const { send } = memoryApp(closedTokens);
      expect((await send('GET', path)).status).toBe(200);
      expect((await send('GET', path, { headers: { authorization: 'Bearer wrong' } })).status).toBe(401);
    },
  );

  test('only pages ask a browser for a password', async () => {
    const { send } = memoryApp(closedTokens);
    expect((await send('GET', '/')).headers.get('www-authenticate')).toStartWith('Basic realm=');
    expect((await send('GET', MAX)).headers.get('www-authenticate')).toBe('Bearer');
  });

  test('[S21] the metrics token opens the metrics and nothing else', async () => {
    const { send } = memoryApp((config) => {
      closedTokens(config);
      config.tokens.metrics = ['metrics-token-metrics-token'];
    });
    const headers = { authorization: 'Bearer metrics-token-metrics-token' };
    expect((await send('GET', '/metrics', { headers })).status).toBe(200);
    expect((await send('GET', MAX, { headers })).status).toBe(401);
    expect((await send('GET', '/metrics', { headers: { authorization: `Bearer ${ADMIN}` } })).status).toBe(401);
  });
});

describe("another site's page", () => {
  test.each(HANDS)('[S24] %s %s', async (method, path, json) => {
    for (const site of ['cross-site', 'same-site', 'anything']) {
      const refused = await memoryApp().send(method, path, { json, headers: { 'sec-fetch-site': site } });
      expect(refused.status).toBe(403);
      expect(await codeOf(refused)).toBe('CROSS_SITE');
    }
    for (const site of ['same-origin', 'none']) {
      const reply = await memoryApp().send(method, path, { json, headers: { 'sec-fetch-site': site } });
      expect(reply.status).toBe(200);
    }
    expect((await memoryApp().send(method, path)).status).toBe(415);
  });

  test('a webhook may come from anywhere', async () => {
    const headers = { 'sec-fetch-site': 'cross-site' };
    expect((await memoryApp().send('POST', ALLOCATE, { json: { room_id: '1' }, headers })).status).toBe(200);
  });
});

describe('wrong tokens', () => {
  const bad = { authorization: 'Bearer wrong' };
  const good = { authorization: `Bearer ${ADMIN}` };

  test('[S38] the 101st of a minute is 429; a right token never is; a minute later all is forgotten', async () => {
    let nowMs = 1_000_000;
    const { send } = memoryApp(closedTokens, { nowMs: () => nowMs });
    for (let i = 0; i < 100; i += 1) expect((await send('GET', MAX, { headers: bad })).status).toBe(401);
    const refused = await send('GET', MAX, { headers: bad });
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe('60');
    expect(await codeOf(refused)).toBe('TOO_MANY_FAILURES');
    expect((await send('POST', ALLOCATE, { json: {}, headers: { 'x-webhook-token': 'wrong' } })).status).toBe(429);
    expect((await send('GET', MAX, { headers: good })).status).toBe(200);
    nowMs += 60_000;
    expect((await send('GET', MAX, { headers: bad })).status).toBe(401);
  });

  test('[S38] an IPv6 /64 is one address, however it is written; others are others', () => {
    let peer = '';
    const { config, apps } = memoryApp(closedTokens);
    const arrive = gate(
      config.tokens,
      apps,
      () => 1_000_000,
      () => peer,
    );
    const request = new Request('http://localhost/api/v1/agents', { headers: bad });
    const codeFor = (address: string) => {
      peer = address;
      try {
        arrive({ request, path: '/api/v1/agents', set: { headers: {} } });
      } catch (error) {
        return error instanceof ServiceError ? error.code : error;
      }
    };
    for (let i = 0; i < 100; i += 1) expect(codeFor(`2001:db8::${(i + 1).toString(16)}`)).toBe('UNAUTHORIZED');
    for (const same of ['2001:db8::ffff', '2001:0db8:0:0:1:2:3:4', '2001:db8::1:2:3:4', '2001:DB8:0:0::5']) {
      expect(codeFor(same)).toBe('TOO_MANY_FAILURES');
    }
    for (const other of ['2001:db8:1::1', '2001:db8:0:1::1', '2001:db9::1', '::1', '192.0.2.1', '::ffff:192.0.2.1']) {
      expect(codeFor(other)).toBe('UNAUTHORIZED');
    }
  });

  test('no token at all is no guess', async () => {
    const { send } = memoryApp(closedTokens);
    for (let i = 0; i < 150; i += 1) expect((await send('GET', MAX)).status).toBe(401);
    expect((await send('GET', MAX, { headers: bad })).status).toBe(401);
  });
});

test('a store that fails while reading is a 503', async () => {
  const { desk, send } = memoryApp();
  desk.listAgents = async () => {
    throw new ServiceError('STORE_UNAVAILABLE', 'Redis does not answer.');
  };
  const reply = await send('GET', '/api/v1/agents');
  expect(reply.status).toBe(503);
  expect(reply.headers.get('retry-after')).toBe('1');
});
