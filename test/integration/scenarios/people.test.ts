/** What people do in the Qiscus dashboard, and how late Qiscus counts: nobody above the limit, nothing leaks. */
import { describe, expect, test } from 'bun:test';
import { until } from '../../support/wait';
import { worlds } from '../../support/world';

const open = worlds();

test('[F54] rooms assigned by hand raise the load, are shown as outside, and count against the limit', async () => {
  const { sandbox, chats, agent, loadBecomes, line, becomes, violations } = await open({ limit: 2 });
  await sandbox.rooms.create({ roomId: 'by-hand', copies: 0 });
  sandbox.rooms.assign('by-hand', 'agent_01');
  await loadBecomes('agent_01', 1);
  expect(await agent('agent_01')).toMatchObject({ load: 1, assigned: 0, outside: 1 });
  await chats('1', '2');
  await becomes('1', 'assigned');
  // Reading after reading, also when ours are surely in the count.
  const readings = sandbox.state().calls.agents ?? 0;
  await until(() => (sandbox.state().calls.agents ?? 0) > readings + 3, { what: 'four more readings' });
  expect(await agent('agent_01')).toMatchObject({ assigned: 1, outside: 1 });
  expect(await line()).toEqual(['2']);
  await sandbox.rooms.resolve('by-hand', { copies: 0 });
  await becomes('2', 'assigned');
  await until(async () => (await agent('agent_01')).outside === 0, { what: 'nothing outside' });
  expect(violations()).toEqual([]);
});

test('[F54 F55] more rooms by hand than the limit: shown and drained, never taken away; nothing new is given', async () => {
  const { sandbox, chats, agent, loadBecomes, line, becomes } = await open({ limit: 1 });
  await chats('1');
  await becomes('1', 'assigned');
  for (const roomId of ['a', 'b']) {
    await sandbox.rooms.create({ roomId, copies: 0 });
    sandbox.rooms.assign(roomId, 'agent_01');
  }
  await loadBecomes('agent_01', 3);
  await chats('2');
  await sandbox.rooms.resolve('1');
  await loadBecomes('agent_01', 2);
  expect(await line()).toEqual(['2']);
  await sandbox.rooms.resolve('a', { copies: 0 });
  await sandbox.rooms.resolve('b', { copies: 0 });
  await becomes('2', 'assigned');
  expect(await agent('agent_01')).toMatchObject({ load: 1, outside: 0 });
});

test('[F53 F30] a person takes a room that waits in line: parked after four tries, and nobody is put in beside him', async () => {
  const { sandbox, chats, skip, journal, becomes, inRoom, loadBecomes, violations } = await open({ limit: 1 });
  await chats('1', '2');
  await becomes('1', 'assigned');
  sandbox.rooms.assign('2', 'agent_02');
  await sandbox.rooms.resolve('1');
  for (let tries = 1; tries < 4; tries++) {
    await until(async () => (await journal('room.refused', '2')).length >= tries, { what: `refusal ${tries}` });
    skip(5_000);
  }
  await becomes('2', 'parked');
  expect(inRoom('2')).toEqual(['agent_02']);
  await loadBecomes('agent_01', 0);
  // His resolve closes it here too.
  await sandbox.rooms.resolve('2');
  await becomes('2', 'resolved');
  expect(violations()).toEqual([]);
});

test('[F54] the agent is taken out of a room by hand, and nobody writes: within a period he is in it again, counted once', async () => {
  const { sandbox, chats, becomes, inRoom, journal, agent } = await open();
  await chats('1');
  await becomes('1', 'assigned');
  sandbox.rooms.remove('1', 'agent_01');
  await until(() => inRoom('1').length === 1, { what: 'the customer has somebody again' });
  expect(inRoom('1')).toEqual(['agent_01']);
  expect(await journal('room.questioned')).toMatchObject([{ fields: { ours: 'assigned', qiscus: 'unserved' } }]);
  await until(async () => (await agent('agent_01')).load === 1, { what: 'counted once' });
});

test('[F55] an agent is deleted while he holds rooms: he gets nothing more, the rooms stay until they are over, then he is gone', async () => {
  const { sandbox, chats, agents, becomes, state, line } = await open({ online: ['agent_01', 'agent_02'], limit: 1 });
  await chats('1', '2');
  await becomes('2', 'assigned');
  // As Qiscus answers for somebody who became an admin or was deleted: the list lacks him.
  const others = sandbox.agents.list().filter(({ id }) => id !== 'agent_01');
  const rows = others.map(({ id, name, available }) => ({ id, name, is_available: available, type: 2 }));
  sandbox.faults.add({ on: 'agents', times: null, effect: 'status', status: 200, body: { data: { agents: rows } } });
  await until(async () => (await agents())[0]?.online === false, { what: 'agent_01 is away' });
  await chats('3');
  expect(await state('1')).toBe('assigned');
  expect(await line()).toEqual(['3']);
  await sandbox.rooms.resolve('1');
  await until(async () => (await agents()).every(({ id }) => id !== 'agent_01'), { what: 'agent_01 is gone' });
  expect(await line()).toEqual(['3']);
  await sandbox.rooms.resolve('2');
  await becomes('3', 'assigned');
});

test('[F55] an agent is deleted and Qiscus puts his rooms back unserved: they go back to their old places in line', async () => {
  const { sandbox, chats, becomes, line, journal, served, api } = await open({
    online: ['agent_01', 'agent_02'],
    limit: 1,
  });
  await chats('1', '2', '3');
  await becomes('2', 'assigned');
  const { agent_id: lost } = await api.room('1');
  sandbox.agents.remove(String(lost));
  await until(async () => (await line()).length === 2, { what: 'the room of the deleted agent waits again' });
  expect(await line()).toEqual(['1', '3']);
  expect(await journal('room.returned', '1')).toMatchObject([
    { fields: { reason: 'agent_gone', agent: String(lost) } },
  ]);
  await sandbox.rooms.resolve('2');
  await becomes('1', 'assigned');
  expect(served()).toEqual(['1', '2', '1']);
});

test.each([
  ['forced offline', { force_offline: true }],
  ['made a supervisor', { type: 3, type_as_string: 'supervisor' }],
  ['given other channels', { user_channels: [{ id: 272 }] }],
])('an agent is %s: keeps what he has, gets no more of these rooms', async (_, change) => {
  const { sandbox, api, agents, becomes, line, state } = await open({ limit: 2 });
  const chat = (roomId: string) => sandbox.rooms.create({ roomId, channelId: '5603' });
  await chat('1');
  await becomes('1', 'assigned');
  const row = {
    id: 'agent_01',
    name: 'Agent 1',
    is_available: true,
    type: 2,
    user_channels: [{ id: 5603 }],
    ...change,
  };
  sandbox.faults.add({ on: 'agents', times: null, effect: 'status', status: 200, body: { data: { agents: [row] } } });
  await until(
    async () => {
      const [first] = (await api.get('/agents')).body.agents as { online: boolean; channels: string[] | null }[];
      return first && (!first.online || !first.channels?.includes('5603'));
    },
    { what: 'the change is known' },
  );
  await chat('2');
  expect(await line()).toEqual(['2']);
  expect(await state('1')).toBe('assigned');
  expect((await agents())[0]).toMatchObject({ assigned: 1 });
  sandbox.faults.clear();
  await becomes('2', 'assigned');
});

describe('Qiscus counts late', () => {
  const online = ['agent_01', 'agent_02', 'agent_03'];

  test.each([0, 200, 5_000])(
    'by %i ms: never above the limit, and every slot comes back',
    async (countLagMs) => {
      const { sandbox, quiet, served, violations, loadBecomes } = await open({
        online,
        limit: 2,
        sandbox: { countLagMs },
        change: (config) => {
          config.countLagSeconds = countLagMs / 1_000 + 0.3;
        },
      });
      // Each has a room that only the count tells of, until the end.
      for (const id of online) {
        await sandbox.rooms.create({ roomId: `hand-${id}`, copies: 0 });
        sandbox.rooms.assign(`hand-${id}`, id);
      }
      for (const id of online) await loadBecomes(id, 1);

      const rooms = Array.from({ length: 30 }, (_, i) => `r${i}`);
      await Promise.all(rooms.map((roomId) => sandbox.rooms.create({ roomId, copies: 2 })));
      const ours = () => sandbox.state().rooms.filter(({ id }) => id.startsWith('r'));
      await until(
        async () => {
          const busy = ours().filter((room) => room.agents.length > 0);
          await Promise.all(busy.map((room) => sandbox.rooms.resolve(room.id, { copies: 2 })));
          return ours().every((room) => room.resolved);
        },
        { what: 'all chats are over', withinMs: 60_000 },
      );
      for (const id of online) await sandbox.rooms.resolve(`hand-${id}`, { copies: 0 });
      await quiet(15_000);
      const inOrder = served().filter((id) => id.startsWith('r'));
      expect(inOrder.toSorted()).toEqual(rooms.toSorted());
      expect(violations()).toEqual([]);
    },
    90_000,
  );
});
