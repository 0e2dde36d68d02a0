/**
 * A room that is taken from its agent: whoever else can take it goes first, nobody is overtaken for that, and the reason is on
 * record. The suite's own check judges every decision after each test.
 */
import { describe, expect, test } from 'bun:test';
import pino from 'pino';
import { agentDecisions } from '../../src/http/agents/decisions';
import { Scripts } from '../../src/redis/scripts';
import { JournalReader } from '../../src/streams/journal';
import { allocation, resolved } from '../support/ledger';
import { onBothRedis } from '../support/ledger-suite';

onBothRedis((s) => {
  const { arrive, confirmAll, agentOf, stateOf } = s;

  const takeAway = async (room: string) => s.t.desk.requeueRoom(room, (await s.t.desk.readRoom(room))?.token ?? null);
  const newestOf = async (room: string) => (await s.t.desk.readDecisions(room, 1))[0];
  async function verdictsOf(agentId: string): Promise<string[]> {
    const bell = { on: () => () => undefined };
    const feed = new JournalReader(s.client, bell, s.t.keys.journal, pino({ level: 'silent' }));
    const found = await agentDecisions(s.t.desk, feed, { agentId, sinceMs: 0, after: null, limit: 100 });
    return found?.decisions.map(({ roomId, verdict, load }) => `${roomId} ${verdict} ${load}`).reverse() ?? [];
  }

  /** Room 1 is with `a`, who holds nothing else; `b` and `c` hold one each. */
  async function threeAgents(): Promise<void> {
    await s.t.roster([{ id: 'a' }, { id: 'b' }, { id: 'c' }]);
    await arrive(allocation('1'), allocation('2'), allocation('3'));
    await confirmAll();
    expect(await agentOf('1')).toBe('a');
  }

  test('another one gets it, by the rule without whom it was taken from', async () => {
    await threeAgents();
    expect(await takeAway('1')).toEqual({ kind: 'done', state: 'reserved' });
    expect(await agentOf('1')).toBe('b');
    expect(await newestOf('1')).toMatchObject({
      event: 'room.reserved',
      fields: { agent: 'b', load: '1', runner_up: 'c:1', reason: 'agent_removed', removed: 'a' },
    });
    expect((await verdictsOf('a')).at(-1)).toBe('1 removed 0');
    expect((await verdictsOf('b')).at(-1)).toBe('1 chosen 1');
    expect((await verdictsOf('c')).at(-1)).toBe('1 id 1');
    await arrive(allocation('next'));
    expect(await agentOf('next')).toBe('a');
  });

  test('only at that one decision: taken from the other one as well, it comes back', async () => {
    await threeAgents();
    await takeAway('1');
    await confirmAll();
    await s.t.desk.patchAgent('c', { paused: true });
    await takeAway('1');
    expect(await agentOf('1')).toBe('a');
    expect((await newestOf('1'))?.fields).toMatchObject({ reason: 'least_loaded' });
    expect((await newestOf('1'))?.fields.removed).toBeUndefined();
  });

  test('nobody else can take it: full, paused, offline, another channel; it comes back, by the rule', async () => {
    await s.t.desk.setMaxCustomers(1);
    const roster = (online: boolean) => [
      { id: 'a' },
      { id: 'away', online },
      { id: 'other', channels: ['20'] },
      { id: 'full' },
      { id: 'paused' },
    ];
    await s.t.roster(roster(true));
    await s.t.roster(roster(false));
    await s.t.roster(roster(false));
    await arrive(allocation('1', { channelId: '10' }), allocation('2', { channelId: '10' }));
    await s.t.desk.patchAgent('paused', { paused: true });
    await confirmAll();
    expect(await takeAway('1')).toEqual({ kind: 'done', state: 'reserved' });
    expect(await agentOf('1')).toBe('a');
    expect((await newestOf('1'))?.fields).toMatchObject({ reason: 'least_loaded', full: '1' });
  });

  test('one who holds less than whom it was taken from gets it as ever', async () => {
    await threeAgents();
    await arrive(allocation('4'));
    await confirmAll();
    expect(await agentOf('4')).toBe('a');
    await arrive(resolved('2'));
    await takeAway('1');
    expect(await agentOf('1')).toBe('b');
    expect((await newestOf('1'))?.fields).toMatchObject({ reason: 'least_loaded', runner_up: 'a:1' });
  });

  test('what waits behind it gets the slot that it leaves', async () => {
    await s.t.desk.setMaxCustomers(1);
    await s.t.roster([{ id: 'a' }, { id: 'b', channels: ['10'] }]);
    await arrive(allocation('1', { channelId: '10' }));
    await arrive(allocation('waits', { channelId: '20' }));
    expect([await agentOf('1'), await agentOf('waits')]).toEqual(['a', null] as const);
    await confirmAll();
    await takeAway('1');
    expect([await agentOf('1'), await agentOf('waits')]).toEqual(['b', 'a'] as const);
  });

  test('a parked room was taken from nobody', async () => {
    await threeAgents();
    await arrive(resolved('1'), allocation('again'));
    await s.t.ledger.refuse(await s.theIntent(), 'occupied', 'park');
    await s.t.desk.requeueRoom('again', null);
    expect(await agentOf('again')).toBe('a');
  });

  describe('older rooms', () => {
    test('of its channel come first, and it waits at its place', async () => {
      await s.t.desk.setMaxCustomers(1);
      await s.t.roster([{ id: 'a' }, { id: 'b' }]);
      await arrive(allocation('old'), allocation('1'));
      await confirmAll();
      await s.t.desk.patchAgent('a', { paused: true });
      await takeAway('old');
      expect(await stateOf('old')).toBe('waiting');
      await takeAway('1');
      expect([await agentOf('old'), await stateOf('1')]).toEqual(['b', 'waiting']);
    });

    test('that nobody has looked at yet, in the middle of a larger drain', async () => {
      const agents = Array.from({ length: 100 }, (_, i) => ({ id: `a${i}`, channels: ['10', '30'] }));
      await s.t.desk.setMaxCustomers(1);
      await s.t.roster([...agents, { id: 'x', channels: ['30'] }]);
      await arrive(...agents.map(({ id }) => allocation(`held-${id}`, { channelId: '10' })));
      await arrive(...agents.map(({ id }) => allocation(`old-${id}`, { channelId: '10' })));
      await arrive(allocation('young', { channelId: '30' }));
      await confirmAll();
      expect(await agentOf('young')).toBe('x');
      const scripts = new Scripts(s.client, s.t.keys);
      expect(await scripts.run('set_max_customers', s.t.clock.ms, 'max_customers', 2)).toEqual(['more']);
      await takeAway('young');
      expect(await agentOf('young')).toBe('x');
      expect((await newestOf('young'))?.fields.reason).toBe('least_loaded');
    });
  });
});
