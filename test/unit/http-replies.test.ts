/** What every reply has: security headers, an id, errors of one shape that tell nothing; and pages, that browsers keep. */
import { describe, expect, test } from 'bun:test';
import { ServiceError } from '../../src/errors';
import { ADMIN, closedTokens, WEBHOOK } from '../support/config';
import { codeOf, memoryApp } from '../support/memory-app';

const ALLOCATE = '/api/v1/webhook/agent_allocation';
const MAX = '/api/v1/settings/max_customers';

/** What browsers may keep and ask for again. */
const PAGE_FILES = new Set(['/', '/board/main.js', '/docs', '/docs/assets/swagger-ui.css']);

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
      send('POST', ALLOCATE, { body: `{"${marker}`, headers: { ...headers, 'content-type': 'application/json' } }),
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

test('a store that fails while reading is a 503', async () => {
  const { desk, send } = memoryApp();
  desk.listAgents = async () => {
    throw new ServiceError('STORE_UNAVAILABLE', 'Redis does not answer.');
  };
  const reply = await send('GET', '/api/v1/agents');
  expect(reply.status).toBe(503);
  expect(reply.headers.get('retry-after')).toBe('1');
});

test('the board and the console are pages with a policy of their own, and no inline script', async () => {
  const { send } = memoryApp();
  for (const path of ['/', '/docs']) {
    const reply = await send('GET', path);
    expect(reply.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(reply.headers.get('content-security-policy')).toContain("script-src 'self'");
    const html = await reply.text();
    expect(html).not.toMatch(/<script(?![^>]*\ssrc=)/);
    expect(html).not.toMatch(/\b(href|src)="(https?:)?\/\//);
  }
});
