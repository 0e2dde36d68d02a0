/**
 * Who may come in: every route of the app with every kind of token, right and wrong; several valid at once; compared in
 * constant time.
 */
import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Door } from '../../src/http/auth';
import { tried } from '../support/evidence';
import { memoryApp } from '../support/memory-app';
import { allRoutes, type Route } from './routes';

const TOKENS = {
  webhook: ['webhook-token-that-is-current', 'webhook-token-that-was-before'],
  admin: ['admin-token-that-is-current-1', 'admin-token-that-was-before-1'],
  metrics: ['metrics-token-that-is-current', 'metrics-token-that-was-before'],
};
type Kind = keyof typeof TOKENS;
const KINDS: Kind[] = ['webhook', 'admin', 'metrics'];
const routes = await allRoutes();

/** An app of its own for each question: no count of wrong tokens goes over from one to the next. */
function freshApp() {
  return memoryApp((config) => {
    config.tokens = structuredClone(TOKENS);
  });
}

/** All the ways in which a caller may present a token, also those that do not count. */
const WAYS: Record<string, (token: string) => { headers?: Record<string, string>; query?: string; segment?: string }> =
  {
    bearer: (token) => ({ headers: { authorization: `Bearer ${token}` } }),
    basic: (token) => ({ headers: { authorization: `Basic ${btoa(`anybody:${token}`)}` } }),
    'basic, as user name': (token) => ({ headers: { authorization: `Basic ${btoa(`${token}:`)}` } }),
    'bare authorization': (token) => ({ headers: { authorization: token } }),
    header: (token) => ({ headers: { 'x-webhook-token': token } }),
    query: (token) => ({ query: `?token=${encodeURIComponent(token)}` }),
    path: (token) => ({ segment: encodeURIComponent(token) }),
    cookie: (token) => ({ headers: { cookie: `token=${token}; session=${token}; admin=${token}` } }),
  };
/** Which ways count at which door. */
const COUNTS: Record<Kind, string[]> = {
  webhook: ['header', 'query', 'path'],
  admin: ['bearer', 'basic'],
  metrics: ['bearer', 'basic'],
};

async function ask(route: Route, way: string, token: string): Promise<number> {
  const { headers = {}, query = '', segment } = WAYS[way]?.(token) ?? {};
  const takesSegment = route.path.endsWith('/:token');
  const path = takesSegment ? route.path.replace(':token', segment ?? '') : route.path;
  const reply = await freshApp().send(route.method, path + query, { json: route.json, headers });
  await reply.body?.cancel();
  return reply.status;
}

/** A path segment is a token only where the path has a place for one. */
const fits = (route: Route, way: string) => (way === 'path') === route.path.endsWith('/:token');
/** Is this way looked at for this route? On public pages too: what is presented must be right. */
const isLookedAt = (route: Route, way: string) => COUNTS[route.door === 'open' ? 'admin' : route.door].includes(way);

const wrongOnes = (kind: Kind): [string, string][] => {
  const [right = ''] = TOKENS[kind];
  return [
    ['wrong', 'x'.repeat(right.length)],
    ['a prefix', right.slice(0, -1)],
    ['a first letter', right.slice(0, 1)],
    ['one letter more', `${right}x`],
    ['another case', right.toUpperCase()],
    ['two at once', `${right},${TOKENS[kind][1]}`],
    ['reversed', [...right].reverse().join('')],
    ['very long', 'x'.repeat(5_000)],
    ...KINDS.filter((other) => other !== kind).map((other): [string, string] => [
      `a ${other} token`,
      TOKENS[other][0] ?? '',
    ]),
  ];
};

describe('every route', () => {
  test('[S01 S21] is listed once, and most of them are closed', () => {
    expect(routes.length).toBeGreaterThanOrEqual(29);
    expect(routes.filter(({ door }) => door !== 'open').length).toBeGreaterThanOrEqual(24);
    expect(routes.filter(({ door }) => door === 'open').map(({ path }) => path)).toEqual([
      '/health/live',
      '/health/ready',
      '/docs',
      '/docs/json',
      '/docs/assets/init.js',
    ]);
  });

  test.each(routes.map((route) => [route.name, route] as const))('[S01 S08 S21] %s', async (_, route) => {
    let asked = 0;
    const expectStatus = async (way: string, what: string, token: string, wanted: (status: number) => boolean) => {
      const status = await ask(route, way, token);
      asked += 1;
      expect([way, what, status, wanted(status)]).toEqual([way, what, status, true]);
    };
    const isRefused = (status: number) => status === 401;
    const isIn = (status: number) => [200, 202, 404, 409].includes(status);
    const own = route.door === 'open' ? 'admin' : route.door;

    // A public page looks at no other place; a user name comes with a password, the empty one.
    const isIgnored = (way: string) => route.door === 'open' && way !== 'basic, as user name';

    // None at all.
    if (!route.path.endsWith('/:token')) {
      const bare = await freshApp().send(route.method, route.path, { json: route.json });
      await bare.body?.cancel();
      expect(bare.status).toBe(route.door === 'open' ? 200 : 401);
    }
    for (const way of Object.keys(WAYS).filter((way) => fits(route, way))) {
      const counts = isLookedAt(route, way);
      for (const token of TOKENS[own]) {
        if (counts) await expectStatus(way, 'right', token, isIn);
        else await expectStatus(way, 'right, at a wrong place', token, isIgnored(way) ? isIn : isRefused);
      }
      for (const [what, token] of wrongOnes(own)) {
        await expectStatus(way, what, token, !counts && isIgnored(way) ? isIn : isRefused);
      }
    }
    tried(asked, 'S01');
    tried(asked, 'S21');
  });
});

describe('rotation', () => {
  test('[S04] both of two tokens are valid, one that was taken away is not', async () => {
    for (const route of routes.filter(({ door, path }) => door !== 'open' && !path.endsWith('/:token'))) {
      const own = route.door === 'open' ? 'admin' : route.door;
      const [way = ''] = COUNTS[own];
      const [current = '', before = ''] = TOKENS[own];
      expect(await ask(route, way, current)).not.toBe(401);
      expect(await ask(route, way, before)).not.toBe(401);
      const after = memoryApp((config) => {
        config.tokens = { ...structuredClone(TOKENS), [own]: [current] };
      });
      const { headers } = WAYS[way]?.(before) ?? {};
      expect((await after.send(route.method, route.path, { json: route.json, headers })).status).toBe(401);
    }
  });
});

describe('constant time', () => {
  test('[S02] a token of any length is compared, never an exception', () => {
    const door = new Door(TOKENS.admin.map((token) => [token, 'us']));
    for (let length = 0; length <= 4_096; length += length < 300 ? 1 : 97)
      expect(door.holders('é'.repeat(length))).toEqual([]);
    for (const odd of ['', '\0', '\ud800', TOKENS.admin.join(), `${TOKENS.admin[0]}\0`])
      expect(door.holders(odd)).toEqual([]);
    for (const right of TOKENS.admin) expect(door.holders(right)).toEqual(['us']);
    expect(new Door([]).holders('')).toEqual([]);
  });

  const http = (file: string) => readFileSync(join(import.meta.dir, '../../src/http', file), 'utf8');

  test('[S02] both sides are hashed: what is looked up tells nothing of a token, and digests are compared in constant time', () => {
    const body = /holders\(token: string\): readonly T\[\] \{\n([\s\S]*?)\n {2}\}/.exec(http('auth.ts'))?.[1] ?? '';
    expect(body.split('\n').map((line) => line.trim())).toEqual([
      'Bun.SHA256.hash(token, this.#digest);',
      'for (const { digest, holders } of this.#known.get(keyOf(this.#digest)) ?? NONE) {',
      'if (timingSafeEqual(digest, this.#digest)) return holders;',
      '}',
      'return NONE;',
    ]);
  });

  test('[S02] nothing else compares a token', () => {
    const files = [...new Bun.Glob('**/*.ts').scanSync(join(import.meta.dir, '../../src/http'))];
    const comparing =
      /\b(?:token|secret|password|presented)\w*\b\s*(?:[!=]==?)|(?:[!=]==?)\s*\w*(?:token|secret|password)\b|tokens\.\w+\.(?:includes|indexOf|some|find|has)\b/i;
    // Present or not is no comparison with a secret.
    const isPresence = /\b(?:token|presented)\w* [!=]== null/g;
    const lines = files.flatMap((file) =>
      http(file)
        .split('\n')
        .flatMap((line) => (comparing.test(line.replace(isPresence, '')) ? [`${file}: ${line.trim()}`] : [])),
    );
    expect(lines).toEqual([]);
    expect(comparing.test('if (token === config.tokens.admin[0])')).toBe(true);
    expect(comparing.test('config.tokens.webhook.includes(given)')).toBe(true);
  });
});
