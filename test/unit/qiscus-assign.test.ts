/** assign_agent, over real HTTP: what is sent, and what each answer means. */
import { describe, expect, test } from 'bun:test';
import { readdirSync } from 'node:fs';
import { readRetryAfter } from '../../src/qiscus/call';
import { createQiscusClient } from '../../src/qiscus/client';
import type { AssignOutcome } from '../../src/qiscus/model';
import {
  dropped,
  FIXTURES,
  fixture,
  HASTY,
  json,
  never,
  qiscusSuite,
  SECRET,
  trickling,
} from '../support/qiscus-server';

const { connect, assign } = qiscusSuite();

describe('assign_agent', () => {
  test('sends the form that Qiscus documents, with app id and secret', async () => {
    const { seen } = await assign(() => json({ data: { added_agent: { id: 150851 } } }), {});
    const call = seen[0]!;
    expect(call.method).toBe('POST');
    expect(call.path).toBe('/api/v1/admin/service/assign_agent');
    expect(call.headers.get('content-type')).toStartWith('application/x-www-form-urlencoded');
    expect(call.headers.get('qiscus-app-id')).toBe('app-1');
    expect(call.headers.get('qiscus-secret-key')).toBe(SECRET);
    expect(Object.fromEntries(new URLSearchParams(call.body))).toEqual({
      room_id: '273683234',
      agent_id: '150851',
      replace_latest_agent: 'false',
      max_agent: '1',
    });
  });

  test('a base URL with a slash at its end reaches the same path', async () => {
    const { server, seen } = connect(() => json({ data: { added_agent: { id: 1 } } }));
    const options = { appId: 'a', secret: 's', email: null, password: null, timeoutMs: 10_000 };
    await createQiscusClient({ ...options, baseUrl: `${server.url.origin}/` }).assignAgent('1', '1');
    expect(seen[0]?.path).toBe('/api/v1/admin/service/assign_agent');
  });

  test.each([
    ['api-assign-agent-full.json', { kind: 'assigned' }],
    ['api-assign-agent-with-service-2025.json', { kind: 'assigned' }],
    ['api-assign-agent-minimal.json', { kind: 'unknown', sent: true, reason: 'answer names another agent' }],
  ] as const)('%s', async (name, expected) => {
    const body = await fixture(name);
    expect((await assign(() => json(body))).outcome).toEqual(expected);
  });

  test('the added agent may be named by text', async () => {
    expect((await assign(() => json({ data: { added_agent: { id: '150851' } } }))).outcome).toEqual({
      kind: 'assigned',
    });
  });

  const errors: Record<string, AssignOutcome> = {
    'error-400-assign-exceed-max-agents.json': { kind: 'occupied' },
    'error-400-assign-room-already-resolved.json': { kind: 'resolved' },
    'error-400-malformed-request.json': { kind: 'refused', status: 400 },
    'error-400-sdk-missing-app-code.json': { kind: 'refused', status: 400 },
    'error-400-sdk-validation.json': { kind: 'refused', status: 400 },
    'error-403-v1-agents.json': { kind: 'denied', status: 403 },
  };
  test('no error fixture is forgotten', () => {
    const names = readdirSync(FIXTURES).filter((name) => name.startsWith('error-'));
    expect(names.sort()).toEqual(Object.keys(errors).sort());
  });
  test.each(Object.entries(errors))('%s', async (name, expected) => {
    const { http_status, body } = await fixture(name);
    expect((await assign(() => json(body, http_status))).outcome).toEqual(expected);
  });

  const texts = { occupied: 'Cant join room, EXCEED max agents', resolved: 'Room ALREADY resolved' };
  const envelopes: [string, (message: string) => string][] = [
    ['errors.message', (message) => JSON.stringify({ errors: { message } })],
    ['errors', (message) => JSON.stringify({ errors: message, status: 400 })],
    ['errors list', (message) => JSON.stringify({ errors: [message] })],
    ['error.message', (message) => JSON.stringify({ error: { message }, status: 400 })],
    ['message', (message) => JSON.stringify({ message })],
    ['plain text', (message) => message],
    ['JSON text', (message) => JSON.stringify(message)],
    ['an HTML page', (message) => `<html><body><h1>${message}</h1></body></html>`],
  ];
  for (const status of [400, 422, 200])
    for (const [envelope, wrap] of envelopes)
      test(`text in ${envelope} under ${status}`, async () => {
        expect((await assign(() => new Response(wrap(texts.occupied), { status }))).outcome).toEqual({
          kind: 'occupied',
        });
        expect((await assign(() => new Response(wrap(texts.resolved), { status }))).outcome).toEqual({
          kind: 'resolved',
        });
      });

  test('words in data are not an error text', async () => {
    const data = { added_agent: { id: 7, name: 'already resolved' } };
    expect((await assign(() => json({ data }))).outcome.kind).toBe('unknown');
  });

  test.each([401, 402, 403])('[F31] %i: Qiscus refuses us', async (status) => {
    expect((await assign(() => json({}, status))).outcome).toEqual({ kind: 'denied', status });
  });

  test.each([404, 409, 422])('[F32 F33] %i: definitely not done', async (status) => {
    expect((await assign(() => new Response('<html>no</html>', { status }))).outcome).toEqual({
      kind: 'refused',
      status,
    });
  });

  test.each([408, 425, 500, 502, 503, 504])('[F28] %i: unknown, whatever the text says', async (status) => {
    const { outcome } = await assign(() => new Response('room already resolved', { status }));
    expect(outcome).toEqual({ kind: 'unknown', sent: true, reason: `status ${status}` });
  });

  test.each([
    ['7', 7000],
    ['100000', 300_000],
    [undefined, null],
    ['soon', null],
  ] as const)('429 with Retry-After %p', async (value, retryAfterMs) => {
    const headers: Record<string, string> = value === undefined ? {} : { 'retry-after': value };
    expect((await assign(() => json({}, 429, headers))).outcome).toEqual({ kind: 'slowed', retryAfterMs });
  });

  test('[F29] Retry-After as a date', () => {
    const nowMs = Date.UTC(2026, 0, 1);
    expect(readRetryAfter(new Date(nowMs + 9000).toUTCString(), nowMs)).toBe(9000);
    expect(readRetryAfter(new Date(nowMs - 9000).toUTCString(), nowMs)).toBe(0);
  });

  test.each([
    ['not JSON', '<html>fine</html>'],
    ['cut JSON', '{"data":{"added_agent":{"id":1508'],
    ['empty', ''],
    ['null', 'null'],
    ['no agent', '{"data":{}}'],
    ['too large', ' '.repeat(300 * 1024)],
  ])('200 with a body that is %s: unknown', async (_, body) => {
    expect((await assign(() => new Response(body))).outcome).toMatchObject({ kind: 'unknown', sent: true });
  });

  test('[F35] a 400 whose body is cut says too little to call it a refusal', async () => {
    const cut = new ReadableStream({
      async start(controller) {
        controller.enqueue('{"errors":');
        await Bun.sleep(5);
        controller.error();
      },
    });
    expect((await assign(() => new Response(cut, { status: 400 }))).outcome.kind).toBe('unknown');
  });

  test('[F28 F37] a reset is unknown and is not sent again', async () => {
    const { outcome, seen } = await assign(dropped);
    expect(outcome).toEqual({ kind: 'unknown', sent: true, reason: 'connection lost' });
    expect(seen).toHaveLength(1);
  });

  test('[F37] a connection that is used again and then dies carries the call once', async () => {
    const { client, seen } = connect((_, nth) =>
      nth === 1 ? json({ data: { added_agent: { id: '1' } } }) : dropped(),
    );
    expect(await client.assignAgent('1', '1')).toEqual({ kind: 'assigned' });
    expect((await client.assignAgent('2', '1')).kind).toBe('unknown');
    expect(seen).toHaveLength(2);
  });

  test.each([
    ['silent', never],
    ['trickling', () => trickling('{"data":{"added_agent":{"id":150851}}}')],
  ] as const)('[F36] a %s server costs no more than the time-out', async (_, behave) => {
    // Neither ever ends: without the time-out this test would not.
    expect((await assign(behave, HASTY)).outcome).toMatchObject({ kind: 'unknown', sent: true });
  });

  test('nobody listens, or no such host: not sent', async () => {
    const { client, server } = connect(never);
    await server.stop(true);
    const expected = { kind: 'unknown', sent: false, reason: 'connection refused' } as const;
    expect(await client.assignAgent('1', '2')).toEqual(expected);
    const { client: lost } = connect(never, { baseUrl: 'http://nowhere.invalid' });
    expect(await lost.assignAgent('1', '2')).toMatchObject({ kind: 'unknown', sent: false });
  });

  test.each([301, 302, 303, 307, 308])('[F38 S28] %i is not followed: the secret stays here', async (status) => {
    const other = connect(() => json({ data: { added_agent: { id: 150851 } } }));
    const { outcome } = await assign(
      () => new Response(null, { status, headers: { location: other.server.url.href } }),
    );
    expect(outcome).toEqual({ kind: 'unknown', sent: true, reason: 'redirected' });
    expect(other.seen).toEqual([]);
  });

  test('[S26 S27] no outcome holds the secret or a word of the answer', async () => {
    const leak = 'planted-in-the-answer';
    for (const status of [200, 400, 401, 404, 429, 500])
      expect(JSON.stringify((await assign(() => json({ leak }, status))).outcome)).not.toContain('planted');
    const { client } = connect(dropped, { email: 'a@example.com', password: 'the-password', settingPatienceMs: 1 });
    const outcomes = [
      await client.listAgents(),
      await client.readRoom('1'),
      await client.setResolveWebhook('https://x.example', true),
    ];
    for (const word of [SECRET, 'the-password', 'http']) expect(JSON.stringify(outcomes)).not.toContain(word);
  });
});
