/** Rooms: one of them, the hands on it, the line, and the dead letters. */
import { describe, expect, test } from 'bun:test';
import { room } from '../support/desk';
import { memoryApp } from '../support/memory-app';

const SINCE = '2025-11-22T20:06:40.000Z';

/** A reply's body as the fields that a test looks into. */
interface Body {
  next: string;
  dead_letters: { history: unknown[] }[];
}
const bodyOf = async (reply: Response) => (await reply.json()) as Body;

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
