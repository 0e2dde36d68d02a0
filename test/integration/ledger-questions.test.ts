/** Questions whether Qiscus still has a room with somebody: what becomes of one that gets no answer. */
import { beforeEach, describe, expect, test } from 'bun:test';
import type { Intent } from '../../src/ledger/index';
import { allocation } from '../support/ledger';
import { onBothRedis } from '../support/ledger-suite';

onBothRedis((s) => {
  const { arrive, take, confirmAll, advance, stateOf, eventsOf, theIntent } = s;
  const answered = { kind: 'answered', pauseMs: 0 } as const;
  const unknown = { kind: 'unknown', pauseMs: 0 } as const;
  const tokenOf = async (room: string) =>
    (await s.t.ledger.listHeld()).find(({ roomId }) => roomId === room)?.token ?? 0;

  /** Room 1 is assigned; its customer, who is with nobody, writes again. */
  async function customerReturns(): Promise<void> {
    await arrive(allocation('1'));
    await confirmAll();
    await advance(61_000);
    await arrive(allocation('1'));
  }

  describe('a question', () => {
    beforeEach(() => s.t.roster([{ id: 'a' }]));

    test('left by a dispatcher that died is asked again; what the old one hears later changes nothing', async () => {
      await customerReturns();
      const old = await theIntent();
      expect(await s.t.ledger.reclaim(0, 8)).toBe(1);
      const again = await theIntent();
      expect(again).toMatchObject({ kind: 'question', roomId: '1', agentId: 'a' });
      expect(await s.t.ledger.answer(old, 'held', answered)).toBe('fenced');
      expect(await s.t.ledger.answer(again, 'resolved', answered)).toBe('done');
      expect(await stateOf('1')).toBe('reserved');
      expect(await eventsOf('1')).toContain('call.reclaimed');
    });

    test('that dispatchers die of is given up, until a webhook raises it anew', async () => {
      await customerReturns();
      for (let round = 1; round <= 3; round++) {
        expect(await take()).toHaveLength(1);
        await s.t.ledger.reclaim(0, 3);
      }
      expect(await take()).toEqual([]);
      expect(await stateOf('1')).toBe('assigned');
      await arrive(allocation('1'));
      expect(await theIntent()).toMatchObject({ kind: 'question', roomId: '1' });
    });

    test('without an answer may be asked again at once, with its webhook on record', async () => {
      await customerReturns();
      await s.t.ledger.answer(await theIntent(), 'none', unknown);
      // This time the sweep asks, which has no webhook to show.
      expect(await s.t.ledger.question('1', await tokenOf('1'))).toBe(true);
      await s.t.ledger.answer(await theIntent(), 'resolved', answered);
      expect(await stateOf('1')).toBe('reserved');
    });

    test('of a webhook is not forgotten when the sweep asks as well', async () => {
      await customerReturns();
      const first = await theIntent();
      await advance(61_000);
      expect(await s.t.ledger.question('1', await tokenOf('1'))).toBe(true);
      expect(await s.t.ledger.answer(first, 'held', answered)).toBe('fenced');
      await s.t.ledger.answer(await theIntent(), 'resolved', answered);
      expect(await stateOf('1')).toBe('reserved');
    });

    test('of a webhook is not forgotten when the sweep finds the room resolved', async () => {
      await customerReturns();
      await s.t.ledger.answer(await theIntent(), 'none', unknown);
      expect(await s.t.ledger.repair('1', await tokenOf('1'))).toBe(false);
      await s.t.ledger.answer((await theIntent()) as Intent, 'resolved', answered);
      expect(await stateOf('1')).toBe('reserved');
    });

    test('that was answered is over: when the chat ends later, nothing is queued for it', async () => {
      await customerReturns();
      await s.t.ledger.answer(await theIntent(), 'held', answered);
      await advance(61_000);
      expect(await s.t.ledger.question('1', await tokenOf('1'))).toBe(true);
      await s.t.ledger.answer(await theIntent(), 'resolved', answered);
      expect(await stateOf('1')).toBe('resolved');
    });
  });
});
