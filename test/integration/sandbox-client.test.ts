/** Our client against the sandbox, over real HTTP. */
import { describe, expect, test } from 'bun:test';
import { assignByHand, at, connect, sandboxSuite } from '../support/sandbox-suite';
import { until } from '../support/wait';

const { start } = sandboxSuite();

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
