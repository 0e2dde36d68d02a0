/** Rooms, over real HTTP: read, and freed of their agent. */
import { describe, expect, test } from 'bun:test';
import { dropped, fixture, HASTY, json, never, qiscusSuite } from '../support/qiscus-server';

const { connect } = qiscusSuite();

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
  ] as const)('a reading of %s', async (_, behave, expected) => {
    expect(await connect(behave).client.readRoom('7')).toEqual(expected);
  });

  test('a reading of silence ends at the time-out', async () => {
    const expected = { kind: 'failed', reason: 'timed out' } as const;
    expect(await connect(never, HASTY).client.readRoom('7')).toEqual(expected);
  });

  test('remove_agent: true only when Qiscus said yes', async () => {
    const { client, seen } = connect(() => json({ data: {} }));
    expect(await client.removeAgent('7', '9')).toBe(true);
    expect(seen[0]).toMatchObject({ path: '/api/v1/admin/service/remove_agent', body: 'room_id=7&agent_id=9' });
    for (const behave of [() => json({ data: {} }, 400), () => new Response('no'), dropped, () => json({}, 500)])
      expect(await connect(behave).client.removeAgent('7', '9')).toBe(false);
  });
});
