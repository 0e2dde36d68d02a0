/** An operator's hands, and a call of an old session that Qiscus carries out much later. */
import { expect, test } from 'bun:test';
import { until } from '../../support/wait';
import { worlds } from '../../support/world';

const open = worlds();

test('requeue with remove_agent: out of the room at Qiscus, back in line at the old place, served again', async () => {
  const { api, chats, becomes, served, line, inRoom, agent, violations, journal, metric } = await open({ limit: 1 });
  await chats('1', '2');
  await becomes('1', 'assigned');
  expect((await api.post('/rooms/1/requeue', {})).status).toBe(409);
  expect((await api.post('/rooms/1/requeue', { remove_agent: true })).status).toBe(200);
  await becomes('1', 'assigned');
  expect(served()).toEqual(['1', '1']);
  expect(inRoom('1')).toEqual(['agent_01']);
  expect(await line()).toEqual(['2']);
  expect((await agent('agent_01')).assigned).toBe(1);
  expect(violations()).toEqual([]);

  // Its customer's wait was over when an agent first had it.
  const waits = (await journal()).flatMap(({ event, fields }) => (event === 'room.assigned' ? [fields.waited] : []));
  expect(waits).toEqual([expect.stringMatching(/^\d+$/), '']);
  await until(async () => (await metric('caa_reserved_to_assigned_seconds_count')) === 2, { what: 'both are counted' });
  expect(await metric('caa_waiting_seconds_count')).toBe(1);
  expect(await metric('caa_accepted_to_reserved_seconds_count')).toBe(1);
});

test('release frees our slot only: what Qiscus still counts is shown as outside, and nothing is given on top', async () => {
  const { sandbox, api, chats, becomes, agent, line, violations } = await open({ limit: 1 });
  await chats('1');
  await becomes('1', 'assigned');
  await api.patch('/agents/agent_01', { paused: true });
  expect((await api.post('/rooms/1/release', {})).status).toBe(200);
  await until(async () => (await agent('agent_01')).outside === 1, { what: 'the room is shown as outside' });
  await api.patch('/agents/agent_01', { paused: false });
  await chats('2');
  expect(await line()).toEqual(['2']);
  await sandbox.rooms.resolve('1');
  await becomes('2', 'assigned');
  expect(violations()).toEqual([]);
});

test('[F40] a call that timed out is carried out by Qiscus in the next session: one agent in the room, nothing leaks', async () => {
  const { sandbox, fault, chats, becomes, inRoom, quiet, served, journal } = await open({
    limit: 1,
    sandbox: { cap: null },
    env: { QISCUS_TIMEOUT_MS: '300' },
  });
  fault({ on: 'assign_agent', roomId: '1', effect: 'apply_then_500', delayMs: 1_800 });
  await chats('1', '2');
  await until(async () => (await journal('call.deferred', '1')).length === 1, { what: 'the call timed out' });
  await sandbox.rooms.resolve('1');
  await becomes('2', 'assigned');
  await sandbox.rooms.message('1');
  await until(() => inRoom('1').length === 1, { what: 'the late call is carried out' });
  await sandbox.rooms.resolve('2');
  await until(() => sandbox.rooms.read('2').agents.length === 0, { what: 'room 2 is over' });
  await sandbox.rooms.resolve('1');
  await quiet();
  expect(served()).toEqual(['2', '1']);
});
