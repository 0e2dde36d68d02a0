/**
 * The sandbox over real HTTP: through our client, by hand, and as the sender of webhooks.
 */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { createQiscusClient } from '../../src/qiscus/client';
import { type Sandbox, type SandboxOptions, startSandbox } from '../../src/qiscus/sandbox';
import { EFFECTS } from '../../src/qiscus/sandbox/settings';
import { PLANTED } from '../../src/qiscus/sandbox/shapes';
import { until } from '../support/wait';

const KEYS = { appId: 'app-1', secret: 'the-secret', email: 'admin@example.com', password: 'the-password' };
const HEADERS = { 'qiscus-app-id': KEYS.appId, 'qiscus-secret-key': KEYS.secret };
const TIMEOUT_MS = 200;

interface Hook {
  path: string;
  token: string | null;
  body: unknown;
}

/** A part of a foreign payload, by its path. */
const at = (value: unknown, path: string): unknown =>
  path.split('.').reduce((part, key) => (part as Record<string, unknown> | null)?.[key], value);
/** The same part of every element. */
const each = (value: unknown, path: string): unknown[] => (value as unknown[]).map((element) => at(element, path));

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

let hooks: Hook[];
let answerHook: () => Response;
let hookUrl: string;
beforeEach(() => {
  hooks = [];
  answerHook = () => Response.json({ status: 'success' });
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    async fetch(request) {
      const { pathname } = new URL(request.url);
      hooks.push({ path: pathname, token: request.headers.get('x-webhook-token'), body: await request.json() });
      return answerHook();
    },
  });
  hookUrl = server.url.origin;
  stops.push(() => server.stop(true));
});

async function start(options: Partial<SandboxOptions> = {}): Promise<Sandbox> {
  const deliverTo = { baseUrl: hookUrl, webhookToken: 'hook-token' };
  const sandbox = await startSandbox({ ...KEYS, agentIds: 'named', deliverTo, ...options });
  stops.push(() => sandbox.stop());
  return sandbox;
}

const connect = (sandbox: Sandbox, change: Partial<typeof KEYS> = {}) =>
  createQiscusClient({ baseUrl: sandbox.url, ...KEYS, ...change, timeoutMs: TIMEOUT_MS, settingPatienceMs: 1000 });

const form = (fields: Record<string, string>) => ({
  method: 'POST',
  headers: HEADERS,
  body: new URLSearchParams(fields),
});
const assignByHand = (sandbox: Sandbox, fields: Record<string, string>) =>
  fetch(`${sandbox.url}/api/v1/admin/service/assign_agent`, form(fields));

async function listRooms(sandbox: Sandbox, filter: object) {
  const headers = { ...HEADERS, 'content-type': 'application/json' };
  const response = await fetch(`${sandbox.url}/api/v2/customer_rooms`, {
    method: 'POST',
    headers,
    body: JSON.stringify(filter),
  });
  const body = await response.json();
  const rows = at(body, 'data.customer_rooms') as object[];
  return { ids: each(rows, 'room_id'), rows, next: at(body, 'meta.cursor_after') };
}

describe('our client against the sandbox', () => {
  test('six agents online, the first one first, text ids', async () => {
    const reading = await connect(await start()).listAgents();
    if (reading.kind !== 'agents') throw new Error(reading.kind);
    expect(reading.agents.map((agent) => agent.id)).toEqual(
      ['01', '02', '03', '04', '05', '06'].map((n) => `agent_${n}`),
    );
    expect(reading.agents[0]).toEqual({
      id: 'agent_01',
      name: 'Agent 1',
      online: true,
      channelIds: ['5603'],
      customerCount: 0,
    });
    expect(reading.agents[5]?.channelIds).toEqual(['5603', '272']);
  });

  test('numeric ids are JSON numbers on the wire', async () => {
    const sandbox = await start({ agentIds: 'numeric' });
    const response = await assignByHand(sandbox, { room_id: '1', agent_id: '150851', max_agent: '1' });
    expect(at(await response.json(), 'data.added_agent.id')).toBe(150851);
    expect(await connect(sandbox).assignAgent('2', '150851')).toEqual({ kind: 'assigned' });
  });

  test('assign, occupied, resolved, unknown agent, unknown room', async () => {
    const sandbox = await start();
    const client = connect(sandbox);
    expect(await client.assignAgent('12345', 'agent_01')).toEqual({ kind: 'assigned' });
    expect(await client.assignAgent('12345', 'agent_02')).toEqual({ kind: 'occupied' });
    expect(await client.assignAgent('12345', 'agent_01')).toEqual({ kind: 'occupied' });
    expect(await client.readRoom('12345')).toEqual({ kind: 'room', resolved: false });
    await sandbox.rooms.resolve('12345');
    expect(await client.readRoom('12345')).toEqual({ kind: 'room', resolved: true });
    expect(await client.assignAgent('12345', 'agent_01')).toEqual({ kind: 'resolved' });
    expect(await client.assignAgent('1', 'nobody')).toEqual({ kind: 'refused', status: 404 });
    expect(await client.readRoom('unknown')).toEqual({ kind: 'missing' });
    sandbox.configure({ sameAgentTwice: 'accept' });
    await client.assignAgent('9', 'agent_03');
    expect(await client.assignAgent('9', 'agent_03')).toEqual({ kind: 'assigned' });
  });

  test('remove_agent frees the agent', async () => {
    const sandbox = await start();
    const client = connect(sandbox);
    await client.assignAgent('1', 'agent_01');
    expect(await client.removeAgent('1', 'agent_02')).toBe(false);
    expect(await client.removeAgent('1', 'agent_01')).toBe(true);
    expect(sandbox.agents.read('agent_01').count).toBe(0);
    expect(await client.assignAgent('1', 'agent_02')).toEqual({ kind: 'assigned' });
  });

  test('wrong keys are refused everywhere', async () => {
    const sandbox = await start();
    const wrong = connect(sandbox, { secret: 'other', password: 'other' });
    expect(await wrong.assignAgent('1', 'agent_01')).toEqual({ kind: 'denied', status: 401 });
    expect(await wrong.listAgents()).toEqual({ kind: 'denied', status: 401 });
    expect(await wrong.setResolveWebhook('https://x.example', true)).toMatchObject({ kind: 'refused' });
    expect(await connect(sandbox, { appId: 'other' }).assignAgent('1', 'agent_01')).toMatchObject({ kind: 'denied' });
    expect(sandbox.state().rooms).toEqual([]);
  });

  test('sets the resolve webhook; an expired token costs one login', async () => {
    const sandbox = await start({ config: { setterNeedsToken: true } });
    const client = connect(sandbox);
    const url = 'https://router.example.com/hook';
    expect(await client.setResolveWebhook(url, true)).toEqual({ kind: 'set', url, enabled: true });
    sandbox.expireTokens();
    expect(await client.setResolveWebhook(url, false)).toEqual({ kind: 'set', url, enabled: false });
    expect(sandbox.state().registered).toEqual({ url, enabled: false });
    expect(sandbox.state().calls).toMatchObject({ auth: 2, set_webhook: 3 });
    const secretOnly = connect(sandbox, { email: '', password: '' });
    expect(await secretOnly.setResolveWebhook(url, true)).toMatchObject({ kind: 'refused' });
  });

  test.each(['total', 'pages', 'cursor', 'cursor_after', 'bare'] as const)(
    'all agents in paging style %s',
    async (pagingStyle) => {
      const sandbox = await start({ config: { pagingStyle, pageSize: 20, ignoreTypeScope: true } });
      for (let n = 7; n <= 60; n++) sandbox.agents.create({ id: `agent_${n}` });
      const reading = await connect(sandbox).listAgents();
      if (reading.kind !== 'agents') throw new Error(reading.kind);
      expect(new Set(reading.agents.map((agent) => agent.id))).toEqual(
        new Set(sandbox.agents.list().map(({ id }) => id)),
      );
    },
  );

  test('a list that repeats its first page ends', async () => {
    const sandbox = await start({ config: { pagingStyle: 'repeat', pageSize: 4 } });
    expect(await connect(sandbox).listAgents()).toMatchObject({ kind: 'agents', agents: { length: 4 } });
    expect(sandbox.state().calls.agents).toBe(2);
  });

  test('presence, channels and counts reach the roster', async () => {
    const sandbox = await start();
    sandbox.agents.change('agent_01', { available: false });
    sandbox.agents.change('agent_02', { forceOffline: true });
    sandbox.agents.change('agent_03', { channelIds: null });
    sandbox.agents.remove('agent_04');
    sandbox.rooms.assign((await sandbox.rooms.create()).room.id, 'agent_05');
    const reading = await connect(sandbox).listAgents();
    if (reading.kind !== 'agents') throw new Error(reading.kind);
    expect(
      reading.agents.map(({ id, online, channelIds, customerCount }) => [id, online, channelIds, customerCount]),
    ).toEqual([
      ['agent_01', false, ['5603'], 0],
      ['agent_02', false, ['5603'], 0],
      ['agent_03', true, null, 0],
      ['agent_05', true, ['5603', '272'], 1],
      ['agent_06', true, ['5603', '272'], 0],
    ]);
    sandbox.configure({ omitCounts: true });
    expect(await connect(sandbox).listAgents()).toMatchObject({ agents: [{ customerCount: null }, {}, {}, {}, {}] });
  });

  test('counts follow late, both ways', async () => {
    const sandbox = await start({ config: { countLagMs: 150 } });
    const shown = () => sandbox.agents.read('agent_01').shownCount;
    await connect(sandbox).assignAgent('1', 'agent_01');
    expect(shown()).toBe(0);
    await until(() => shown() === 1, { what: 'the count rises' });
    await sandbox.rooms.resolve('1');
    expect([shown(), sandbox.agents.read('agent_01').count]).toEqual([1, 0]);
    await until(() => shown() === 0, { what: 'the count falls' });
  });

  test('lenient strangers: a room tried by hand is free again, and never counts', async () => {
    const sandbox = await start({ config: { strangerRooms: 'lenient' } });
    const client = connect(sandbox);
    for (const agent of ['agent_01', 'agent_02', 'agent_02'])
      expect(await client.assignAgent('12345', agent)).toEqual({ kind: 'assigned' });
    expect(sandbox.agents.list().map((agent) => agent.shownCount)).toEqual([0, 0, 0, 0, 0, 0]);
    const { room } = await sandbox.rooms.create();
    await client.assignAgent(room.id, 'agent_01');
    expect(await client.assignAgent(room.id, 'agent_02')).toEqual({ kind: 'occupied' });
    expect(sandbox.state().violations).toEqual([]);
  });
});

describe('ordered faults', () => {
  const expected = {
    status: { kind: 'unknown', sent: true, reason: 'status 503' },
    hang: { kind: 'unknown', sent: true, reason: 'timed out' },
    reset: { kind: 'unknown', sent: true, reason: 'connection lost' },
    redirect: { kind: 'unknown', sent: true, reason: 'redirected' },
    500: { kind: 'unknown', sent: true, reason: 'status 500' },
  } as Record<string, object>;

  test.each([...EFFECTS])('%s hits once, and only its room', async (effect) => {
    const sandbox = await start();
    const client = connect(sandbox);
    const applies = effect.startsWith('apply_then_');
    sandbox.faults.add({ on: 'assign_agent', roomId: '7', effect, status: 503 });
    expect(await client.assignAgent('8', 'agent_01')).toEqual({ kind: 'assigned' });
    const begunMs = performance.now();
    expect(await client.assignAgent('7', 'agent_02')).toMatchObject(
      expected[effect.replace('apply_then_', '')] ?? { kind: 'unknown', sent: true, reason: 'unreadable answer' },
    );
    expect(performance.now() - begunMs).toBeLessThan(TIMEOUT_MS + 2_000);
    expect(sandbox.agents.read('agent_02').count).toBe(applies ? 1 : 0);
    expect(await client.assignAgent('7', 'agent_02')).toEqual({ kind: applies ? 'occupied' : 'assigned' });
  });

  test('times, skip, ratio and clearing', async () => {
    const sandbox = await start();
    const client = connect(sandbox);
    const kinds = async (calls: number) => {
      const seen: string[] = [];
      for (let n = 0; n < calls; n++) seen.push((await client.readRoom('1')).kind);
      return seen.join(' ');
    };
    sandbox.faults.add({ on: 'customer_room', skip: 1, times: 2, effect: 'status' });
    expect(await kinds(4)).toBe('missing failed failed missing');
    sandbox.faults.add({ on: '/api/v2/customer_rooms/1', times: null, effect: 'status' });
    expect(await kinds(3)).toBe('failed failed failed');
    sandbox.faults.clear();
    expect(await kinds(1)).toBe('missing');
    sandbox.faults.add({ on: 'customer_room', times: null, ratio: 0.5, effect: 'status' });
    const half = (await kinds(100)).split('failed').length - 1;
    expect(half).toBeGreaterThan(25);
    expect(half).toBeLessThan(75);
  });

  test('429 carries Retry-After; a body of choice; latency', async () => {
    const sandbox = await start();
    const client = connect(sandbox);
    sandbox.faults.add(
      { on: 'assign_agent', effect: 'status', status: 429, retryAfter: 3 },
      { on: 'assign_agent', effect: 'status', status: 200, body: 'room already resolved' },
    );
    expect(await client.assignAgent('1', 'agent_01')).toEqual({ kind: 'slowed', retryAfterMs: 3000 });
    expect(await client.assignAgent('1', 'agent_01')).toEqual({ kind: 'resolved' });
    sandbox.configure({ latencyMs: 60 });
    const begunMs = performance.now();
    expect(await client.assignAgent('1', 'agent_01')).toEqual({ kind: 'assigned' });
    expect(performance.now() - begunMs).toBeGreaterThanOrEqual(50);
  });
});

describe('webhooks', () => {
  test('a new room: two copies with secrets that must not spread', async () => {
    const sandbox = await start();
    const { room, deliveries } = await sandbox.rooms.create({ channelId: '272', customerName: 'Ann', copies: 2 });
    expect(deliveries).toEqual(Array(2).fill({ status: 200, body: { status: 'success' }, dropped: false }));
    expect(hooks).toHaveLength(2);
    const [{ path, token, body }] = hooks as [Hook];
    expect([path, token]).toEqual(['/api/v1/webhook/agent_allocation', 'hook-token']);
    expect(hooks[1]?.body).toEqual(body);
    expect(body).toMatchObject({
      app_id: KEYS.appId,
      app_code: KEYS.appId,
      channel: { id: 272, name: 'Channel 272', source: 'ceria' },
      is_new_session: true,
      latest_service: null,
      name: 'Ann',
      room_id: room.id,
      source: 'ceria',
    });
    expect(typeof at(body, 'extras')).toBe('string');
    expect(at(body, 'candidate_agent.id')).toBe('agent_04');
    expect(JSON.stringify(at(body, 'candidate_agent'))).toContain(PLANTED);
  });

  test('has every key of the real payload', async () => {
    const sandbox = await start();
    await sandbox.rooms.create({ channelId: '5603' });
    await sandbox.rooms.resolve('300000001');
    const fixture = (name: string) => Bun.file(new URL(`../fixtures/${name}`, import.meta.url)).json();
    const [caa, mar] = hooks.map((hook) => hook.body);
    const keys = (value: unknown) => Object.keys(value as object).sort();
    expect(keys(caa)).toEqual(keys(await fixture('webhook-caa-documented-2025-channel-completed.json')));
    const real = await fixture('webhook-mar-shape-2025-app-code-channel.json');
    expect(keys(mar)).toEqual(keys(real));
    for (const part of ['service', 'resolved_by', 'customer', 'channel'])
      expect(keys(at(mar, part))).toEqual(keys(at(real, part)));
  });

  test('a message sends it again until an agent is there', async () => {
    const sandbox = await start();
    const { room } = await sandbox.rooms.create();
    await sandbox.rooms.message(room.id);
    expect(hooks).toHaveLength(2);
    expect(hooks[1]?.body).toMatchObject({ is_new_session: false });
    await connect(sandbox).assignAgent(room.id, 'agent_01');
    expect((await sandbox.rooms.message(room.id)).deliveries).toEqual([]);
    expect(hooks).toHaveLength(2);
  });

  test('resolve names room and service; the next message opens a session after it', async () => {
    const sandbox = await start();
    const { room } = await sandbox.rooms.create();
    await connect(sandbox).assignAgent(room.id, 'agent_03');
    await sandbox.rooms.resolve(room.id, { copies: 2, spreadMs: 10, notes: 'done' });
    const mar = hooks[2]?.body;
    expect(hooks.map((hook) => hook.path.split('/').at(-1))).toEqual([
      'agent_allocation',
      'mark_as_resolved',
      'mark_as_resolved',
    ]);
    expect(mar).toMatchObject({
      resolved_by: { id: 'agent_03', type: 'agent' },
      service: { id: room.openService, is_resolved: true, notes: 'done', room_id: room.id },
    });
    const again = await sandbox.rooms.message(room.id);
    expect(hooks.at(-1)?.body).toMatchObject({
      is_new_session: true,
      latest_service: { id: room.openService, room_id: room.id, is_resolved: true },
    });
    expect(again.room.openService).toBeGreaterThan(room.openService ?? 0);
    expect(again.room).toMatchObject({ resolved: false, agents: [] });
  });

  test('a resolve by an admin, a lost one, and one through the API', async () => {
    const sandbox = await start();
    const ids = [];
    for (let n = 0; n < 3; n++) ids.push((await sandbox.rooms.create({ copies: 0 })).room.id);
    const [a = '', b = '', c = ''] = ids;
    await sandbox.rooms.resolve(a, { by: 'admin' });
    expect(hooks[0]?.body).toMatchObject({ resolved_by: { type: 'admin' } });
    expect((await sandbox.rooms.resolve(b, { copies: 0 })).deliveries).toEqual([]);
    const path = `${sandbox.url}/api/v1/admin/service/mark_as_resolved`;
    expect((await fetch(path, form({ room_id: c }))).status).toBe(200);
    await until(() => hooks.length === 2, { what: 'the webhook of the API resolve' });
    expect(hooks[1]?.body).toMatchObject({ service: { room_id: c } });
    expect((await fetch(path, form({ room_id: c }))).status).toBe(400);
    expect(hooks).toHaveLength(2);
  });

  test('the older payload has no app_code and no channel', async () => {
    const sandbox = await start({ config: { payloadStyle: '2024' } });
    await sandbox.rooms.create({ channelId: '272' });
    expect(hooks[0]?.body as object).not.toContainAnyKeys(['app_code', 'channel']);
  });

  test('a late webhook comes after newer ones, and still tells what was true before', async () => {
    const sandbox = await start();
    const { room } = await sandbox.rooms.create({ copies: 0 });
    const late = sandbox.rooms.resolve(room.id, { delayMs: 200 });
    await sandbox.rooms.message(room.id);
    expect(hooks.map(({ path }) => path)).toEqual(['/api/v1/webhook/agent_allocation']);
    await late;
    expect(hooks[1]?.body).toMatchObject({ service: { id: room.openService, room_id: room.id } });
  });

  test('webhooks get lost by ratio, the same ones with the same seed', async () => {
    const lost = async () => {
      const sandbox = await start({ config: { dropWebhooks: 0.5 } });
      const { deliveries } = await sandbox.rooms.create({ copies: 40 });
      return deliveries.map((delivery) => delivery.dropped);
    };
    const first = await lost();
    expect(first).toContain(true);
    expect(first).toContain(false);
    expect(await lost()).toEqual(first);
  });

  test('goes to this machine only, and counts what comes back', async () => {
    const sandbox = await start();
    for (const baseUrl of [
      'http://example.com',
      'http://10.0.0.1',
      'http://localhost.example.com',
      'http://127.0.0.1.example.com',
    ])
      expect(() => sandbox.setDelivery({ baseUrl })).toThrow('this machine only');
    answerHook = () => Response.json({ status: 'error' }, { status: 503 });
    await sandbox.rooms.create({ copies: 2 });
    sandbox.setDelivery({ baseUrl: 'http://127.0.0.1:1' });
    await sandbox.rooms.create();
    sandbox.setDelivery(null);
    await sandbox.rooms.create();
    expect(sandbox.state().deliveries).toEqual({ sent: 3, dropped: 1, failed: 1, replies: { 503: 2 } });
  });
});

describe('the truth', () => {
  test('writes down every accepted assignment and what is wrong with it', async () => {
    const sandbox = await start({ config: { cap: 2 } });
    const client = connect(sandbox);
    for (const room of ['1', '2', '3']) await client.assignAgent(room, 'agent_01');
    await assignByHand(sandbox, { room_id: '1', agent_id: 'agent_02', max_agent: '2' });
    const { assigns, violations, calls } = sandbox.state();
    expect(assigns.map(({ roomId, agentId, load }) => [roomId, agentId, load])).toEqual([
      ['1', 'agent_01', 1],
      ['2', 'agent_01', 2],
      ['3', 'agent_01', 3],
      ['1', 'agent_02', 1],
    ]);
    expect(violations.map(({ kind, roomId }) => [kind, roomId])).toEqual([
      ['agent_over_cap', '3'],
      ['two_agents_in_room', '1'],
    ]);
    expect(calls).toEqual({ assign_agent: 4 });
  });

  test('replace_latest_agent swaps the agent', async () => {
    const sandbox = await start();
    await connect(sandbox).assignAgent('1', 'agent_01');
    const swap = { room_id: '1', agent_id: 'agent_02', replace_latest_agent: 'true', max_agent: '1' };
    expect((await assignByHand(sandbox, swap)).status).toBe(200);
    expect(sandbox.rooms.read('1').agents).toEqual(['agent_02']);
    expect(sandbox.agents.read('agent_01').count).toBe(0);
  });

  test('customer_rooms: newest first, filtered, without a word about agents', async () => {
    const sandbox = await start();
    const client = connect(sandbox);
    for (let n = 1; n <= 4; n++) await sandbox.rooms.create({ roomId: `${n}`, ageMs: (9 - n) * 10_000, copies: 0 });
    await sandbox.rooms.create({ roomId: 'other', channelId: '272', ageMs: 500_000, copies: 0 });
    await client.assignAgent('3', 'agent_01');
    await sandbox.rooms.resolve('2');
    expect((await listRooms(sandbox, { serve_status: 'unserved' })).ids).toEqual(['4', '2', '1', 'other']);
    const open = await listRooms(sandbox, { serve_status: 'unserved', status: 'unresolved' });
    expect(open.ids).toEqual(['4', '1', 'other']);
    expect(open.next).toBeNull();
    expect((await listRooms(sandbox, { serve_status: 'served' })).ids).toEqual(['3']);
    const channels = [{ source: 'ceria', channel_id: 272 }];
    const { rows } = await listRooms(sandbox, { channels });
    expect(rows).toHaveLength(1);
    expect(JSON.stringify(rows)).not.toContain('agent_0');
    const real = await Bun.file(new URL('../fixtures/api-customer-rooms-list.json', import.meta.url)).json();
    expect(Object.keys(rows[0] ?? {}).sort()).toEqual(Object.keys(real.data.customer_rooms[0]).sort());
  });

  test('customer_rooms: the cursor is a whole second, so a tie is skipped or repeated', async () => {
    const sandbox = await start();
    const wholeMs = Date.now() - (Date.now() % 1000);
    for (const [roomId, ageS] of [
      ['new', 1],
      ['tie-1', 2],
      ['tie-2', 2],
      ['old', 3],
    ] as const)
      await sandbox.rooms.create({ roomId, ageMs: Date.now() - (wholeMs - ageS * 1000), copies: 0 });
    const pages = async () => {
      const seen: unknown[] = [];
      let cursor_after: unknown = null;
      do {
        const { ids, next } = await listRooms(sandbox, { limit: 2, cursor_after });
        seen.push(...ids);
        cursor_after = next;
      } while (cursor_after !== null && seen.length < 10);
      return seen;
    };
    const skipped = await pages();
    expect(skipped).toHaveLength(3);
    expect(skipped.at(-1)).toBe('old');
    sandbox.configure({ cursorTies: 'repeat' });
    expect((await pages()).length).toBeGreaterThan(4);
  });

  test('available_agents: of the room’s channel, offline ones too', async () => {
    const sandbox = await start();
    sandbox.agents.change('agent_05', { available: false });
    const { room } = await sandbox.rooms.create({ channelId: '272', copies: 0 });
    const path = `${sandbox.url}/api/v2/admin/service/available_agents?room_id=${room.id}`;
    const body = await (await fetch(path, { headers: HEADERS })).json();
    expect(each(at(body, 'data.agents'), 'id')).toEqual(['agent_04', 'agent_05', 'agent_06']);
    expect(at(body, 'meta')).toEqual({ after: null, before: null, per_page: 20, total_count: null });
  });

  test('profile, channels and login answer too', async () => {
    const sandbox = await start();
    for (const path of ['/api/v1/admin/get_profile', '/api/v2/channels'])
      expect((await fetch(sandbox.url + path, { headers: HEADERS })).status).toBe(200);
    expect((await fetch(`${sandbox.url}/api/v2/channels`)).status).toBe(401);
    expect((await fetch(`${sandbox.url}/api/v9/nothing`, { headers: HEADERS })).status).toBe(404);
  });

  test('reset goes back to the start, but no id comes twice', async () => {
    const sandbox = await start({ config: { pageSize: 50 } });
    const { room } = await sandbox.rooms.create();
    sandbox.rooms.assign(room.id, 'agent_01');
    sandbox.agents.remove('agent_02');
    sandbox.configure({ pageSize: 10 });
    sandbox.faults.add({ on: 'agents', effect: 'hang' });
    sandbox.reset();
    const state = sandbox.state();
    expect(state).toMatchObject({ rooms: [], assigns: [], faults: [], calls: {}, config: { pageSize: 50 } });
    expect(state.agents.map((agent) => agent.count)).toEqual([0, 0, 0, 0, 0, 0]);
    const next = (await sandbox.rooms.create()).room;
    expect(next.id).not.toBe(room.id);
    expect(next.openService).toBeGreaterThan(room.openService ?? 0);
  });
});

describe('the control API over HTTP', () => {
  const call = async (
    sandbox: Sandbox,
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ) => {
    const response = await fetch(`${sandbox.url}/sandbox${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    return { status: response.status, body: await response.json() };
  };

  test('moves the same hands', async () => {
    const sandbox = await start();
    expect(JSON.stringify((await call(sandbox, 'GET', '')).body)).toContain('/sandbox/rooms/{id}/resolve');
    const made = await call(sandbox, 'POST', '/rooms', { roomId: 'r1', copies: 2 });
    expect(made.body).toMatchObject({ room: { id: 'r1' }, deliveries: [{ status: 200 }, { status: 200 }] });
    expect((await call(sandbox, 'POST', '/rooms/r1/message')).status).toBe(200);
    expect((await call(sandbox, 'POST', '/rooms/r1/assign', { agentId: 'agent_02' })).body).toMatchObject({
      agents: ['agent_02'],
    });
    expect((await call(sandbox, 'POST', '/rooms/r1/remove', { agentId: 'agent_02' })).body).toMatchObject({
      agents: [],
    });
    expect((await call(sandbox, 'POST', '/rooms/r1/resolve', { by: 'admin' })).body).toMatchObject({
      room: { resolved: true },
    });
    expect((await call(sandbox, 'GET', '/rooms/r1')).body).toMatchObject({ resolved: true });
    expect((await call(sandbox, 'POST', '/agents', { id: 'x', channelIds: [] })).body).toMatchObject({ online: true });
    expect((await call(sandbox, 'PATCH', '/agents/x', { forceOffline: true })).body).toMatchObject({ online: false });
    expect((await call(sandbox, 'DELETE', '/agents/x')).status).toBe(200);
    expect((await call(sandbox, 'PATCH', '/config', { latencyMs: 1 })).body).toMatchObject({ latencyMs: 1 });
    expect((await call(sandbox, 'POST', '/faults', [{ on: 'agents', effect: 'reset' }])).status).toBe(200);
    expect((await call(sandbox, 'GET', '/faults')).body).toHaveLength(1);
    expect((await call(sandbox, 'POST', '/delivery', { baseUrl: hookUrl })).status).toBe(200);
    expect((await call(sandbox, 'GET', '/state')).body).toEqual(JSON.parse(JSON.stringify(sandbox.state())));
    expect((await call(sandbox, 'POST', '/reset')).status).toBe(200);
    expect(sandbox.state().rooms).toEqual([]);
  });

  test('says what is wrong', async () => {
    const sandbox = await start();
    expect(at((await call(sandbox, 'PATCH', '/config', { latencyMs: 'x' })).body, 'error')).toContain('/latencyMs');
    expect((await call(sandbox, 'PATCH', '/config', { typo: 1 })).status).toBe(400);
    expect(at((await call(sandbox, 'POST', '/rooms/none/resolve')).body, 'error')).toContain('no such room');
    expect((await call(sandbox, 'POST', '/faults', { on: 'agents', effect: 'explode' })).status).toBe(400);
    expect((await call(sandbox, 'POST', '/delivery', { baseUrl: 'http://example.com' })).status).toBe(400);
    expect((await call(sandbox, 'GET', '/nothing')).status).toBe(404);
  });

  test('is closed to web pages: no form posts, no foreign host names', async () => {
    const sandbox = await start();
    expect((await call(sandbox, 'POST', '/reset', {}, { 'content-type': 'text/plain' })).status).toBe(415);
    expect((await call(sandbox, 'GET', '/state', undefined, { host: 'evil.example' })).status).toBe(403);
  });
});

test('runs alone, as the README says', async () => {
  const entry = new URL('../../src/qiscus/sandbox.ts', import.meta.url).pathname;
  const child = Bun.spawn([process.execPath, entry, '--port', '0', '--deliver-to', hookUrl, '--numeric'], {
    stdout: 'pipe',
  });
  stops.push(() => child.kill());
  let line = '';
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    line += chunk;
    if (line.includes('\n')) break;
  }
  const url = /http:\S+\d/.exec(line)?.[0] ?? '';
  await fetch(`${url}/sandbox/rooms`, { method: 'POST', headers: { 'content-type': 'application/json' } });
  expect(hooks).toHaveLength(1);
  child.kill('SIGTERM');
  expect(await child.exited).toBe(0);
});
