/** Calls to Qiscus: takeover and fencing, one rate and one concurrency for all processes, the breaker. */
import { beforeEach, describe, expect, test } from 'bun:test';
import { type Intent, Ledger } from '../../src/ledger/index';
import { Scripts } from '../../src/redis/scripts';
import { ensureGroups } from '../../src/streams/groups';
import { allocation } from '../support/ledger';
import { onBothRedis } from '../support/ledger-suite';

onBothRedis((s) => {
  const { arrive, take, confirmAll, advance, stateOf, agentOf, loadOf, eventsOf, theIntent } = s;

  describe('a dispatcher that died or slept', () => {
    beforeEach(() => s.t.roster([{ id: 'a' }, { id: 'b' }]));

    test('its call is taken over with the same agent, the same slot, and a newer token', async () => {
      await arrive(allocation('1'));
      const old = await theIntent();
      expect(await s.t.ledger.reclaim(0, 8)).toBe(1);
      const taken = await theIntent();
      expect(taken).toMatchObject({ roomId: '1', agentId: old.agentId, unsure: true });
      expect(taken.token).toBeGreaterThan(old.token);
      expect([await loadOf('a'), await loadOf('b')]).toEqual([1, 0]);
    });

    const reports: [string, (intent: Intent) => Promise<string>][] = [
      ['confirm', (intent) => s.t.ledger.confirm(intent, 'confirmed')],
      ['close', (intent) => s.t.ledger.refuse(intent, 'late', 'close')],
      ['later', (intent) => s.t.ledger.refuse(intent, 'late', 'later', s.t.clock.ms + 1)],
      ['park', (intent) => s.t.ledger.refuse(intent, 'late', 'park')],
      [
        'defer',
        (intent) =>
          s.t.ledger.defer(intent, 'late', { kind: 'unknown', sent: true, dueMs: s.t.clock.ms, pauseMs: 0, limit: 8 }),
      ],
    ];
    test.each(reports)('its late "%s" changes nothing but is on record', async (_, report) => {
      await arrive(allocation('1'));
      const old = await theIntent();
      await s.t.ledger.reclaim(0, 8);
      expect(await report(old)).toBe('fenced');
      expect(await stateOf('1')).toBe('reserved');
      const taken = await theIntent();
      expect(await report(old)).toBe('fenced');
      expect(await s.t.ledger.confirm(taken, 'confirmed')).toBe('done');
      expect(await report(old)).toBe('fenced');
      expect([await stateOf('1'), await agentOf('1'), await loadOf('a')]).toEqual(['assigned', 'a', 1]);
      expect((await eventsOf('1')).filter((event) => event === 'call.fenced')).toHaveLength(3);
    });

    test('[F18] confirmed by one of two that hold its call, after the other had put it off: it is not given away later', async () => {
      await arrive(allocation('1'));
      const first = await theIntent();
      await s.client.xgroup('DESTROY', s.t.keys.outbox, 'dispatch');
      await ensureGroups(s.client, s.t.keys);
      const second = await theIntent();
      expect(second.unsure).toBe(true);
      const how = { kind: 'unknown', sent: true, dueMs: s.t.clock.ms + 500, pauseMs: 0, limit: 8 } as const;
      expect(await s.t.ledger.defer(first, 'no answer', how)).toBe('done');
      expect(await s.t.ledger.confirm(second, 'confirmed')).toBe('done');
      await advance(1_000);
      expect([await stateOf('1'), await agentOf('1'), await loadOf('a'), await loadOf('b')]).toEqual([
        'assigned',
        'a',
        1,
        0,
      ]);
    });

    test('a call that was lost with the outbox before it was sent is not taken for ours: somebody else may be in', async () => {
      await arrive(allocation('1'), allocation('2'));
      const [sent] = await take(1);
      await s.client.del(s.t.keys.outbox);
      await ensureGroups(s.client, s.t.keys, { scripts: new Scripts(s.client, s.t.keys), nowMs: () => s.t.clock.ms });
      const unsure = (await take()).map(({ roomId, unsure }) => [roomId, unsure]);
      expect(sent?.roomId).toBe('1');
      expect(unsure.sort()).toEqual([
        ['1', true],
        ['2', false],
      ]);
    });

    test('[F24] many calls under way, none of them idle: the look for those left behind comes to its end', async () => {
      await s.t.desk.setMaxCustomers(1_000);
      await arrive(...Array.from({ length: 900 }, (_, i) => allocation(String(i))));
      let taken = 0;
      for (let some = await take(); some.length > 0; some = await take()) taken += some.length;
      expect(taken).toBe(900);
      expect(await s.t.ledger.reclaim(3_600_000, 8)).toBe(0);
      expect(await s.t.ledger.reclaim(0, 8)).toBe(900);
    });

    test('a room left behind again and again is parked, its slot goes to the next', async () => {
      await s.t.desk.setMaxCustomers(1);
      await s.t.roster([{ id: 'a' }]);
      await s.t.roster([{ id: 'a' }]);
      await arrive(allocation('1'), allocation('2'));
      for (let round = 1; round <= 3; round++) {
        expect(await theIntent()).toMatchObject({ roomId: '1' });
        await s.t.ledger.reclaim(0, 3);
      }
      expect([await stateOf('1'), await stateOf('2')]).toEqual(['parked', 'reserved']);
      expect(await s.t.desk.listDeadLetters()).toMatchObject([{ id: 'room-1', reason: 'left_behind' }]);
    });
  });

  describe('calls of all dispatchers together', () => {
    const RATE = 20;
    const unknown = { kind: 'unknown', sent: true, pauseMs: 0, limit: 1e9 } as const;

    test('two processes share one rate', async () => {
      await s.t.desk.setMaxCustomers(1_000);
      await s.t.roster([{ id: 'a' }]);
      await arrive(...Array.from({ length: 300 }, (_, i) => allocation(String(i))));
      const scripts = new Scripts(s.client, s.t.keys);
      const ledgers = [s.t.ledger, new Ledger(scripts, () => s.t.clock.ms)];
      const begunMs = s.t.clock.ms;
      const sentAtMs: number[] = [];
      while (s.t.clock.ms < begunMs + 10_000) {
        let waitMs = 1_000;
        for (const ledger of ledgers) {
          const taken = await ledger.takeIntents(16, 1_000, RATE);
          if (taken.kind === 'wait') waitMs = Math.min(waitMs, taken.ms);
          for (const intent of taken.kind === 'taken' ? taken.intents : []) {
            sentAtMs.push(s.t.clock.ms);
            await ledger.confirm(intent, 'confirmed');
          }
        }
        s.t.clock.ms += waitMs;
      }
      expect(sentAtMs.length).toBeGreaterThanOrEqual(RATE * 10 * 0.95);
      for (const from of sentAtMs) {
        const within = sentAtMs.filter((at) => at >= from && at < from + 1_000).length;
        expect(within).toBeLessThanOrEqual(RATE * 1.2);
      }
      await s.t.ledger.spendCalls(RATE, RATE);
      expect((await s.t.ledger.takeIntents(1, 1_000, RATE)).kind).toBe('wait');
    });

    test('and one concurrency', async () => {
      await s.t.desk.setMaxCustomers(100);
      await s.t.roster([{ id: 'a' }]);
      await arrive(...Array.from({ length: 20 }, (_, i) => allocation(String(i))));
      const first = await s.t.ledger.takeIntents(16, 10, 1e9);
      expect(first.kind === 'taken' && first.intents.length).toBe(10);
      expect(await s.t.ledger.takeIntents(16, 10, 1e9)).toEqual({ kind: 'busy' });
      if (first.kind === 'taken') await s.t.ledger.confirm(first.intents[0] as Intent, 'confirmed');
      const next = await s.t.ledger.takeIntents(16, 10, 1e9);
      expect(next.kind === 'taken' && next.intents.length).toBe(1);
    });

    test('calls of a process that died take no room from the others, not even before they are taken over', async () => {
      await rooms(6);
      const dead = await s.t.ledger.takeIntents(2, 2, 1e9, 60_000);
      expect(dead.kind === 'taken' && dead.intents.length).toBe(2);
      expect(await s.t.ledger.takeIntents(2, 2, 1e9, 60_000)).toEqual({ kind: 'busy' });
      // No call lasts for 0 ms: all that is pending has lost its dispatcher.
      const next = await s.t.ledger.takeIntents(2, 2, 1e9, 0);
      expect(next.kind === 'taken' && next.intents.map(({ roomId }) => roomId)).toEqual(['2', '3']);
    });

    test('a call beside the outbox waits for a pause as well, and what it used is not forgiven', async () => {
      expect(await s.t.ledger.takeTurn(RATE)).toBe(0);
      await s.t.ledger.noteQiscus('slowed', 30_000);
      expect(await s.t.ledger.takeTurn(RATE)).toBe(30_000);
      await advance(30_000);
      expect(await s.t.ledger.takeTurn(RATE)).toBe(0);
      await s.t.ledger.spendCalls(10 * RATE, RATE);
      expect(await s.t.ledger.takeTurn(RATE)).toBeGreaterThan(8_000);
      const taken = await s.t.ledger.takeIntents(1, 100, RATE);
      expect(taken.kind === 'wait' && taken.ms).toBeGreaterThan(9_000);
    });

    async function rooms(count: number): Promise<void> {
      await s.t.desk.setMaxCustomers(100);
      await s.t.roster([{ id: 'a' }]);
      await arrive(...Array.from({ length: count }, (_, i) => allocation(String(i))));
    }
    const breaker = async () => (await s.t.desk.readHealth()).qiscus;

    test('five calls without an answer open the breaker; then one goes first', async () => {
      await rooms(10);
      const intents = await take(5);
      for (const [i, intent] of intents.entries()) {
        expect((await breaker()).state).toBe(i < 5 ? 'closed' : 'open');
        await s.t.ledger.defer(intent, 'timeout', { ...unknown, dueMs: s.t.clock.ms + 500 });
      }
      const { state, untilMs } = await breaker();
      expect([state, untilMs]).toEqual(['open', s.t.clock.ms + 1_000]);
      expect(await s.t.ledger.takeIntents(5, 100, 1e9)).toEqual({ kind: 'wait', ms: 1_000 });

      await advance(1_000);
      const [probe, ...others] = await take();
      expect(others).toEqual([]);
      expect(await s.t.ledger.takeIntents(5, 100, 1e9)).toEqual({ kind: 'busy' });
      await s.t.ledger.defer(probe as Intent, 'timeout', { ...unknown, dueMs: s.t.clock.ms + 500 });
      expect((await breaker()).untilMs).toBe(s.t.clock.ms + 2_000);

      await advance(2_000);
      expect(await s.t.ledger.confirm(await theIntent(), 'confirmed')).toBe('done');
      expect(await breaker()).toMatchObject({ state: 'closed', failures: 0, untilMs: 0 });
      await confirmAll();
      expect((await s.t.desk.readAgent('a'))?.assigned).toBe(10);
    });

    test('401: everything pauses at once, the room keeps its agent, no attempt is spent', async () => {
      await rooms(2);
      const [first] = await take(1);
      await s.t.ledger.defer(first as Intent, 'denied_401', {
        kind: 'denied',
        sent: false,
        dueMs: s.t.clock.ms + 500,
        pauseMs: 0,
        limit: 8,
      });
      expect((await breaker()).state).toBe('denied');
      expect((await s.t.ledger.takeIntents(1, 100, 1e9)).kind).toBe('wait');
      await advance(1_500);
      expect((await confirmAll()).sort()).toEqual(['0', '1']);
      expect((await s.t.desk.readRoom('0'))?.attempts).toBe(0);
    });

    test('429: as long as Qiscus says', async () => {
      await rooms(2);
      const [first] = await take(1);
      await s.t.ledger.defer(first as Intent, 'slow_down', {
        kind: 'slowed',
        sent: false,
        dueMs: s.t.clock.ms + 500,
        pauseMs: 7_000,
        limit: 8,
      });
      expect(await breaker()).toMatchObject({ state: 'slowed', untilMs: s.t.clock.ms + 7_000 });
      await advance(6_999);
      expect(await s.t.ledger.takeIntents(1, 100, 1e9)).toEqual({ kind: 'wait', ms: 1 });
      await advance(1);
      expect((await confirmAll()).sort()).toEqual(['0', '1']);
    });

    test.each(['slowed', 'denied'] as const)(
      '%s: an answer to a call already in flight does not end the pause',
      async (kind) => {
        await rooms(3);
        const [first, second] = await take(2);
        const dueMs = s.t.clock.ms + 500;
        await s.t.ledger.defer(first as Intent, kind, { kind, sent: false, dueMs, pauseMs: 30_000, limit: 8 });
        expect(await s.t.ledger.confirm(second as Intent, 'confirmed')).toBe('done');
        expect(await breaker()).toMatchObject({ state: kind, untilMs: s.t.clock.ms + 30_000 });
        expect(await s.t.ledger.takeIntents(1, 100, 1e9)).toEqual({ kind: 'wait', ms: 30_000 });
        await advance(30_000);
        expect((await confirmAll()).sort()).toEqual(['0', '2']);
        expect((await breaker()).state).toBe('closed');
      },
    );

    test('five without an answer, then one that was already in flight: the breaker stays open for its time', async () => {
      await rooms(7);
      const intents = await take(6);
      const last = intents.pop() as Intent;
      for (const intent of intents)
        await s.t.ledger.defer(intent, 'timeout', { ...unknown, dueMs: s.t.clock.ms + 500 });
      await s.t.ledger.confirm(last, 'confirmed');
      expect((await breaker()).state).toBe('open');
      expect(await s.t.ledger.takeIntents(1, 100, 1e9)).toEqual({ kind: 'wait', ms: 1_000 });
    });

    test('one room that never gets an answer while others do is parked, and holds nothing', async () => {
      await rooms(2);
      const [odd, fine] = await take(2);
      expect(odd?.roomId).toBe('0');
      await s.t.ledger.confirm(fine as Intent, 'confirmed');
      let intent = odd as Intent;
      for (let round = 1; round <= 8; round++) {
        await s.t.ledger.defer(intent, 'timeout', { ...unknown, limit: 8, dueMs: s.t.clock.ms + 500 });
        if (round === 8) break;
        // Another room is answered in between: Qiscus is not to blame.
        await arrive(allocation(`other${round}`));
        await advance(500);
        const both = await take(2);
        intent = both.find(({ roomId }) => roomId === '0') as Intent;
        await s.t.ledger.confirm(both.find(({ roomId }) => roomId !== '0') as Intent, 'confirmed');
      }
      expect(await stateOf('0')).toBe('parked');
      expect((await s.t.desk.readAgent('a'))?.reserved).toBe(0);
    });
  });
});
