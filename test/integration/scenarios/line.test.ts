/** The line: order of arrival after saturation, repeated webhooks, agents that come, nobody at all. */
import { expect, test } from 'bun:test';
import { until } from '../../support/wait';
import { worlds } from '../../support/world';

const open = worlds();
const numbered = (from: number, count: number) => Array.from({ length: count }, (_, i) => String(from + i));

test('after saturation the line is served in the order of arrival, over several resolves', async () => {
  const { sandbox, chats, line, served, becomes, quiet, violations } = await open({ limit: 2 });
  const rooms = numbered(1, 9);
  await chats(...rooms);
  expect(await line()).toEqual(rooms.slice(2));
  for (const room of rooms) {
    await becomes(room, 'assigned');
    await sandbox.rooms.resolve(room);
  }
  expect(served()).toEqual(rooms);
  await quiet();
  expect(violations()).toEqual([]);
});

test('one agent for several channels: the longest-waiting room over all of them goes first', async () => {
  const { sandbox, line, served, becomes } = await open({ online: ['agent_04'], limit: 1 });
  const channels = { '1': '5603', '2': '272', '3': null, '4': '5603', '5': '272' };
  for (const [roomId, channelId] of Object.entries(channels)) await sandbox.rooms.create({ roomId, channelId });
  expect(await line()).toEqual(['2', '3', '4', '5']);
  for (const room of Object.keys(channels)) {
    await becomes(room, 'assigned');
    await sandbox.rooms.resolve(room);
  }
  expect(served()).toEqual(['1', '2', '3', '4', '5']);
});

test.each([
  [2, 5],
  [5, 1_500],
])('the same webhook %i times within %i ms is one place in line and one assignment', async (copies, spreadMs) => {
  const { sandbox, line, served, journal, becomes } = await open({ limit: 1 });
  await sandbox.rooms.create({ roomId: '1', copies, spreadMs });
  await sandbox.rooms.create({ roomId: '2', copies, spreadMs });
  expect(await line()).toEqual(['2']);
  expect(await journal('entry.repeated')).toHaveLength(2 * (copies - 1));
  await sandbox.rooms.resolve('1');
  await becomes('2', 'assigned');
  expect(served()).toEqual(['1', '2']);
});

test('[F09 S06] a repeat that comes after the room was resolved leaves no ghost, with service ids and without', async () => {
  const { sandbox, api, url, chats, line, state, journal, becomes, quiet } = await open();
  await chats('1', '2');
  await becomes('1', 'assigned');
  await becomes('2', 'assigned');
  await sandbox.rooms.resolve('1');
  await sandbox.rooms.resolve('2');

  // The repeat as Qiscus sent it at first: no service was finished then, one is now.
  const headers = { 'Content-Type': 'application/json', 'X-Webhook-Token': 'webhook-token-for-tests-only' };
  const body = JSON.stringify({ room_id: '1', app_id: 'kovof-123', source: 'qiscus', latest_service: null });
  await fetch(`${url}/api/v1/webhook/agent_allocation`, { method: 'POST', headers, body });
  expect(await state('1')).toBe('resolved');
  expect(await journal('entry.stale', '1')).toHaveLength(1);

  // Without ids it looks like a returning customer, until Qiscus says that the room is resolved.
  await api.allocate('2');
  await becomes('2', 'resolved');
  expect(await journal('room.closed', '2')).toMatchObject([{ fields: { reason: 'already_resolved' } }]);
  expect(await line()).toEqual([]);
  await quiet();
});

test('an agent comes online and nothing else happens: the line moves', async () => {
  const { sandbox, chats, line, served, becomes } = await open({ online: [] });
  await chats('1', '2', '3');
  expect(await line()).toEqual(['1', '2', '3']);
  sandbox.agents.change('agent_05', { available: true });
  await becomes('2', 'assigned');
  expect(served()).toEqual(['1', '2']);
  expect(await line()).toEqual(['3']);
});

test('nobody online, and so no candidate_agent either: the customer waits, and it is no error', async () => {
  const { sandbox, line } = await open({ online: [] });
  const { deliveries } = await sandbox.rooms.create({ roomId: '1', copies: 2 });
  expect(deliveries.map(({ status }) => status)).toEqual([202, 202]);
  expect(deliveries[0]?.body).toMatchObject({ status: 'success', state: 'waiting', agent_id: null, position: 1 });
  expect(await line()).toEqual(['1']);
});

test('a returning customer is a new session at a new place, as often as he returns', async () => {
  const { sandbox, chats, line, served, becomes, quiet } = await open({ limit: 1 });
  await chats('1');
  for (let session = 1; session <= 3; session++) {
    await becomes('1', 'assigned');
    await sandbox.rooms.resolve('1', { copies: 2 });
    await becomes('1', 'resolved');
    await sandbox.rooms.message('1', { copies: 2 });
  }
  await becomes('1', 'assigned');
  await chats('2');
  await sandbox.rooms.resolve('1');
  await becomes('2', 'assigned');
  // Behind those who came before.
  await sandbox.rooms.message('1');
  await chats('3');
  expect(await line()).toEqual(['1', '3']);
  expect(served()).toEqual(['1', '1', '1', '1', '2']);
  for (const room of ['2', '1', '3']) {
    await becomes(room, 'assigned');
    await sandbox.rooms.resolve(room);
  }
  await quiet();
});

test('[F48] resolved twice, by an admin: one slot is freed, once', async () => {
  const { sandbox, chats, journal, agent, becomes } = await open();
  await chats('1', '2');
  await becomes('2', 'assigned');
  const { deliveries } = await sandbox.rooms.resolve('1', { by: 'admin', copies: 2, spreadMs: 50 });
  expect(deliveries.map(({ body }) => (body as { state: string }).state)).toEqual(['released', 'not_held']);
  await until(async () => (await agent('agent_01')).load === 1, { what: 'one room left' });
  expect(await agent('agent_01')).toMatchObject({ load: 1, reserved: 0, assigned: 1, outside: 0 });
  expect(await journal('room.released')).toHaveLength(1);
});
