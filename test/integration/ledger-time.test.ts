/** What time alone does to rooms: fallback, expiry, marks that are swept. */
import { describe, expect, test } from 'bun:test';
import { allocation, resolved } from '../support/ledger';
import { HOUR_MS, onBothRedis } from '../support/ledger-suite';

onBothRedis((s) => {
  const { arrive, take, advance, stateOf, agentOf, eventsOf } = s;

  describe('what time alone does', () => {
    const fallback = { fallbackAgentId: 'f', fallbackAfterMs: 60_000 };

    test('the fallback agent gets a room of any channel that waited long, and never above the limit', async () => {
      await s.t.roster([{ id: 'f', channels: [] }]);
      await arrive(...['1', '2', '3'].map((id) => allocation(id, { channelId: '10' })));
      await advance(50_000, fallback);
      expect(await stateOf('1')).toBe('waiting');
      await advance(15_000, fallback);
      expect([await agentOf('1'), await agentOf('2'), await stateOf('3')]).toEqual(['f', 'f', 'waiting']);
      expect(await eventsOf('1')).toEqual(['room.waiting', 'room.reserved']);
      expect((await s.t.desk.readDecisions('1', 1))[0]?.fields.reason).toBe('fallback');
    });

    test.each([
      ['offline', () => s.t.roster([{ id: 'f', channels: [], online: false }])],
      [
        'paused',
        async () => {
          await s.t.roster([{ id: 'f', channels: [] }]);
          await s.t.desk.patchAgent('f', { paused: true });
        },
      ],
      ['unknown', async () => {}],
    ])('not when the fallback agent is %s', async (_, change) => {
      await change();
      await arrive(allocation('1', { channelId: '10' }));
      await advance(100_000, fallback);
      expect(await stateOf('1')).toBe('waiting');
    });

    test('a room that waited too long is closed as expired, a younger one is not', async () => {
      await arrive(allocation('1'));
      await advance(HOUR_MS, { waitMaxMs: 2 * HOUR_MS });
      expect(await stateOf('1')).toBe('waiting');
      await advance(2 * HOUR_MS, { waitMaxMs: 2 * HOUR_MS });
      expect(await stateOf('1')).toBe('resolved');
      expect(await eventsOf('1')).toEqual(['room.waiting', 'room.expired']);
      await arrive(allocation('1'));
      expect(await stateOf('1')).toBe('waiting');
    });

    describe('a room that came back begins to wait anew, at its old place', () => {
      const park = async (ids: string[]) => {
        await s.t.ledger.setInitialLimit(ids.length);
        await s.t.roster([{ id: 'a' }]);
        await arrive(...ids.map((id) => allocation(id, { channelId: '10' })));
        for (const intent of await take()) await s.t.ledger.refuse(intent, 'occupied', 'park');
        await s.t.desk.patchAgent('a', { paused: true });
      };

      test('it is not closed as expired; those that waited on behind it are', async () => {
        await park(['1', '2', '3']);
        await arrive(allocation('4', { channelId: '10' }), allocation('other'));
        await advance(10 * HOUR_MS);
        await arrive(allocation('1'));
        await s.t.desk.requeueRoom('2', null);
        await s.t.desk.replayDeadLetter('room-3');
        const rules = { waitMaxMs: 2 * HOUR_MS };
        await advance(0, rules);
        expect(await Promise.all(['1', '2', '3', '4', 'other'].map(stateOf))).toEqual([
          ...['waiting', 'waiting', 'waiting'],
          ...['resolved', 'resolved'],
        ]);
        await advance(2 * HOUR_MS, rules);
        expect(await stateOf('1')).toBe('resolved');
      });

      test('the fallback agent gets it only when it waited long again', async () => {
        await park(['1']);
        await s.t.roster([{ id: 'a' }, { id: 'f', channels: [] }]);
        await arrive(allocation('2', { channelId: '10' }));
        await advance(50_000);
        await arrive(allocation('1'));
        await advance(15_000, fallback);
        expect([await stateOf('1'), await agentOf('2')]).toEqual(['waiting', 'f']);
        await arrive(resolved('2'));
        await advance(50_000, fallback);
        expect(await agentOf('1')).toBe('f');
      });
    });

    test('a resolved room’s mark is kept for 7 days', async () => {
      const week = { keepMarkMs: 7 * 24 * HOUR_MS };
      await arrive(allocation('1', { finishedService: 4 }), resolved('1', 5));
      await advance(7 * 24 * HOUR_MS - 1, week);
      await arrive(allocation('1', { finishedService: 4 }));
      expect(await stateOf('1')).toBe('resolved');
      await advance(2, week);
      expect(await s.t.desk.readRoom('1')).toBeNull();
      s.known.clear();
      expect(await s.client.zcard(s.t.keys.ended)).toBe(0);
    });

    test('a room whose session began anew is not swept with its old one', async () => {
      await arrive(allocation('1'), resolved('1'), allocation('1'));
      await advance(8 * 24 * HOUR_MS, { keepMarkMs: 7 * 24 * HOUR_MS });
      expect(await stateOf('1')).toBe('waiting');
    });
  });
});
