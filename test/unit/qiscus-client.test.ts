/**
 * The client against real HTTP servers that answer whatever a test tells them to.
 */
import { afterEach, describe, expect, test } from 'bun:test';
import { readdirSync } from 'node:fs';
import { readRetryAfter } from '../../src/qiscus/call';
import { createQiscusClient, type QiscusClientOptions } from '../../src/qiscus/client';
import type { AssignOutcome } from '../../src/qiscus/model';

const FIXTURES = new URL('../fixtures/', import.meta.url);
const SECRET = 'the-app-secret';
const TIMEOUT_MS = 300;

interface Seen {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: Headers;
  body: string;
}
type Behaviour = (request: Seen, nth: number) => Response | Promise<Response>;

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

/** A server that answers by `behave`, and a client for it. */
function connect(behave: Behaviour, options: Partial<QiscusClientOptions> = {}) {
  const seen: Seen[] = [];
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 0,
    development: false,
    async fetch(request) {
      const url = new URL(request.url);
      const body = await request.text();
      const call = {
        method: request.method,
        path: url.pathname,
        query: url.searchParams,
        headers: request.headers,
        body,
      };
      seen.push(call);
      return behave(call, seen.length);
    },
  });
  stops.push(() => server.stop(true));
  const client = createQiscusClient({
    baseUrl: server.url.origin,
    appId: 'app-1',
    secret: SECRET,
    email: null,
    password: null,
    timeoutMs: TIMEOUT_MS,
    ...options,
  });
  return { client, seen, server };
}

const json = (body: unknown, status = 200, headers: Record<string, string> = {}) =>
  Response.json(body, { status, headers });
const fixture = (name: string) => Bun.file(new URL(name, FIXTURES)).json();
const never = () => new Promise<Response>(() => {});
const dropped = () => new Response(new ReadableStream({ start: (controller) => controller.error() }));

/** A body that never ends and never is silent for long. */
function trickling(first: string): Response {
  let timer: Timer | undefined;
  return new Response(
    new ReadableStream({
      start(controller) {
        controller.enqueue(first);
        timer = setInterval(() => controller.enqueue(' '), 20);
      },
      cancel: () => clearInterval(timer),
    }),
  );
}

async function assign(behave: Behaviour, options: Partial<QiscusClientOptions> = {}) {
  const { client, seen } = connect(behave, options);
  return { outcome: await client.assignAgent('273683234', '150851'), seen };
}

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
    const options = { appId: 'a', secret: 's', email: null, password: null, timeoutMs: TIMEOUT_MS };
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
    const begunMs = performance.now();
    expect((await assign(behave)).outcome).toMatchObject({ kind: 'unknown', sent: true });
    expect(performance.now() - begunMs).toBeLessThan(TIMEOUT_MS + 2_000);
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

describe('the list of agents', () => {
  const agent = (id: number | string, more: object = {}) => ({ id, name: `Agent ${id}`, is_available: true, ...more });
  const many = (count: number, from = 1) => Array.from({ length: count }, (_, i) => agent(from + i));
  const ids = async (client: ReturnType<typeof connect>['client']) => {
    const reading = await client.listAgents();
    return reading.kind === 'agents' ? reading.agents.map(({ id }) => id) : reading;
  };
  const upTo = (count: number) => Array.from({ length: count }, (_, i) => String(i + 1));

  test('api-agents-v2-list.json', async () => {
    const { client, seen } = connect(async () => json(await fixture('api-agents-v2-list.json')));
    expect(await client.listAgents()).toEqual({
      kind: 'agents',
      agents: [
        { id: '150851', name: 'agent a', online: true, channelIds: ['5603'], customerCount: 0 },
        { id: '150880', name: 'agent b', online: true, channelIds: ['5603'], customerCount: 2 },
        { id: '150892', name: 'agent c', online: false, channelIds: ['5603'], customerCount: 0 },
      ],
    });
    expect(seen).toHaveLength(1);
    expect(seen[0]?.query.get('user_type_scope')).toBe('agent');
    expect(seen[0]?.headers.get('qiscus-secret-key')).toBe(SECRET);
  });

  test('api-agents-v2-list-empty.json', async () => {
    const { client } = connect(async () => json(await fixture('api-agents-v2-list-empty.json')));
    expect(await client.listAgents()).toEqual({ kind: 'agents', agents: [] });
  });

  test.each(['api-available-agents-v2.json', 'api-other-agents-v2.json'])('%s has the same rows', async (name) => {
    const { client } = connect(async () => json(await fixture(name)));
    expect(await client.listAgents()).toMatchObject({ kind: 'agents' });
  });

  test('agents only; presence, channels and counts in every form', async () => {
    const rows = [
      agent(1, { type: 1, type_as_string: 'admin' }),
      agent(2, { type: 3, type_as_string: 'supervisor' }),
      agent('agent_03', { type: 2, type_as_string: 'agent', user_channels: [{ id: 5 }, { id: 'x' }] }),
      agent(4, { user_channels: null, current_customer_count: 3 }),
      agent(5, { user_channels: [], force_offline: true, current_customer_count: null }),
      agent(6, { is_available: false, force_offline: null, name: null, current_customer_count: -1 }),
    ];
    const { client } = connect(() => json({ data: { agents: rows }, meta: { total_count: 6 } }));
    expect(await client.listAgents()).toEqual({
      kind: 'agents',
      agents: [
        { id: 'agent_03', name: 'Agent agent_03', online: true, channelIds: ['5', 'x'], customerCount: null },
        { id: '4', name: 'Agent 4', online: true, channelIds: null, customerCount: 3 },
        { id: '5', name: 'Agent 5', online: false, channelIds: [], customerCount: null },
        { id: '6', name: '6', online: false, channelIds: null, customerCount: null },
      ],
    });
  });

  const byPage = (total: number, meta: (page: number) => unknown) =>
    connect(({ query }) => {
      const page = Number(query.get('page') ?? 1);
      return json({ data: { agents: many(total).slice((page - 1) * 20, page * 20) }, meta: meta(page) });
    });

  test.each([
    ['total_page', (page: number) => ({ page, total_page: 3 }), 3],
    ['total_count', () => ({ per_page: 20, total_count: 45 }), 3],
    ['total', () => ({ limit: 20, total: 45 }), 3],
    ['nothing but per_page', () => ({ per_page: 20, total_count: null }), 4],
    ['an empty meta', () => ({}), 4],
    ['no meta', () => undefined, 4],
  ])('pages by %s, although Qiscus caps the limit at 20', async (_, meta, calls) => {
    const { client, seen } = byPage(45, meta);
    expect(await ids(client)).toEqual(upTo(45));
    expect(seen).toHaveLength(calls);
  });

  const byCursor = (key: 'after' | 'cursor_after', cursor: (at: number) => unknown, end: unknown) =>
    connect(({ query }) => {
      const at = Number((query.get('cursor_after') ?? '0').replace('c', ''));
      const next = at + 20 < 45 ? cursor(at + 20) : end;
      return json({
        data: { agents: many(45).slice(at, at + 20) },
        meta: { [key]: next, per_page: 20, total_count: null },
      });
    });

  test.each([
    ['after', (at: number) => `c${at}`, null],
    ['after', (at: number) => at, ''],
    ['cursor_after', (at: number) => at, null],
  ] as const)('pages by %s', async (key, cursor, end) => {
    const { client, seen } = byCursor(key, cursor, end);
    expect(await ids(client)).toEqual(upTo(45));
    expect(seen).toHaveLength(3);
  });

  test('a page that repeats ends the reading', async () => {
    for (const meta of [{ total_page: 900 }, { total_count: 5000 }, { after: 'same' }, {}]) {
      const { client, seen } = connect(() => json({ data: { agents: many(20) }, meta }));
      expect(await ids(client)).toEqual(upTo(20));
      expect(seen).toHaveLength(2);
    }
  });

  test('agents that move from page to page are named once', async () => {
    const { client } = connect(({ query }) =>
      json({ data: { agents: query.get('page') === '1' ? many(20) : many(20, 15) }, meta: { total_page: 2 } }),
    );
    expect(await ids(client)).toEqual(upTo(34));
  });

  test('a list that never ends is a failure, after a thousand pages', async () => {
    const { client, seen } = connect((_, nth) => json({ data: { agents: many(1, nth) } }), { timeoutMs: 5000 });
    expect(await client.listAgents()).toMatchObject({ kind: 'failed' });
    expect(seen).toHaveLength(1000);
  }, 20_000);

  test.each([
    ['500', () => json({}, 500), { kind: 'failed', reason: 'status 500' }],
    ['401', () => json({}, 401), { kind: 'denied', status: 401 }],
    ['429', () => json({}, 429, { 'retry-after': '2' }), { kind: 'slowed', retryAfterMs: 2000 }],
    ['reset', dropped, { kind: 'failed', reason: 'connection lost' }],
    ['garbage', () => new Response('<html>'), { kind: 'failed', reason: 'unreadable answer' }],
    [
      'an agent without id',
      () => json({ data: { agents: [{ name: 'x' }] } }),
      { kind: 'failed', reason: 'unreadable answer' },
    ],
    [
      'unreadable channels',
      () => json({ data: { agents: [agent(1, { user_channels: 'all' })] } }),
      { kind: 'failed', reason: 'unreadable answer' },
    ],
  ] as const)('all or nothing: page two is %s', async (_, second, expected) => {
    const { client } = connect((_call, nth) =>
      nth === 1 ? json({ data: { agents: many(20) }, meta: { total_page: 2 } }) : second(),
    );
    expect(await client.listAgents()).toEqual(expected);
  });
});

describe('rooms', () => {
  test('api-customer-room-detail.json', async () => {
    const { client, seen } = connect(async () => json(await fixture('api-customer-room-detail.json')));
    expect(await client.readRoom('273683234')).toEqual({ kind: 'room', resolved: false });
    expect(seen[0]).toMatchObject({ method: 'GET', path: '/api/v2/customer_rooms/273683234' });
  });

  test.each([
    ['resolved', () => json({ data: { customer_room: { is_resolved: true } } }), { kind: 'room', resolved: true }],
    ['404', () => json({}, 404), { kind: 'missing' }],
    ['400 not found', () => json({ errors: { message: 'Room not found' } }, 400), { kind: 'missing' }],
    ['400', () => json({ errors: 'Malformed request' }, 400), { kind: 'failed', reason: 'status 400' }],
    ['500', () => json({}, 500), { kind: 'failed', reason: 'status 500' }],
    ['no JSON', () => new Response('ok'), { kind: 'failed', reason: 'unreadable answer' }],
    [
      'another room',
      () => json({ data: { customer_room: { room_id: 8, is_resolved: true } } }),
      { kind: 'failed', reason: 'answer names another room' },
    ],
    ['silence', never, { kind: 'failed', reason: 'timed out' }],
  ] as const)('a reading of %s', async (_, behave, expected) => {
    expect(await connect(behave).client.readRoom('7')).toEqual(expected);
  });

  test('remove_agent: true only when Qiscus said yes', async () => {
    const { client, seen } = connect(() => json({ data: {} }));
    expect(await client.removeAgent('7', '9')).toBe(true);
    expect(seen[0]).toMatchObject({ path: '/api/v1/admin/service/remove_agent', body: 'room_id=7&agent_id=9' });
    for (const behave of [() => json({ data: {} }, 400), () => new Response('no'), dropped, () => json({}, 500)])
      expect(await connect(behave).client.removeAgent('7', '9')).toBe(false);
  });
});

describe('the resolve webhook', () => {
  const URL_SET = 'https://router.example.com/api/v1/webhook/mark_as_resolved';
  const admin = { email: 'admin@example.com', password: 'the-password' };
  const stored = { data: { mark_as_resolved_webhook_url: URL_SET, is_mark_as_resolved_webhook_enabled: true } };
  const isLogin = (call: Seen) => call.path === '/api/v1/auth';
  const login = (token: string) => json({ data: { user: { authentication_token: token } } });

  test('logs in, sets with the admin token alone, answers what Qiscus stored', async () => {
    const { client, seen } = connect(
      async (call) => json(await fixture(isLogin(call) ? 'api-auth.json' : 'api-set-webhook-mark-as-resolved.json')),
      admin,
    );
    const expected = { kind: 'set', url: 'https://example.com/webhook/resolved', enabled: true } as const;
    expect(await client.setResolveWebhook(URL_SET, true)).toEqual(expected);
    const [auth, set] = seen;
    expect(JSON.parse(auth?.body ?? '')).toEqual(admin);
    expect(auth?.headers.get('qiscus-secret-key')).toBeNull();
    expect(set?.path).toBe('/api/v1/app/webhook/mark_as_resolved');
    expect(set?.headers.get('authorization')).toBe('DUMMY_AUTHENTICATION_TOKEN');
    expect(set?.headers.get('qiscus-app-id')).toBe('app-1');
    expect(set?.headers.get('qiscus-secret-key')).toBeNull();
    const form = await new Response(set?.body, {
      headers: { 'content-type': set?.headers.get('content-type') ?? '' },
    }).formData();
    expect(Object.fromEntries(form)).toEqual({ webhook_url: URL_SET, is_webhook_enabled: 'true' });
  });

  test('keeps the token, and logs in once more when it is no longer taken', async () => {
    let logins = 0;
    let valid = 'token-1';
    const { client, seen } = connect((call) => {
      if (isLogin(call)) return login(`token-${++logins}`);
      return call.headers.get('authorization') === valid ? json(stored) : json({}, 401);
    }, admin);
    await client.setResolveWebhook(URL_SET, true);
    await client.setResolveWebhook(URL_SET, true);
    expect(logins).toBe(1);
    valid = 'token-2';
    expect((await client.setResolveWebhook(URL_SET, true)).kind).toBe('set');
    expect(logins).toBe(2);
    valid = 'none';
    seen.length = 0;
    expect(await client.setResolveWebhook(URL_SET, true)).toEqual({ kind: 'refused', reason: 'status 401' });
    expect(seen.map(isLogin)).toEqual([false, true, false]);
  });

  test('without a login the app secret is tried', async () => {
    const { client, seen } = connect(() => json(stored));
    expect((await client.setResolveWebhook(URL_SET, false)).kind).toBe('set');
    expect(seen).toHaveLength(1);
    expect(seen[0]?.headers.get('qiscus-secret-key')).toBe(SECRET);
  });

  test.each([400, 401, 404, 422, 429])('%i is a no, at once', async (status) => {
    const { client, seen } = connect(() => json(stored, status));
    expect(await client.setResolveWebhook(URL_SET, true)).toEqual({ kind: 'refused', reason: `status ${status}` });
    expect(seen).toHaveLength(1);
  });

  test('a wrong password is a no', async () => {
    const { client } = connect((call) => (isLogin(call) ? json({}, 401) : json(stored)), admin);
    expect(await client.setResolveWebhook(URL_SET, true)).toEqual({ kind: 'refused', reason: 'status 401' });
  });

  test('the other webhook of the record is not taken for ours', async () => {
    const data = { allocate_agent_webhook_url: URL_SET, is_allocate_agent_webhook_enabled: true };
    const { client } = connect(() => json({ data }));
    expect(await client.setResolveWebhook(URL_SET, true)).toEqual({ kind: 'refused', reason: 'unreadable answer' });
  });

  test.each([
    ['5xx', () => json({}, 503)],
    ['a reset', dropped],
    ['silence', never],
  ] as const)('%s is tried again', async (_, behave) => {
    const { client, seen } = connect((_call, nth) => (nth === 1 ? behave() : json(stored)));
    expect((await client.setResolveWebhook(URL_SET, true)).kind).toBe('set');
    expect(seen).toHaveLength(2);
  });

  test('gives up in time', async () => {
    const { client, seen } = connect(() => json({}, 503), { settingPatienceMs: 700 });
    const begunMs = performance.now();
    expect(await client.setResolveWebhook(URL_SET, true)).toEqual({ kind: 'refused', reason: 'status 503' });
    expect(performance.now() - begunMs).toBeLessThan(4_000);
    expect(seen.length).toBeGreaterThan(1);
  });
});
