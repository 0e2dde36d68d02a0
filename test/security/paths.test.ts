/** Paths that pretend: no spelling leads past the gate, and an id in a path is an id, whatever is in it. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { LISTEN } from '../../src/app';
import { ADMIN, closedTokens } from '../support/config';
import { tried } from '../support/evidence';
import { memoryApp } from '../support/memory-app';
import { allRoutes } from './routes';
import { raw } from './wire';

const { app, desk } = memoryApp(closedTokens);
beforeAll(() => {
  app.listen({ ...LISTEN, hostname: '127.0.0.1', port: 0 });
});
afterAll(() => app.stop(true));

const get = (path: string, headers = '', method = 'GET', version = '1.1') =>
  raw(app.server?.port ?? 0, `${method} ${path} HTTP/${version}\r\nHost: localhost\r\n${headers}\r\n`);
const AS_ADMIN = `Authorization: Bearer ${ADMIN}\r\n`;

/** Spellings of a path that some server, proxy or framework somewhere takes for the path itself. */
const spellings = (path: string): string[] => {
  const inner = path.slice(1);
  const last = path.lastIndexOf('/');
  const [before, end] = [path.slice(0, last), path.slice(last + 1)];
  return [
    `//${inner}`,
    `/./${inner}`,
    `/%2e/${inner}`,
    `/docs/../${inner}`,
    `/docs/%2e%2e/${inner}`,
    `/docs/..%2f${inner}`,
    `/docs/%2e%2e%2f${inner}`,
    `/docs/..;/${inner}`,
    `/docs;/../${inner}`,
    `/health/../${inner}`,
    `/health/%2e%2e/${inner}`,
    `/docs\\..\\${inner}`,
    `/docs/..\\${inner}`,
    `/docs%2f..%2f${inner}`,
    `/docs/%252e%252e/${inner}`,
    `/docs//../${inner}`,
    `/docs/.//../${inner}`,
    `/docs/%00/../${inner}`,
    `/docs#/../${inner}`,
    `/docs?/../${inner}`,
    `/docs/json/../..${path}`,
    `/docs/assets/../..${path}`,
    `/docs/assets/..%2f..%2f${inner}`,
    `/health/live/../..${path}`,
    `/%64ocs/..${path}`,
    `${path}/`,
    `${path}//`,
    `${path}/.`,
    `${path}%2f`,
    `${path}/..;/`,
    `${path}%20`,
    `${path}%09`,
    `${path}%00`,
    `${path};a=b`,
    `${path}.json`,
    `${path}?x=/docs/`,
    `${path}#/docs/`,
    `${before}/%2e/${end}`,
    `${before}//${end}`,
    path.toUpperCase(),
    path.replace(/a/g, '%61'),
    path.replace(/\//g, '%2f').replace('%2f', '/'),
    `http://localhost${path}`,
    `http://localhost/docs/..${path}`,
    `http://x/docs/@localhost${path}`,
    `https://localhost${path}`,
    `/x@y:z${path}`,
    `/docs/..%c0%af${inner}`,
    `/docs/..%ef%bc%8f${inner}`,
    `/docs/．．/${inner}`,
    `/docs/\u2025/${inner}`,
  ]; // prettier-ignore
};

test('[S21] no spelling of any closed path is open without a token', async () => {
  const closed = (await allRoutes()).filter(
    ({ method, door }) => method === 'GET' && (door === 'admin' || door === 'metrics'),
  );
  const seen = new Set<number>();
  let asked = 0;
  for (const { path } of closed.filter(({ path }) => path !== '/')) {
    for (const spelling of spellings(path)) {
      const { status, body } = await get(Buffer.from(spelling).toString('latin1'));
      seen.add(status);
      asked += 1;
      // What begins like a public page may be one: then it shows only that, and nothing of ours.
      const isPublic =
        status === 200 && /<title>Agent Allocation: settings console|^\{"openapi"|^\{"status":"success"\}$/.test(body);
      expect([spelling, isPublic || [400, 401, 404, 505].includes(status)]).toEqual([spelling, true]);
      expect(body).not.toMatch(/agent_01|caa_|"records"|"rooms"|max_customers":\d/);
    }
  }
  expect(asked).toBeGreaterThan(600);
  expect(seen.has(401)).toBe(true);
  tried(asked, 'S21');
});

test('[S21] HTTP/1.0 without a Host, where the path is all that there is, opens nothing either', async () => {
  for (const path of [
    '/api/v1/agents',
    '/docs/../api/v1/agents',
    '/xxxxxx/docs/../api/v1/agents',
    '/docsxx/api/v1/agents',
    '/metrics',
  ]) {
    const reply = await raw(app.server?.port ?? 0, `GET ${path} HTTP/1.0\r\n\r\n`);
    expect([path, [0, 400, 401, 404].includes(reply.status)]).toEqual([path, true]);
    expect(reply.body).not.toContain('agent_01');
  }
});

describe('ids in paths', () => {
  const odd = [
    'agent_01%2f',
    'agent_01%2f..%2fagent_02',
    '..%2fagents',
    '%2e%2e',
    'agent_01%00',
    'agent_01%0a',
    'agent_01%20',
    'AGENT_01',
    'agent%5f0١',
    '%c0%ae%c0%ae',
    '%ff',
    '%',
    '%zz',
    '%u0061',
    'a'.repeat(4_000),
    '{agent_01}',
    '*',
    '__proto__',
    'constructor',
    "'%20or%201=1",
    '%F0%9F%99%82',
  ]; // prettier-ignore

  test.each(odd)('[S34] %p is nobody', async (id) => {
    for (const [method, path] of [
      ['GET', `/api/v1/agents/${id}`],
      ['GET', `/api/v1/rooms/${id}`],
      ['PATCH', `/api/v1/agents/${id}`],
      ['POST', `/api/v1/rooms/${id}/release`],
      ['POST', `/api/v1/rooms/${id}/requeue`],
      ['POST', `/api/v1/dead_letters/${id}/replay`],
      ['DELETE', `/api/v1/dead_letters/${id}`],
    ] as const) {
      const body = method === 'PATCH' ? '{"paused":true}' : '{}';
      const more = method === 'GET' ? '' : `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n`;
      const reply = await raw(
        app.server?.port ?? 0,
        `${method} ${Buffer.from(path).toString('latin1')} HTTP/1.1\r\nHost: localhost\r\n${AS_ADMIN}${more}\r\n${method === 'GET' ? '' : body}`,
      );
      expect([method, path.slice(0, 80), [400, 404, 405, 422].includes(reply.status), reply.status]).toEqual([
        method,
        path.slice(0, 80),
        true,
        reply.status,
      ]);
      expect(reply.body).not.toContain('agent_02');
    }
    expect(desk.agents.every(({ paused }) => !paused)).toBe(true);
    expect(desk.deadLetters).toHaveLength(2);
  });

  test('[S34] a percent-encoded id is the id', async () => {
    expect((await get('/api/v1/agents/%61gent_01', AS_ADMIN)).body).toContain('"id":"agent_01"');
  });

  test.each([
    '../index.ts',
    '..%2f..%2fpackage.json',
    '%2e%2e%2fdocs%2findex.ts',
    '....//x',
    '/etc/passwd',
    '%2fetc%2fpasswd',
    'swagger-ui.css%00.js',
    'SWAGGER-UI.CSS',
    '.env',
    'package.json',
    '__proto__',
  ])('[S22] the file %p is not given out', async (file) => {
    const reply = await get(`/docs/assets/${file}`);
    expect([file, [400, 401, 404].includes(reply.status)]).toEqual([file, true]);
    expect(reply.body).not.toMatch(/root:|dependencies|import /);
  });
});
