/** What agents bring and take: load from outside, presence, pauses; and what time alone does to rooms. */
import { describe, expect, test } from 'bun:test';
import type { Intent } from '../../src/ledger/index';
import { allocation, resolved } from '../support/ledger';
import { HOUR_MS, onBothRedis } from '../support/ledger-suite';

onBothRedis((s) => {
  const { arrive, take, confirmAll, advance, stateOf, agentOf, loadOf, eventsOf } = s;

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
