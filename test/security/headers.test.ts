/**
 * What holds for every reply of every route, right or refused: no other site can read it, frame it, sniff it or keep it;
 * no cookie, no word about the software behind it; and a forged Host or Origin changes nothing.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { LISTEN } from '../../src/app';
import { ServiceError } from '../../src/errors';
import { ADMIN, closedTokens, WEBHOOK } from '../support/config';
import { memoryApp } from '../support/memory-app';
import { allRoutes, type Route } from './routes';
import { codeOf, raw } from './wire';

const routes = await allRoutes();
const RIGHT = { authorization: `Bearer ${ADMIN}`, 'x-webhook-token': WEBHOOK };
const PAGES = new Set(['/', '/docs']);
const FILES = new Set([...PAGES, '/docs/assets/init.js']);

/** One request of each kind of answer: fine, refused, other method, wrong body, a store that is down, a bug. */
const SITUATIONS: Record<
  string,
  { headers?: Record<string, string>; method?: string; body?: string; broken?: unknown }
> = {
  'as it should be': { headers: RIGHT },
  'no token': {},
  'wrong token': { headers: { authorization: 'Bearer wrong', 'x-webhook-token': 'wrong' } },
  'another method': { headers: RIGHT, method: 'PUT' },
  'a preflight': {
    method: 'OPTIONS',
    headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' },
  },
  'a preflight with token': { method: 'OPTIONS', headers: { ...RIGHT, origin: 'https://evil.example' } },
  'a broken body': { headers: { ...RIGHT, 'content-type': 'application/json' }, body: '{' },
  'a form of another site': {
    headers: { ...RIGHT, origin: 'https://evil.example', 'content-type': 'application/x-www-form-urlencoded' },
    body: 'max_customers=1000',
  },
  'the store is down': { headers: RIGHT, broken: new ServiceError('STORE_UNAVAILABLE', 'Redis does not answer.') },
  'a bug': { headers: RIGHT, broken: new TypeError('boom at /srv/app/secret.ts') },
};

/** A desk, a feed and an intake whose every function fails. */
function breakAll(parts: ReturnType<typeof memoryApp>, error: unknown): void {
  for (const part of [parts.desk, parts.intake, parts.feed, parts.qiscus]) {
    for (const name of [...Object.keys(part), ...Object.getOwnPropertyNames(Object.getPrototypeOf(part))]) {
      if (name === 'constructor' || typeof Reflect.get(part, name) !== 'function' || name === 'subscribe') continue;
      Reflect.set(part, name, () => Promise.reject(error));
    }
  }
}

async function answer(route: Route, situation: (typeof SITUATIONS)[string], more: Record<string, string> = {}) {
  const parts = memoryApp(closedTokens);
  if (situation.broken !== undefined) breakAll(parts, situation.broken);
  const method = situation.method ?? route.method;
  const takesBody = method !== 'GET' && method !== 'OPTIONS';
  const body = takesBody
    ? (situation.body ?? (route.json === undefined ? undefined : JSON.stringify(route.json)))
    : undefined;
  const type: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
  const reply = await parts.send(method, route.path.replace(':token', WEBHOOK), {
    body,
    headers: { ...type, ...situation.headers, ...more },
  });
  return { reply, parts };
}

describe.each(Object.entries(SITUATIONS))('%s', (_, situation) => {
  test.each(routes.map((route) => [route.name, route] as const))('[S23 S25] %s', async (_, route) => {
    const { reply } = await answer(route, situation, { origin: 'https://evil.example' });
    const { headers } = reply;
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    // A page's own file may be kept, and is asked for again each time.
    const isFile = FILES.has(route.path) && reply.status === 200;
    expect(headers.get('cache-control')).toBe(isFile ? 'no-cache' : 'no-store');
    expect(headers.has('etag')).toBe(isFile);
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toStartWith("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe-eval|https?:|\*/);
    if (PAGES.has(route.path) && reply.status === 200 && route.method === (situation.method ?? route.method)) {
      expect(policy).toContain("script-src 'self'");
      expect(policy).toContain("form-action 'none'");
      expect(policy).toContain("base-uri 'none'");
    } else expect(policy).not.toContain('script-src');
    for (const name of headers.keys()) {
      expect(name).not.toMatch(/^(access-control-|set-cookie|server$|x-powered-by|location$|last-modified)/);
    }
    expect(headers.get('content-type') ?? '').toMatch(
      reply.status === 200 || reply.status === 202 ? /./ : /^application\/json/,
    );
    if (reply.status >= 400 && !(await isReadiness(route, reply))) {
      expect(Object.keys((await reply.clone().json()) as object)).toEqual(['status', 'code', 'message', 'request_id']);
    }
    await reply.body?.cancel();
  });
});

/** The readiness page tells in its own words what fails. */
async function isReadiness(route: Route, reply: Response): Promise<boolean> {
  return route.path === '/health/ready' && reply.status === 503;
}

describe('errors', () => {
  test('[S16] a bug in any part of any route: nothing of it in the reply, all of it in the log', async () => {
    let reached = 0;
    for (const route of routes) {
      for (const broken of [
        new Error('planted-marker at /srv/app/x.ts:1'),
        'planted-marker',
        { toString: () => 'planted-marker' },
      ]) {
        const { reply, parts } = await answer(route, { headers: RIGHT, broken });
        const text = route.path === '/api/v1/events' ? '' : await reply.text();
        expect([route.name, text.includes('planted-marker'), text.includes('/srv/app')]).toEqual([
          route.name,
          false,
          false,
        ]);
        if (reply.status !== 500) continue;
        reached += 1;
        expect(JSON.parse(text)).toMatchObject({ code: 'INTERNAL', request_id: reply.headers.get('x-request-id') });
        expect(parts.logged.join()).toContain(reply.headers.get('x-request-id') ?? '-');
      }
    }
    expect(reached).toBeGreaterThan(40);
  });

  test('[S17] no body of any route comes back, whatever is wrong with it', async () => {
    const person = { email: 'planted-mark@example.com', name: 'planted-mark', phone: 'planted-mark' };
    const bodies = [
      JSON.stringify({
        ...person,
        room_id: person,
        max_customers: person.email,
        url: `https://${person.name}`,
        paused: 'planted-mark',
      }),
      JSON.stringify([person]),
      JSON.stringify('planted-mark'),
      `{"planted-mark": planted-mark`,
      `{"planted-mark":{"__proto__":"planted-mark"}}`,
      `{"room_id":"planted mark ${'x'.repeat(100)}"}`,
    ];
    let refused = 0;
    for (const route of routes.filter(({ method }) => method !== 'GET')) {
      for (const body of bodies) {
        const { reply, parts } = await answer(route, { headers: RIGHT, body });
        const text = await reply.text();
        expect([route.name, body, /planted.mark/.test(text)]).toEqual([route.name, body, false]);
        expect(parts.logged.join()).not.toMatch(/planted.mark/);
        if (reply.status >= 400) refused += 1;
      }
    }
    expect(refused).toBeGreaterThan(30);
  });
});

describe("another site's page", () => {
  const hands = routes.filter(({ door, method }) => door === 'admin' && method !== 'GET');

  test.each(hands.map((route) => [route.name, route] as const))(
    '[S24] %s cannot be pressed from elsewhere',
    async (_, route) => {
      // What a form, an image, or a script without leave of ours can send; the browser adds the password that it remembers.
      const simple = ['application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'text/plain', ''];
      for (const type of simple) {
        const { reply } = await answer(route, {
          headers: { ...RIGHT, 'content-type': type },
          body: JSON.stringify(route.json ?? {}),
        });
        expect([type, reply.status]).toEqual([type, 415]);
      }
      for (const site of ['cross-site', 'same-site', 'bogus']) {
        const { reply } = await answer(route, { headers: { ...RIGHT, 'sec-fetch-site': site } });
        expect([site, reply.status]).toEqual([site, 403]);
      }
    },
  );

  test('[S24] reading changes nothing: no GET has an effect', async () => {
    for (const route of routes.filter(({ method }) => method === 'GET')) {
      const { parts, reply } = await answer(route, { headers: RIGHT });
      await reply.body?.cancel();
      const fresh = memoryApp(closedTokens);
      expect(
        JSON.stringify([parts.desk.agents, parts.desk.maxCustomers, [...parts.desk.rooms], parts.qiscus.urls]),
      ).toBe(JSON.stringify([fresh.desk.agents, fresh.desk.maxCustomers, [...fresh.desk.rooms], []]));
    }
  });
});

describe('on the wire', () => {
  const { app, desk } = memoryApp(closedTokens);
  const port = () => app.server?.port ?? 0;
  beforeAll(() => {
    app.listen({ ...LISTEN, hostname: '127.0.0.1', port: 0 });
  });
  afterAll(() => app.stop(true));

  test('[S41] a forged Host stands in no reply and leads nowhere', async () => {
    for (const host of [
      'evil.example',
      'evil.example:80',
      'evil.example/docs/',
      '[::1]',
      '',
      'a'.repeat(300),
      'evil.example\tx',
    ]) {
      for (const path of [
        '/',
        '/docs',
        '/docs/json',
        '/api/v1/agents',
        '/api/v1/settings/set_mark_as_resolved',
        '/nothing',
        '//evil.example/x',
      ]) {
        const reply = await raw(
          port(),
          `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nX-Forwarded-Host: evil.example\r\nAuthorization: Bearer ${ADMIN}\r\n\r\n`,
        );
        expect(reply.head + reply.body).not.toContain('evil.example');
        expect([200, 400, 404]).toContain(reply.status);
      }
    }
  });

  test.each([
    ['X-HTTP-Method-Override', 'DELETE'],
    ['X-HTTP-Method', 'DELETE'],
    ['X-Method-Override', 'DELETE'],
    ['X-Original-URL', '/api/v1/dead_letters/room-888'],
    ['X-Rewrite-URL', '/api/v1/dead_letters/room-888'],
  ])('[S24] %s overrides nothing', async (name, value) => {
    const before = desk.deadLetters.length;
    const head = `Host: localhost\r\nAuthorization: Bearer ${ADMIN}\r\n${name}: ${value}\r\n`;
    const post = await raw(
      port(),
      `POST /api/v1/dead_letters/room-888 HTTP/1.1\r\n${head}Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`,
    );
    const get = await raw(port(), `GET /api/v1/dead_letters?_method=DELETE HTTP/1.1\r\n${head}\r\n`);
    expect([post.status, codeOf(post), get.status]).toEqual([405, 'METHOD_NOT_ALLOWED', 200]);
    expect(desk.deadLetters.length).toBe(before);
  });

  test.each(['TRACE', 'CONNECT', 'PROPFIND', 'get', 'GETT', 'DEBUG'])(
    '[S25] the method %s opens nothing',
    async (method) => {
      const reply = await raw(
        port(),
        `${method} /api/v1/agents HTTP/1.1\r\nHost: localhost\r\nX-Secret-Echo: planted-mark\r\n\r\n`,
      );
      expect([0, 400, 401, 404, 405, 501]).toContain(reply.status);
      expect(reply.head + reply.body).not.toContain('planted-mark');
      expect(reply.body).not.toContain('agent_01');
    },
  );
});
