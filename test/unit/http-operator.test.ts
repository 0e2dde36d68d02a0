/** What an operator reads and does: settings, agents, rooms, line, dead letters, health, metrics, board. */
import { describe, expect, test } from 'bun:test';
import { Drain } from '../../src/http/drain';
import type { LedgerHealth } from '../../src/ledger/model';
import { FORMAT, NewerFormat } from '../../src/redis/format';
import { ADMIN, closedTokens, healthy, memoryApp, record, room, WEBHOOK } from '../support/desk';

const MAX = '/api/v1/settings/max_customers';
/** A reply's body as the fields that a test looks into. */
interface Body {
  next: string;
  details?: Record<string, unknown>;
  dead_letters: { history: unknown[] }[];
}
const bodyOf = async (reply: Response) => (await reply.json()) as Body;

const URL_SETTING = '/api/v1/settings/set_mark_as_resolved';
const SINCE = '2025-11-22T20:06:40.000Z';

describe('max customers', () => {
  test('set and read back, word for word', async () => {
    const { desk, send } = memoryApp();
    expect(await (await send('GET', MAX)).json()).toEqual({ status: 'success', max_customers: 2 });
    const reply = await send('POST', MAX, { json: { max_customers: 5 } });
    expect([reply.status, await reply.json()]).toEqual([200, { status: 'success', max_customers: 5 }]);
    expect(desk.maxCustomers).toBe(5);
  });

  test.each([[1], [1000]])('%p is the edge, and in', async (max_customers) => {
    expect((await memoryApp().send('POST', MAX, { json: { max_customers } })).status).toBe(200);
  });

  test.each([['5'], [0], [-1], [1001], [1.5], [null], [true], [[5]], [{}], [undefined], [1e300]])(
    '%p is refused and changes nothing',
    async (max_customers) => {
      const { desk, send } = memoryApp();
      const reply = await send('POST', MAX, { json: { max_customers } });
      expect(reply.status).toBe(422);
      expect(await reply.json()).toMatchObject({ code: 'INVALID_BODY', message: expect.stringContaining('1 to 1000') });
      expect(desk.maxCustomers).toBe(2);
    },
  );
});

describe("the resolve webhook's URL", () => {
  const url = 'https://yourdomain.com/api/v1/webhook/mark_as_resolved';

  test('set at Qiscus, stored, read back', async () => {
    const { desk, qiscus, send } = memoryApp();
    expect(await (await send('GET', URL_SETTING)).json()).toEqual({ status: 'success', url: null, enabled: false });
    const reply = await send('POST', URL_SETTING, { json: { url } });
    expect([reply.status, await reply.json()]).toEqual([200, { status: 'success', url, enabled: true }]);
    expect(qiscus.urls).toEqual([url]);
    expect(desk.markAsResolved).toEqual({ url, enabled: true });
    const disabled = await send('POST', URL_SETTING, { json: { url, enable: false } });
    expect(await disabled.json()).toEqual({ status: 'success', url, enabled: false });
  });

  test('Qiscus refuses: 502, nothing stored, its reason in the log only', async () => {
    const { desk, logged, qiscus, send } = memoryApp();
    qiscus.accepts = false;
    const reply = await send('POST', URL_SETTING, { json: { url } });
    expect(reply.status).toBe(502);
    expect(await reply.json()).toMatchObject({ status: 'error', code: 'QISCUS_REFUSED' });
    expect(desk.markAsResolved).toBeNull();
    expect(logged.join()).toContain('status 403');
  });

  test('a URL that may not be set never reaches Qiscus', async () => {
    const { qiscus, send } = memoryApp();
    for (const json of [{ url: 'https://127.1/x' }, { url: 5 }, {}, { url, enable: 'yes' }]) {
      const reply = await send('POST', URL_SETTING, { json });
      expect(reply.status).toBe(422);
      expect(await reply.json()).toMatchObject({ code: 'INVALID_BODY' });
    }
    expect(qiscus.urls).toEqual([]);
  });

  test('[S20] the webhook token in it went to Qiscus, and lay in Redis too: masked for everybody else', async () => {
    const { desk, qiscus, send } = memoryApp(closedTokens);
    const headers = { authorization: `Bearer ${ADMIN}` };
    const reply = await send('POST', URL_SETTING, { json: { url: `${url}/${WEBHOOK}` }, headers });
    expect(await reply.json()).toMatchObject({ url: `${url}/***` });
    expect(await (await send('GET', URL_SETTING, { headers })).json()).toMatchObject({ url: `${url}/***` });
    expect(qiscus.urls).toEqual([`${url}/${WEBHOOK}`]);
    expect(desk.markAsResolved).toEqual({ url: `${url}/***`, enabled: true });
  });
});

describe('agents', () => {
  const agent_01 = {
    id: 'agent_01',
    name: 'agent_01',
    online: true,
    paused: false,
    load: 1,
    reserved: 0,
    assigned: 1,
    outside: 0,
    outside_known: true,
    limit: 2,
    max_customers: null,
    channels: ['1'],
    last_assigned_at: null,
  };

  test('list and one', async () => {
    const { send } = memoryApp();
    const list = await (await send('GET', '/api/v1/agents')).json();
    expect(list).toEqual({ status: 'success', agents: [agent_01, { ...agent_01, id: 'agent_02', name: 'agent_02' }] });
    expect(await (await send('GET', '/api/v1/agents/agent_01')).json()).toEqual({ status: 'success', ...agent_01 });
  });

  test.each([
    ['since=yesterday'],
    ['since=2025-11-22'],
    ['since=2025-13-45T00:00:00Z'],
    ['since=-5'],
    ['since=99999999999999'],
    ['since='],
    ['after=1-0'],
    ['after=%20'],
    ['limit=501'],
  ])('decisions?%s is refused', async (query) => {
    const reply = await memoryApp().send('GET', `/api/v1/agents/agent_01/decisions?${query}`);
    expect([reply.status, await reply.json()]).toMatchObject([422, { code: 'INVALID_BODY' }]);
  });

  test('decisions since a time, by ISO and by ms; of nobody', async () => {
    const { feed, send } = memoryApp();
    feed.add(record(1, { room: '12345', agent: 'agent_02', load: '0', limit: '2' }));
    const ask = async (since: string) =>
      (await send('GET', `/api/v1/agents/agent_01/decisions?since=${encodeURIComponent(since)}`)).json();
    const all = await ask(SINCE);
    const passed = {
      offline: 0,
      paused: 0,
      aside: 0,
      full: 0,
      off_channel: 0,
      load: 1,
      last_assigned: 0,
      id: 0,
      unknown: 0,
    };
    expect(all).toEqual({
      ...{ status: 'success', agent_id: 'agent_01', since: SINCE, counted_from: SINCE, got: 0, passed_over: passed },
      decisions: [
        {
          ...{ id: '1763842000001-0', at: '2025-11-22T20:06:40.001Z', room_id: '12345', agent_id: 'agent_02' },
          ...{ verdict: 'load', load: 1, limit: 2, chosen_load: 0 },
        },
      ],
      next: null,
    });
    expect(await ask(String(Date.parse(SINCE)))).toEqual(all);
    expect(await ask('2025-11-23T03:06:40+07:00')).toEqual(all);
    expect(await ask('1763842000002')).toMatchObject({ got: 0, decisions: [] });
    expect((await send('GET', '/api/v1/agents/nobody/decisions')).status).toBe(404);
  });

  test('patch', async () => {
    const { send } = memoryApp();
    const patch = async (json: unknown) => (await send('PATCH', '/api/v1/agents/agent_01', { json })).json();
    expect(await patch({ max_customers: 3 })).toMatchObject({ max_customers: 3, paused: false });
    expect(await patch({ paused: true })).toMatchObject({ max_customers: 3, paused: true });
    expect(await patch({ max_customers: null, paused: false })).toMatchObject({ max_customers: null, paused: false });
  });

  test.each([
    [{}],
    [{ other: 1 }],
    [{ max_customers: '3' }],
    [{ max_customers: 0 }],
    [{ paused: 1 }],
    [{ paused: null }],
  ])('patch %p is refused', async (json) => {
    expect((await memoryApp().send('PATCH', '/api/v1/agents/agent_01', { json })).status).toBe(422);
  });

  test('an unknown one', async () => {
    const { send } = memoryApp();
    for (const reply of [
      await send('GET', '/api/v1/agents/nobody'),
      await send('PATCH', '/api/v1/agents/nobody', { json: { paused: true } }),
    ]) {
      expect(reply.status).toBe(404);
      expect(await reply.json()).toMatchObject({ code: 'AGENT_UNKNOWN' });
    }
  });
});

describe('rooms', () => {
  test('one', async () => {
    const { send } = memoryApp();
    expect(await (await send('GET', '/api/v1/rooms/777')).json()).toEqual({
      status: 'success',
      room_id: '777',
      state: 'waiting',
      agent_id: null,
      channel_id: '1',
      source: 'wa',
      customer_name: 'Harpi',
      place: '1763842000000-0',
      position: 1,
      since: SINCE,
      due: null,
      call: null,
      attempts: 0,
      decisions: [
        { id: '1763842000001-0', event: 'room.reserved', at: '2025-11-22T20:06:40.001Z', fields: { room: '777' } },
      ],
    });
  });

  test.each([
    ['GET', '/api/v1/rooms/1'],
    ['POST', '/api/v1/rooms/1/requeue'],
    ['POST', '/api/v1/rooms/1/release'],
  ])('%s %s unknown', async (method, path) => {
    const reply = await memoryApp().send(method, path, method === 'POST' ? { json: {} } : {});
    expect(reply.status).toBe(404);
    expect(await reply.json()).toMatchObject({ code: 'ROOM_UNKNOWN' });
  });

  test('requeue a parked one, with an empty body too', async () => {
    const { send } = memoryApp();
    const headers = { 'content-type': 'application/json' };
    const reply = await send('POST', '/api/v1/rooms/888/requeue', { headers });
    expect([reply.status, await reply.json()]).toEqual([200, { status: 'success', room_id: '888', state: 'waiting' }]);
    const again = await send('POST', '/api/v1/rooms/888/requeue', { json: {} });
    expect(again.status).toBe(409);
    expect(await again.json()).toMatchObject({ code: 'WRONG_STATE' });
  });

  test('requeue an assigned one: only when its agent is removed at Qiscus first', async () => {
    const { desk, qiscus, send } = memoryApp();
    const requeue = (json: unknown) => send('POST', '/api/v1/rooms/12345/requeue', { json });
    expect((await requeue({})).status).toBe(409);
    expect(qiscus.removed).toEqual([]);
    qiscus.accepts = false;
    expect((await requeue({ remove_agent: true })).status).toBe(502);
    expect(desk.rooms.get('12345')?.state).toBe('assigned');
    qiscus.accepts = true;
    expect((await requeue({ remove_agent: true })).status).toBe(200);
    expect(qiscus.removed).toEqual([
      ['12345', 'agent_01'],
      ['12345', 'agent_01'],
    ]);
    expect((await requeue({ remove_agent: 'yes' })).status).toBe(422);
  });

  test('remove_agent for a parked room asks nothing of Qiscus', async () => {
    const { qiscus, send } = memoryApp();
    expect((await send('POST', '/api/v1/rooms/888/requeue', { json: { remove_agent: true } })).status).toBe(200);
    expect(qiscus.removed).toEqual([]);
  });

  test('release', async () => {
    const { send } = memoryApp();
    const reply = await send('POST', '/api/v1/rooms/12345/release', { json: {} });
    expect(await reply.json()).toEqual({ status: 'success', room_id: '12345', state: 'resolved' });
    expect((await send('POST', '/api/v1/rooms/12345/release', { json: {} })).status).toBe(409);
  });
});

describe('the line', () => {
  test('pages', async () => {
    const { desk, send } = memoryApp();
    desk.rooms.set('778', room('778', { place: '1763842000000-1' }));
    const first = await bodyOf(await send('GET', '/api/v1/queue?limit=1'));
    expect<unknown>(first).toEqual({
      status: 'success',
      total: 2,
      rooms: [{ room_id: '777', position: 1, place: '1763842000000-0', channel_id: '1', since: SINCE }],
      next: '1763842000000-0/777',
    });
    const second = await (await send('GET', `/api/v1/queue?limit=500&after=${encodeURIComponent(first.next)}`)).json();
    expect(second).toMatchObject({ rooms: [{ room_id: '778', position: 2 }], next: null });
  });

  test.each(['limit=0', 'limit=501', 'limit=-1', 'limit=x', 'limit=1.5', 'limit=', 'after=x', 'after=1-1'])(
    '%s is refused',
    async (query) => {
      expect((await memoryApp().send('GET', `/api/v1/queue?${query}`)).status).toBe(422);
    },
  );
});

describe('dead letters', () => {
  test('list with history, paged', async () => {
    const { send } = memoryApp();
    const first = await bodyOf(await send('GET', '/api/v1/dead_letters?limit=1'));
    expect(first).toMatchObject({
      status: 'success',
      total: 2,
      dead_letters: [{ id: 'room-888', kind: 'room', room_id: '888', reason: 'occupied', since: SINCE, attempts: 3 }],
      next: 'room-888',
    });
    expect(first.dead_letters[0]?.history).toHaveLength(1);
    const second = await (await send('GET', '/api/v1/dead_letters?after=room-888')).json();
    expect(second).toMatchObject({
      dead_letters: [{ id: 'entry-1763842000000-4', room_id: null, history: [] }],
      next: null,
    });
  });

  test.each([
    ['POST', '/replay'],
    ['DELETE', ''],
  ])('%s %s once', async (method, suffix) => {
    const { desk, send } = memoryApp();
    const call = () => send(method, `/api/v1/dead_letters/room-888${suffix}`, { json: {} });
    const done = await call();
    expect([done.status, await done.json()]).toEqual([200, { status: 'success', id: 'room-888' }]);
    expect(desk.deadLetters.map(({ id }) => id)).toEqual(['entry-1763842000000-4']);
    const again = await call();
    expect([again.status, await again.json()]).toEqual([404, expect.objectContaining({ code: 'NOT_FOUND' })]);
  });
});

describe('health', () => {
  const unhealthy: [string, Partial<LedgerHealth>, string[]][] = [
    ['inbox', { inboxAgeMs: 30_001 }, ['inbox']],
    ['outbox', { outboxAgeMs: 90_001 }, ['outbox']],
    ['no roster yet', { rosterAgeMs: null }, ['roster']],
    ['old roster', { rosterAgeMs: 60_001 }, ['roster']],
    ['Qiscus denies', { qiscus: { state: 'denied', untilMs: 1, failures: 1 } }, ['qiscus']],
    ['Qiscus is down', { qiscus: { state: 'open', untilMs: 1, failures: 9 } }, ['qiscus']],
    ['several', { inboxAgeMs: 99_999, rosterAgeMs: null }, ['inbox', 'roster']],
    ['just in time', { inboxAgeMs: 30_000, outboxAgeMs: 90_000, rosterAgeMs: 60_000 }, []],
    ['Qiscus slows us', { qiscus: { state: 'slowed', untilMs: 1, failures: 0 } }, []],
  ];
  test.each(unhealthy)('%s', async (_, change, failing) => {
    const { desk, send } = memoryApp(closedTokens);
    desk.health = async () => ({ ...healthy, ...change });
    const reply = await send('GET', '/health/ready');
    expect(reply.status).toBe(failing.length === 0 ? 200 : 503);
    expect(await reply.json()).toEqual(
      failing.length === 0
        ? { status: 'success', sandbox: true }
        : { status: 'error', message: `Not ready: ${failing.join(', ')}.`, failing, sandbox: true },
    );
    expect(reply.headers.get('retry-after')).toBe(failing.length === 0 ? null : '1');
  });

  test('Redis that fails or is silent is not waited for', async () => {
    for (const health of [() => Promise.reject(new Error('down')), () => new Promise<LedgerHealth>(() => {})]) {
      const { desk, send } = memoryApp();
      desk.health = health;
      const startedMs = performance.now();
      const reply = await send('GET', '/health/ready');
      expect(performance.now() - startedMs).toBeLessThan(1_000);
      expect([reply.status, await reply.json()]).toEqual([503, expect.objectContaining({ failing: ['redis'] })]);
    }
  });

  test('[F65] a newer version on the ledger is a part of its own', async () => {
    const { desk, send } = memoryApp();
    desk.health = () => Promise.reject(new NewerFormat(FORMAT + 1));
    const reply = await send('GET', '/health/ready');
    expect([reply.status, await reply.json()]).toEqual([503, expect.objectContaining({ failing: ['format'] })]);
  });

  test('probes that come together share one reading', async () => {
    const { desk, send } = memoryApp();
    let readings = 0;
    desk.health = async () => {
      readings += 1;
      return healthy;
    };
    await Promise.all(Array.from({ length: 50 }, () => send('GET', '/health/ready')));
    expect(readings).toBe(1);
    await send('GET', '/health/ready');
    expect(readings).toBe(2);
  });

  test('details only for an operator', async () => {
    const open = await bodyOf(await memoryApp().send('GET', '/health/ready'));
    expect(open.details).toMatchObject({ inbox_length: 0, qiscus: 'ok' });
    const { send } = memoryApp(closedTokens);
    expect(await (await send('GET', '/health/ready')).json()).toEqual({ status: 'success', sandbox: true });
    const headers = { authorization: `Bearer ${ADMIN}` };
    expect((await bodyOf(await send('GET', '/health/ready', { headers }))).details).toBeDefined();
    // A header that holds no token proves nothing.
    for (const authorization of ['x', 'Bearer', 'Basic !!!', 'Digest abc', ADMIN]) {
      const reply = await bodyOf(await send('GET', '/health/ready', { headers: { authorization } }));
      expect(reply.details).toBeUndefined();
    }
  });

  test('a service that stops is alive, but not ready', async () => {
    const drain = new Drain();
    const { send } = memoryApp(undefined, { drain });
    expect((await send('GET', '/health/ready')).status).toBe(200);
    drain.begin();
    expect((await send('GET', '/health/ready')).status).toBe(503);
    expect((await send('GET', '/health/live')).status).toBe(200);
    // Everybody else is sent elsewhere, whatever they ask and whoever they are.
    for (const path of ['/api/v1/agents', '/metrics', '/', '/docs', '/nowhere']) {
      const reply = await send('GET', path);
      expect(reply.status).toBe(503);
      expect(await bodyOf(reply)).toMatchObject({ status: 'error', code: 'STOPPING' });
      expect([reply.headers.get('retry-after'), reply.headers.get('connection')]).toEqual(['1', 'close']);
    }
  });
});

describe('metrics', () => {
  test('counts the journal and the errors, reads the gauges', async () => {
    const { feed, send } = memoryApp();
    feed.add(record(1));
    feed.add(record(2));
    feed.add({ ...record(3), event: 'room.parked' });
    await send('GET', '/nothing');
    const text = await (await send('GET', '/metrics')).text();
    for (const line of [
      'caa_journal_records_total{event="room.reserved"} 2',
      'caa_journal_records_total{event="room.parked"} 1',
      'caa_http_errors_total{code="NOT_FOUND"} 1',
      'caa_waiting_rooms 1',
      'caa_oldest_waiting_seconds 5',
      'caa_roster_age_seconds 1',
      'caa_qiscus_state{state="closed"} 1',
      'caa_qiscus_state{state="denied"} 0',
      'caa_store_up 1',
    ]) {
      expect(text.split('\n')).toContain(line);
    }
  });

  test('while Redis is down', async () => {
    const { desk, send } = memoryApp();
    desk.health = () => Promise.reject(new Error('down'));
    const reply = await send('GET', '/metrics');
    expect(reply.status).toBe(200);
    const lines = (await reply.text()).split('\n');
    expect(lines).toContain('caa_store_up 0');
    expect(lines).toContain('caa_waiting_rooms Nan');
  });
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
