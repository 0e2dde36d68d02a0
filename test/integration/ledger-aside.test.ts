/** An agent whom Qiscus will not give rooms is set aside, and comes back. */
import { describe, expect, test } from 'bun:test';
import { allocation, resolved } from '../support/ledger';
import { HOUR_MS, onBothRedis } from '../support/ledger-suite';

onBothRedis((s) => {
  const { arrive, take, advance, agentOf } = s;

  describe('an agent whom Qiscus will not give rooms', () => {
    /** Refuses every intent for that agent, confirms the others'; the rooms refused are due again at once. */
    const answerAll = async (refused: string, doubt = true) => {
      for (const intent of await take()) {
        if (intent.agentId !== refused) await s.t.ledger.confirm(intent, 'confirmed');
        else await s.t.ledger.refuse(intent, 'refused_404', 'later', s.t.clock.ms, doubt);
      }
    };
    const isOnline = async (agent: string) => (await s.t.desk.readAgent(agent))?.online;

    test('is set aside after two rooms, and does not have the whole line parked', async () => {
      await s.t.ledger.setInitialLimit(5);
      await s.t.roster([{ id: 'bad' }, { id: 'good' }]);
      await arrive(allocation('1'), allocation('2'), allocation('3'), allocation('4'));
      await answerAll('bad');
      expect([await isOnline('bad'), await isOnline('good')]).toEqual([false, true]);
      await advance(0);
      await answerAll('bad');
      expect(await Promise.all(['1', '2', '3', '4'].map(agentOf))).toEqual(Array(4).fill('good'));
    });

    test('what it was about to get goes at once to an agent of other channels or another limit', async () => {
      await s.t.ledger.setInitialLimit(5);
      await s.t.roster([{ id: 'bad' }, { id: 'good' }]);
      await s.t.desk.patchAgent('good', { maxCustomers: 4, paused: true });
      await arrive(allocation('1'), allocation('2'), allocation('3'));
      await s.t.desk.patchAgent('good', { paused: false });
      for (const intent of await take(2)) await s.t.ledger.refuse(intent, 'refused_404', 'park', 0, true);
      expect([await isOnline('bad'), await agentOf('3')]).toEqual([false, 'good']);
    });

    test('is set aside also when the clock was set back since the last time', async () => {
      await s.t.ledger.setInitialLimit(5);
      await s.t.roster([{ id: 'bad' }]);
      await arrive(allocation('1'), allocation('2'));
      await answerAll('bad');
      await advance(-HOUR_MS);
      await s.t.roster([{ id: 'bad' }]);
      expect(await isOnline('bad')).toBe(true);
      await arrive(allocation('3'), allocation('4'));
      await answerAll('bad');
      expect(await isOnline('bad')).toBe(false);
    });

    test('comes back with a reading after its time, which doubles; an assignment ends the doubt', async () => {
      await s.t.ledger.setInitialLimit(5);
      await s.t.roster([{ id: 'bad' }]);
      await arrive(allocation('1'), allocation('2'));
      await answerAll('bad');
      for (const [waitMs, back] of [
        [9_000, false],
        [1_001, true],
      ] as const) {
        await advance(waitMs);
        await s.t.roster([{ id: 'bad' }]);
        expect(await isOnline('bad')).toBe(back);
      }
      await answerAll('bad');
      for (const [waitMs, back] of [
        [19_000, false],
        [1_001, true],
      ] as const) {
        await advance(waitMs);
        await s.t.roster([{ id: 'bad' }]);
        expect(await isOnline('bad')).toBe(back);
      }
      await answerAll('nobody');
      await arrive(allocation('3'));
      await answerAll('bad');
      expect(await isOnline('bad')).toBe(true);
    });

    test('one room that is refused again and again sets nobody aside, nor does one that Qiscus does not know', async () => {
      await s.t.roster([{ id: 'a' }]);
      await arrive(allocation('1'));
      for (let i = 0; i < 3; i += 1) {
        await answerAll('a');
        await advance(0);
      }
      expect(await isOnline('a')).toBe(true);
      await arrive(allocation('2'), allocation('3'));
      await answerAll('nobody');
      await arrive(resolved('1'), resolved('2'), allocation('4'), allocation('5'));
      await answerAll('a', false);
      expect(await isOnline('a')).toBe(true);
    });
  });
});
