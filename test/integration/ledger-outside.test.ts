/** Load from outside: what Qiscus counts beside the rooms that are ours. */
import { describe, expect, test } from 'bun:test';
import { allocation, resolved } from '../support/ledger';
import { onBothRedis } from '../support/ledger-suite';

onBothRedis((s) => {
  const { arrive, confirmAll, stateOf, loadOf } = s;

  describe('load from outside', () => {
    interface Life {
      /** Seconds before the reading: confirmed, and given back (none: still held). */
      confirmed: number;
      released?: number;
    }
    // Lag 10 s. U: ours that the count may hold; I: ours that it must hold. Outside is clamped to [c - |U|, c - |I|].
    const table: [string, { had?: number; ours?: Life[]; reserved?: number; count: number | null; outside: number }][] =
      [
        ['nobody, and none', { count: 0, outside: 0 }],
        ['others brought three', { count: 3, outside: 3 }],
        ['others took theirs away', { had: 3, count: 1, outside: 1 }],
        ['one of ours for long, and counted', { ours: [{ confirmed: 60 }], count: 1, outside: 0 }],
        ['one of ours for long, and two others', { ours: [{ confirmed: 60 }], count: 3, outside: 2 }],
        [
          'one of ours for long, and not counted: never below zero',
          { ours: [{ confirmed: 60 }], count: 0, outside: 0 },
        ],
        ['just confirmed and not counted yet', { ours: [{ confirmed: 1 }], count: 0, outside: 0 }],
        ['just confirmed and counted already', { ours: [{ confirmed: 1 }], count: 1, outside: 0 }],
        [
          'just confirmed: two that were outside stay so, whether it counts it or not',
          { had: 2, ours: [{ confirmed: 1 }], count: 2, outside: 2 },
        ],
        [
          'two just confirmed, one of them counted, maybe: what was known stays',
          { had: 2, ours: [{ confirmed: 1 }, { confirmed: 2 }], count: 3, outside: 2 },
        ],
        ['just confirmed: counted beside the two', { had: 2, ours: [{ confirmed: 1 }], count: 3, outside: 2 }],
        [
          'just confirmed: one of the two outside must be gone',
          { had: 2, ours: [{ confirmed: 1 }], count: 1, outside: 1 },
        ],
        ['just confirmed: more than it explains rises at once', { ours: [{ confirmed: 1 }], count: 3, outside: 2 }],
        ['just given back and still counted', { ours: [{ confirmed: 60, released: 1 }], count: 1, outside: 0 }],
        ['just given back and not counted', { ours: [{ confirmed: 60, released: 1 }], count: 0, outside: 0 }],
        [
          'given back longer ago than the lag: then it is somebody else’s',
          { ours: [{ confirmed: 60, released: 11 }], count: 1, outside: 1 },
        ],
        ['confirmed and given back within the lag', { ours: [{ confirmed: 5, released: 2 }], count: 1, outside: 0 }],
        [
          'one old, one new, one gone; and one of others',
          { ours: [{ confirmed: 60 }, { confirmed: 2 }, { confirmed: 60, released: 3 }], count: 4, outside: 1 },
        ],
        [
          'the same, uncounted: falls no lower than what it must be',
          { had: 3, ours: [{ confirmed: 60 }, { confirmed: 2 }], count: 3, outside: 2 },
        ],
        ['a reserved room is in neither: counted by Qiscus already', { reserved: 1, count: 1, outside: 1 }],
        ['a reserved room is in neither: not counted', { reserved: 1, count: 0, outside: 0 }],
        ['no count: what was known stays', { had: 2, count: null, outside: 2 }],
      ];

    test.each(table)('%s', async (_, { had = 0, ours = [], reserved = 0, count, outside }) => {
      await s.t.desk.setMaxCustomers(50);
      await s.t.roster([{ id: 'a', count: had }]);
      const readAt = s.t.clock.ms + 100_000;
      const moments = ours.flatMap(({ confirmed, released }, i) => [
        { at: confirmed, what: allocation(`o${i}`) },
        ...(released === undefined ? [] : [{ at: released, what: resolved(`o${i}`) }]),
      ]);
      for (const { at, what } of moments.sort((a, b) => b.at - a.at)) {
        s.t.clock.ms = readAt - at * 1_000;
        await arrive(what);
        await confirmAll();
      }
      s.t.clock.ms = readAt;
      for (let i = 0; i < reserved; i++) await arrive(allocation(`r${i}`));
      await s.t.roster([{ id: 'a', count }]);
      expect(await s.t.desk.readAgent('a')).toMatchObject({ outside, outsideKnown: count !== null });
    });

    test('fills the limit, and frees it when it is gone', async () => {
      await s.t.roster([{ id: 'a', count: 2 }]);
      await arrive(allocation('1'));
      expect(await stateOf('1')).toBe('waiting');
      await s.t.roster([{ id: 'a', count: 1 }]);
      expect(await stateOf('1')).toBe('reserved');
      await s.t.roster([{ id: 'a', count: 9 }]);
      expect(await loadOf('a')).toBe(10);
    });
  });
});
