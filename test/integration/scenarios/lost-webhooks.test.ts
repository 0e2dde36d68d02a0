/** Webhooks that never came: found by comparing with Qiscus, or by the next one; repaired once, on record, and counted. */
import { describe, expect, test } from 'bun:test';
import type { Config } from '../../../src/config';
import { until } from '../../support/wait';
import { worlds } from '../../support/world';

const open = worlds();
const HOUR_MS = 3_600_000;

test('[F51] a lost resolve and nobody writes again: freed within one period, journalled with both views, counted', async () => {
  const { sandbox, chats, becomes, loadBecomes, journal, metric, served } = await open({ limit: 1 });
  await chats('1', '2');
  await becomes('1', 'assigned');
  await sandbox.rooms.resolve('1', { copies: 0 });
  await becomes('1', 'resolved');
  await becomes('2', 'assigned');
  expect(served()).toEqual(['1', '2']);
  expect(await journal('room.repaired')).toMatchObject([
    { fields: { room: '1', agent: 'agent_01', ours: 'assigned', qiscus: 'resolved' } },
  ]);
  expect(await metric('caa_journal_records_total{event="room.repaired"}')).toBe(1);
  await sandbox.rooms.resolve('2');
  await loadBecomes('agent_01', 0);
});

test('[F51] one in twenty resolve webhooks is lost over two hundred rooms: every slot comes back', async () => {
  const { sandbox, quiet, served, violations, journal } = await open({
    online: ['agent_01', 'agent_02', 'agent_03', 'agent_04'],
    limit: 5,
  });
  const rooms = Array.from({ length: 200 }, (_, i) => `r${i}`);
  await Promise.all(rooms.map((roomId) => sandbox.rooms.create({ roomId })));
  sandbox.configure({ dropWebhooks: 0.05 });
  await until(
    async () => {
      const busy = sandbox.state().rooms.filter((room) => room.agents.length > 0);
      await Promise.all(busy.map((room) => sandbox.rooms.resolve(room.id)));
      return sandbox.state().rooms.every((room) => room.resolved);
    },
    { what: 'all chats are over', withinMs: 30_000 },
  );
  await quiet();
  expect(served()).toHaveLength(200);
  expect(new Set(served()).size).toBe(200);
  expect(sandbox.state().deliveries.dropped).toBeGreaterThan(0);
  const repaired = await journal('room.repaired');
  expect(repaired).toHaveLength(sandbox.state().deliveries.dropped);
  expect(violations()).toEqual([]);
}, 45_000);

test('[F52] a lost allocation: adopted once two comparisons showed it, at the end of the line', async () => {
  const { sandbox, chats, line, journal, becomes, served, api } = await open({ limit: 1 });
  await chats('1');
  await sandbox.rooms.create({ roomId: 'lost', copies: 0, customerName: `Har\u0007p\ni ${'😀'.repeat(80)}` });
  await chats('2');
  await until(async () => (await line()).includes('lost'), { what: 'the lost room is adopted' });
  expect(await line()).toEqual(['2', 'lost']);
  expect((await api.room('lost')).customer_name).toBe(`Harpi ${'😀'.repeat(58)}`);
  expect(await journal('room.adopted')).toMatchObject([
    { fields: { room: 'lost', ours: 'unknown', qiscus: 'unserved', state: 'waiting' } },
  ]);
  await chats('3');
  for (const room of ['1', '2', 'lost', '3']) {
    await becomes(room, 'assigned');
    await sandbox.rooms.resolve(room);
  }
  expect(served()).toEqual(['1', '2', 'lost', '3']);
});

test('a room that an operator took out of the line comes back while Qiscus lists it: no webhook was lost', async () => {
  const { api, chats, line, journal, metric } = await open({ online: [] });
  await chats('1');
  expect((await api.post('/rooms/1/release', {})).status).toBe(200);
  await until(async () => (await line()).includes('1'), { what: 'it is in line again' });
  expect((await journal('room.adopted')).map(({ fields }) => fields.reason)).toEqual(['still_listed']);
  expect(await metric('caa_room_outcomes_total{outcome="adopted"}')).toBe(1);
  expect(await metric('caa_repairs_total{kind="allocation_missed"}')).toBe(0);
});

test('[F57] one comparison is not enough: the webhook may be on its way', async () => {
  const { sandbox, skip, line, journal } = await open({
    online: [],
    change: (config) => {
      config.reconcileSeconds = 3_600;
    },
  });
  const lists = () => sandbox.state().calls.customer_rooms ?? 0;
  await until(() => lists() === 1, { what: 'the comparison at the start' });
  await sandbox.rooms.create({ roomId: 'lost', copies: 0 });
  skip(3_600_000);
  await until(() => lists() === 2, { what: 'the first comparison that shows it' });
  const readings = sandbox.state().calls.agents ?? 0;
  await until(() => (sandbox.state().calls.agents ?? 0) > readings + 2, { what: 'the leader went on' });
  expect(await line()).toEqual([]);
  skip(3_600_000);
  await until(async () => (await line()).includes('lost'), { what: 'adopted by the second' });
  expect(await journal('room.adopted')).toHaveLength(1);
});

test('rooms that nobody served for months are never queued; of the others, who wrote longest ago goes first', async () => {
  const { sandbox, line, journal, explained } = await open({ online: [] });
  explained.push('8 old: nobody serves it, ours unknown', '8 ancient: nobody serves it, ours unknown');
  for (const [roomId, hours] of [
    ['old', 25],
    ['noon', 2],
    ['dawn', 9],
    ['ancient', 4_000],
  ] as const)
    await sandbox.rooms.create({ roomId, copies: 0, ageMs: hours * HOUR_MS });
  await until(async () => (await line()).length === 2, { what: 'the young ones are adopted' });
  const sweeps = () => sandbox.state().calls.customer_rooms ?? 0;
  const before = sweeps();
  await until(() => sweeps() > before + 1, { what: 'more comparisons' });
  expect(await line()).toEqual(['dawn', 'noon']);
  expect(await journal('room.adopted')).toHaveLength(2);
});

test('[F52] the webhook that comes after its room was adopted is a repeat', async () => {
  const { sandbox, line, journal } = await open({ online: [] });
  await sandbox.rooms.create({ roomId: '1', copies: 0 });
  await until(async () => (await line()).length === 1, { what: 'adopted' });
  await sandbox.rooms.message('1');
  expect(await line()).toEqual(['1']);
  expect(await journal('entry.repeated', '1')).toHaveLength(1);
});

describe('the resolve is lost, and the customer comes back', () => {
  const seldom = {
    change: (config: Config) => {
      config.reconcileSeconds = 3_600;
    },
  };

  test('[F51] with service ids: the new session stands in line at once, the old slot is free', async () => {
    const { sandbox, chats, becomes, line, journal, served, loadBecomes } = await open({ limit: 1, ...seldom });
    await chats('1', '2');
    await becomes('1', 'assigned');
    await sandbox.rooms.resolve('1', { copies: 0 });
    await sandbox.rooms.message('1');
    await becomes('2', 'assigned');
    expect(await line()).toEqual(['1']);
    expect(await journal('room.waiting', '1')).toMatchObject([
      { fields: { session: 'superseded', freed: 'agent_01' } },
    ]);
    await sandbox.rooms.resolve('2');
    await becomes('1', 'assigned');
    expect(served()).toEqual(['1', '2', '1']);
    await loadBecomes('agent_01', 1);
  });

  test('[F50] the lost resolve comes after all, late: the new session is not touched', async () => {
    const { sandbox, api, chats, becomes, state, journal } = await open(seldom);
    await chats('1');
    await becomes('1', 'assigned');
    await sandbox.rooms.resolve('1', { copies: 0 });
    const { finishedService } = sandbox.rooms.read('1');
    await sandbox.rooms.message('1');
    await until(() => sandbox.rooms.read('1').agents.length === 1, { what: 'the second session is served' });
    const late = {
      customer: {},
      resolved_by: { id: 1, type: 'admin' },
      service: { id: finishedService, room_id: '1', is_resolved: true },
    };
    expect((await api.post('/webhook/mark_as_resolved', late)).body.state).toBe('not_held');
    expect(await state('1')).toBe('assigned');
    expect(await journal('entry.stale', '1')).toHaveLength(1);
  });

  test('without ids, within the grace: taken for a repeat; after it: Qiscus is asked, at most once a minute', async () => {
    const { sandbox, api, chats, becomes, skip, inRoom, journal, served, agent } = await open(seldom);
    await chats('1');
    await becomes('1', 'assigned');
    await sandbox.rooms.resolve('1', { copies: 0 });
    await sandbox.rooms.message('1', { copies: 0 });
    await api.allocate('1');
    expect((await journal('entry.repeated', '1')).map(({ fields }) => fields.questioned)).toEqual([undefined]);
    skip(11_000);
    await api.allocate('1');
    await until(() => inRoom('1').length === 1, { what: 'somebody serves the customer again' });
    await until(async () => (await journal('room.answered')).length === 1, { what: 'the answer is on record' });
    expect(await journal('room.answered')).toMatchObject([{ fields: { ours: 'assigned', qiscus: 'taken_again' } }]);
    expect(served()).toEqual(['1', '1']);
    expect(await agent('agent_01')).toMatchObject({ assigned: 1 });
    // Another message right now asks nobody.
    const before = sandbox.state().calls.assign_agent;
    skip(11_000);
    await api.allocate('1');
    expect(sandbox.state().calls.assign_agent).toBe(before);
  });

  test('without ids, and Qiscus still shows it resolved: closed, and queued anew in the order of that message', async () => {
    const { sandbox, api, chats, becomes, skip, line, journal } = await open({ limit: 1, ...seldom });
    await chats('1', '2');
    await becomes('1', 'assigned');
    await sandbox.rooms.resolve('1', { copies: 0 });
    skip(11_000);
    await api.allocate('1');
    await becomes('2', 'assigned');
    expect(await line()).toEqual(['1']);
    expect(await journal('room.repaired', '1')).toHaveLength(1);
  });

  test('[F53] without ids, and a person holds it: kept as it is', async () => {
    const { api, chats, becomes, skip, journal, served, state } = await open(seldom);
    await chats('1');
    await becomes('1', 'assigned');
    skip(11_000);
    await api.allocate('1');
    await until(async () => (await journal('room.answered')).length === 1, { what: 'Qiscus was asked' });
    expect(await journal('room.answered')).toMatchObject([{ fields: { qiscus: 'held' } }]);
    expect(await state('1')).toBe('assigned');
    expect(served()).toEqual(['1']);
  });
});
