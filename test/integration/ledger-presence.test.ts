/** Presence and pauses: who comes, who goes, and what becomes of their rooms. */
import { describe, expect, test } from 'bun:test';
import type { Intent } from '../../src/ledger/index';
import { allocation, resolved } from '../support/ledger';
import { HOUR_MS, onBothRedis } from '../support/ledger-suite';

onBothRedis((s) => {
  const { arrive, take, confirmAll, advance, stateOf, agentOf } = s;

  describe('presence', () => {
    const online = async (id: string) => (await s.t.desk.readAgent(id))?.online;

    test('two readings to go offline, one to come online', async () => {
      await s.t.roster([{ id: 'a' }]);
      expect(await online('a')).toBe(true);
      await s.t.roster([{ id: 'a', online: false }]);
      expect(await online('a')).toBe(true);
      await s.t.roster([{ id: 'a' }]);
      await s.t.roster([{ id: 'a', online: false }]);
      expect(await online('a')).toBe(true);
      await s.t.roster([{ id: 'a', online: false }]);
      expect(await online('a')).toBe(false);
      await arrive(allocation('1'));
      expect(await stateOf('1')).toBe('waiting');
      await s.t.roster([{ id: 'a' }]);
      expect(await agentOf('1')).toBe('a');
    });

    test('an agent that Qiscus no longer shows goes; what it holds stays until it is over', async () => {
      await s.t.roster([{ id: 'a' }, { id: 'b' }]);
      await arrive(allocation('1'), allocation('2'));
      await confirmAll();
      await arrive(resolved('2'));
      await s.t.roster([{ id: 'a' }]);
      expect(await online('b')).toBe(true);
      await s.t.roster([{ id: 'a' }]);
      expect(await s.t.desk.readAgent('b')).toBeNull();
      await s.t.roster([]);
      await s.t.roster([]);
      expect(await s.t.desk.readAgent('a')).toMatchObject({ online: false, assigned: 1 });
      expect(await stateOf('1')).toBe('assigned');
      await arrive(resolved('1'));
      await s.t.roster([]);
      expect(await s.t.desk.listAgents()).toEqual([]);
    });

    test.each([
      ['pause', { paused: true }],
      ['own limit', { maxCustomers: 1 }],
    ])('an operator’s %s outlives the agent’s absence, but not for ever', async (_, set) => {
      await s.t.roster([{ id: 'a' }]);
      await s.t.desk.patchAgent('a', set);
      for (let i = 0; i < 3; i++) await s.t.roster([]);
      expect(await s.t.desk.readAgent('a')).toMatchObject({ online: false, ...set });
      await s.t.roster([{ id: 'a' }]);
      expect(await s.t.desk.readAgent('a')).toMatchObject({ online: true, ...set });
      await advance(30 * 24 * HOUR_MS);
      for (let i = 0; i < 2; i++) await s.t.roster([]);
      expect(await s.t.desk.readAgent('a')).toBeNull();
    });

    test('what an agent gave back is forgotten with it, and when no count can include it any more', async () => {
      const recent = () => s.client.zcard(s.t.keys.recent);
      await s.t.roster([{ id: 'a' }, { id: 'b' }]);
      await arrive(allocation('1'), allocation('2'));
      await confirmAll();
      await arrive(resolved('1'), resolved('2'));
      expect(await recent()).toBe(2);
      await s.t.roster([{ id: 'a' }]);
      await s.t.roster([{ id: 'a' }]);
      expect([await s.t.desk.readAgent('b'), await recent()]).toEqual([null, 1]);
      await advance(11_000);
      await s.t.roster([{ id: 'a', count: null }]);
      expect(await recent()).toBe(0);
    });

    test('a reading begun before the one applied last is refused, but not when the clock was set back', async () => {
      const read = (presence: 'online' | 'offline', begunMs: number) => {
        const part = { id: 'a', name: 'a', presence, channels: '*', customerCount: null };
        return s.t.ledger.applyRoster([part], { begunMs, endedMs: begunMs, lagMs: 0, last: true });
      };
      const begunMs = s.t.clock.ms;
      s.t.clock.ms += 5_000;
      await read('offline', begunMs + 1_000);
      await read('online', begunMs);
      expect(await online('a')).toBe(false);
      s.t.clock.ms = begunMs;
      await read('online', begunMs);
      expect(await online('a')).toBe(true);
    });

    test('a reserved room goes back to its place when its call was not sent, else it keeps agent and slot', async () => {
      await s.t.roster([{ id: 'a' }]);
      await arrive(allocation('1'), allocation('2'), allocation('3'));
      const [sent] = await take(1);
      await s.t.roster([{ id: 'a', online: false }]);
      await s.t.roster([{ id: 'a', online: false }]);
      expect(await stateOf('1')).toBe('reserved');
      expect((await s.t.desk.readQueue(null, 9)).rooms.map(({ roomId }) => roomId)).toEqual(['2', '3']);
      expect(await s.t.ledger.confirm(sent as Intent, 'confirmed')).toBe('done');
      expect(await agentOf('1')).toBe('a');
    });

    test('a pause is the same, at once', async () => {
      await s.t.roster([{ id: 'a' }, { id: 'b' }]);
      await arrive(allocation('1'));
      expect(await agentOf('1')).toBe('a');
      await s.t.desk.patchAgent('a', { paused: true });
      expect(await agentOf('1')).toBe('b');
    });
  });
});
