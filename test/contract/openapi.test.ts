/**
 * The OpenAPI document: valid, complete, and true. Its examples are sent as they stand, and the replies must be of a
 * documented status with the documented fields.
 */
import { beforeAll, describe, expect, test } from 'bun:test';
import { validate } from '@scalar/openapi-parser';
import { ERROR_CODES } from '../../src/errors';
import { closedTokens } from '../support/config';
import { record } from '../support/desk';
import { memoryApp } from '../support/memory-app';

interface Media {
  example?: Record<string, unknown>;
  examples?: Record<string, { value: unknown }>;
}
interface Operation {
  summary?: string;
  description?: string;
  operationId: string;
  tags?: string[];
  security?: Record<string, unknown>[];
  parameters: { name: string; in: string; description?: string; example?: unknown }[];
  requestBody?: { required: boolean; content: Record<string, Media> };
  responses: Record<string, { description?: string; content?: Record<string, Media> }>;
}
interface Document {
  tags: { name: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: { securitySchemes: Record<string, unknown> };
}

const { app, send } = memoryApp();
let document: Document;
let operations: { name: string; method: string; path: string; operation: Operation }[];

beforeAll(async () => {
  document = (await (await send('GET', '/docs/json')).json()) as Document;
  operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      method: method.toUpperCase(),
      path,
      operation,
    })),
  );
});

test('is a valid OpenAPI document', async () => {
  const { valid, errors } = await validate(JSON.stringify(document));
  expect(errors ?? []).toEqual([]);
  expect(valid).toBe(true);
});

/** Routes that are pages, files, or the same operation with the token in its path. */
const UNDOCUMENTED = /^GET \/(docs.*|board.*)?$|\/:token$/;

test('has every route of the app, and no other', () => {
  const routes = app.routes
    .filter(({ method, path }) => !UNDOCUMENTED.test(`${method} ${path}`))
    .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`);
  expect(operations.map(({ name }) => name).sort()).toEqual([...new Set(routes)].sort());
  expect(operations.length).toBeGreaterThanOrEqual(18);
});

test('every operation is described, with examples, security, and codes that exist', () => {
  const ids = new Set<string>();
  for (const { name, method, path, operation } of operations) {
    const told = `${name}: `;
    expect(told + (operation.summary ?? '')).toMatch(/: .{5}/);
    expect(told + (operation.description ?? '')).toMatch(/: .{10}/);
    expect(document.tags.map((tag) => tag.name)).toContain(operation.tags?.[0] ?? told);
    ids.add(operation.operationId);

    const open = path.startsWith('/health');
    expect(told + (operation.security ?? []).length).toBe(told + (open ? 0 : 2));
    for (const scheme of (operation.security ?? []).flatMap(Object.keys)) {
      expect(Object.keys(document.components.securitySchemes)).toContain(scheme);
    }
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '');
    const parameters = operation.parameters.filter((parameter) => parameter.in === 'path');
    expect(parameters.map((parameter) => parameter.name)).toEqual(inPath);
    for (const parameter of parameters) expect(told + parameter.example).not.toBe(`${told}undefined`);

    expect(told + Boolean(operation.requestBody)).toBe(told + (method !== 'GET'));
    for (const media of Object.values(operation.requestBody?.content ?? {})) {
      expect(Object.keys(media.examples ?? {}).length).toBeGreaterThan(0);
    }
    for (const [status, { description, content }] of Object.entries(operation.responses)) {
      expect(`${told}${status} ${description ?? ''}`).toMatch(/\d{3} .{5}/);
      if (Number(status) < 400) continue;
      for (const [code, { value }] of Object.entries(content?.['application/json']?.examples ?? {})) {
        expect(value).toMatchObject({ status: 'error', code });
        expect(ERROR_CODES[code as keyof typeof ERROR_CODES] as number).toBe(Number(status));
      }
    }
  }
  expect(ids.size).toBe(operations.length);
});

const targetOf = (path: string, { parameters }: Operation) =>
  path.replace(/\{(\w+)\}/g, (_, wanted) => String(parameters.find(({ name }) => name === wanted)?.example));
const bodiesOf = ({ requestBody }: Operation) =>
  Object.values(requestBody?.content['application/json']?.examples ?? { none: { value: undefined } });

test('X-App-Id stands at the operations that look at it, and at no other', async () => {
  const fresh = memoryApp((config) => {
    config.qiscus.checkAppId = true;
  });
  const looking: string[] = [];
  for (const { name, method, path, operation } of operations) {
    const headers = { 'x-app-id': 'a-stranger' };
    const reply = await fresh.send(method, targetOf(path, operation), { json: bodiesOf(operation)[0]?.value, headers });
    if (reply.status === 404 && (await reply.text()).includes('APP_UNKNOWN')) looking.push(name);
    else await reply.body?.cancel();
  }
  const documented = operations.filter(({ operation }) => operation.parameters.some((one) => one.name === 'X-App-Id'));
  expect(documented.map(({ name }) => name)).toEqual(looking);
  expect(looking.length).toBeGreaterThan(10);
});

describe('its examples work', () => {
  test('every request example gets a documented success, with the documented fields', async () => {
    let sent = 0;
    for (const { name, method, path, operation } of operations) {
      const target = targetOf(path, operation);
      for (const { value } of bodiesOf(operation)) {
        const fresh = memoryApp();
        const [parked, letter] = [fresh.desk.rooms.get('888'), fresh.desk.deadLetters[0]];
        if (parked && path.endsWith('/requeue') && JSON.stringify(value) === '{}')
          fresh.desk.rooms.set('12345', { ...parked, roomId: '12345' });
        if (letter) fresh.desk.deadLetters = [{ ...letter, id: 'room-12345', roomId: '12345' }];
        fresh.feed.add(record(1));
        const reply = await fresh.send(method, target, { json: value });
        const documented = operation.responses[String(reply.status)]?.content ?? {};
        expect(`${name} ${reply.status}`).toMatch(/ 20[02]$/);
        expect(`${name} ${Object.keys(documented)[0]}`).toBe(
          `${name} ${reply.headers.get('content-type')?.split(';')[0]}`,
        );
        const example = documented['application/json']?.example;
        if (example) {
          const body = (await reply.json()) as Record<string, unknown>;
          for (const key of Object.keys(example)) expect(`${name} ${Object.keys(body)}`).toContain(key);
        } else await reply.body?.cancel();
        sent += 1;
      }
    }
    expect(sent).toBeGreaterThan(operations.length);
  });
});

test('a wrong token is answered as documented, also where none is needed', async () => {
  const closed = memoryApp(closedTokens);
  const headers = { authorization: 'Bearer wrong', 'x-webhook-token': 'wrong' };
  for (const { name, method, path, operation } of operations) {
    const reply = await closed.send(method, targetOf(path, operation), {
      json: bodiesOf(operation)[0]?.value,
      headers,
    });
    const { code } = (await reply.json()) as { code: string };
    const documented = operation.responses[String(reply.status)]?.content?.['application/json']?.examples ?? {};
    expect([name, code, Object.keys(documented)]).toEqual([name, 'UNAUTHORIZED', ['UNAUTHORIZED']]);
  }
});

test('a sandbox says so in the document', async () => {
  expect(JSON.stringify(document)).toContain('**Sandbox**');
  const real = memoryApp((config) => {
    config.sandbox = false;
  });
  expect(await (await real.send('GET', '/docs/json')).text()).not.toContain('**Sandbox**');
});
