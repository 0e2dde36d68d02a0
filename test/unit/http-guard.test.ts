/** Who may come in: the admin door, pages of other sites, wrong tokens. */
import { describe, expect, test } from 'bun:test';
import { ServiceError } from '../../src/errors';
import { gate } from '../../src/http/gate';
import { ADMIN, closedTokens, WEBHOOK } from '../support/config';
import { codeOf, memoryApp } from '../support/memory-app';

const ALLOCATE = '/api/v1/webhook/agent_allocation';
const MAX = '/api/v1/settings/max_customers';

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
