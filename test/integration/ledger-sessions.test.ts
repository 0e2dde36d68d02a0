/** Which webhook belongs to which session of a room: every order of arrival, with ids and without. */
import { beforeEach, describe, expect, test } from 'bun:test';
import { requeue } from '../../src/http/rooms/service';
import type { Webhook } from '../../src/ledger/model';
import { Scripts } from '../../src/redis/scripts';
import { brokenInvariants, readSnapshot } from '../support/invariants';
import { allocation, openTestLedger, resolved } from '../support/ledger';
import { onBothRedis } from '../support/ledger-suite';

onBothRedis((s) => {
  const { arrive, take, confirmAll, stateOf, agentOf, loadOf } = s;

  describe('sessions', () => {
    beforeEach(() => s.t.roster([{ id: 'a' }]));

    const A1 = allocation('1', { finishedService: 0 });
    const R1 = resolved('1', 101);
    const A2 = allocation('1', { finishedService: 101 });
    const R2 = resolved('1', 102);
    const names = new Map<Webhook, string>([
      [A1, 'A1'],
      [R1, 'R1'],
      [A2, 'A2'],
      [R2, 'R2'],
    ]);

    async function livesThrough(order: Webhook[], expected: string): Promise<void> {
      const mine = await openTestLedger(s.client);
      await mine.roster([{ id: 'a' }]);
      for (const webhook of order) {
        await mine.append(webhook);
        await mine.applyAll();
      }
      const now = await readSnapshot(mine);
      const told = order.map((webhook) => names.get(webhook) ?? webhook.kind).join(' ');
      expect([told, now.rooms.get('1')?.state, ...brokenInvariants(now, ['1'])]).toEqual([told, expected]);
    }

    /** Every different order of the given webhooks. */
    function orders(webhooks: Webhook[]): Webhook[][] {
      if (webhooks.length === 0) return [[]];
      return [...new Set(webhooks)].flatMap((first) => {
        const rest = [...webhooks];
        rest.splice(rest.indexOf(first), 1);
        return orders(rest).map((order) => [first, ...order]);
      });
    }

    test('[F50 F52] a room is not adopted while a webhook of its last session lies in the inbox, which would close the new one', async () => {
      const unserved = { roomId: '1', channelId: null, source: null, customerName: null };
      await arrive(A1);
      await confirmAll();
      await arrive(resolved('1'));
      // Late, and not applied yet: a room that Qiscus shows unserved by now is in its next session.
      await s.send(R1);
      expect(await s.t.ledger.adopt(unserved)).toBe(false);
      await s.t.applyAll();
      expect(await s.t.ledger.adopt(unserved)).toBe(true);
      expect(await stateOf('1')).toBe('reserved');
    });

    test('two sessions that are over are over, in every order of arrival', async () => {
      for (const order of orders([A1, R1, A2, R2])) await livesThrough(order, 'resolved');
    });
    test('the second session is open, in every order of arrival, each webhook twice', async () => {
      for (const order of orders([A1, A1, R1, R1, A2, A2])) await livesThrough(order, 'reserved');
    });
    test('the first resolve is lost: the newer service id opens the second session', async () => {
      for (const order of orders([A1, A1, A2, A2])) await livesThrough(order, 'reserved');
    });
    test('the second allocation is lost: over is over', async () => {
      for (const order of orders([A1, R1, R2])) await livesThrough(order, 'resolved');
    });

    const A = allocation('1');
    const R = resolved('1');
    test.each<[string, Webhook[], string]>([
      ['A', [A], 'reserved'],
      ['A A', [A, A], 'reserved'],
      ['A R', [A, R], 'resolved'],
      ['A R R', [A, R, R], 'resolved'],
      ['R A', [R, A], 'reserved'],
      ['A R A', [A, R, A], 'reserved'],
      ['A A R A R', [A, A, R, A, R], 'resolved'],
      ['an id first, then none', [A1, A, R], 'resolved'],
      ['none, then an id', [A, A1, R1], 'resolved'],
      ['an old resolve during a session that carries its id', [A2, R1], 'reserved'],
    ])('without ids, by order of arrival: %s', (_, order, state) => livesThrough(order, state));

    test('[F50] a session opened by a question was closed by the late resolve of the one before, and its customer lost', async () => {
      await arrive(A1);
      await confirmAll();
      await s.advance(61_000);
      await arrive(A1);
      const question = await s.theIntent();
      await s.t.ledger.answer(question, 'resolved', { kind: 'answered', pauseMs: 0 });
      await arrive(A2);
      await arrive(R1);
      expect(await stateOf('1')).toBe('reserved');
      await arrive(R2);
      expect(await stateOf('1')).toBe('resolved');
    });

    test('[F39] the answer to a call of the session before closed the next one, and its customer was lost', async () => {
      await arrive(allocation('1'));
      const old = await s.theIntent();
      // Qiscus says `already resolved` to it; then the customer returns, and only then is that reported.
      await arrive(A2);
      expect(await s.t.ledger.refuse(old, 'already_resolved', 'close')).toBe('fenced');
      const again = await s.theIntent();
      expect(again).toMatchObject({ agentId: 'a', unsure: true });
      expect(await s.t.ledger.confirm(again, 'confirmed')).toBe('done');
      await arrive(R1);
      expect([await stateOf('1'), await loadOf('a')]).toEqual(['assigned', 1]);
    });

    test('[F50] a parked room that came back was closed by the late resolve of the session before, and its customer lost', async () => {
      await arrive(allocation('1'));
      await s.t.ledger.refuse(await s.theIntent(), 'refused', 'park');
      await arrive(A2);
      await arrive(R1);
      expect(await stateOf('1')).toBe('reserved');
      await arrive(R2);
      expect(await stateOf('1')).toBe('resolved');
    });

    test('a lost resolve gives the slot back, and the new session stands at its own place in line', async () => {
      await arrive(A1, allocation('2'), allocation('3'));
      await confirmAll();
      expect([await stateOf('1'), await stateOf('2'), await stateOf('3')]).toEqual(['assigned', 'assigned', 'waiting']);
      await arrive(A2);
      expect([await stateOf('3'), await stateOf('1')]).toEqual(['reserved', 'waiting']);
      expect(await loadOf('a')).toBe(2);
    });

    test('an operator’s removal that comes too late leaves the next holder alone', async () => {
      await arrive(A1);
      await confirmAll();
      const qiscus = {
        // While Qiscus removes a, the session ends, and the next one goes to b.
        removeAgent: async () => {
          await s.t.roster([{ id: 'b' }]);
          await s.t.desk.patchAgent('a', { paused: true });
          await arrive(R1, A2);
          await confirmAll();
          return true;
        },
      };
      await expect(requeue(s.t.desk, qiscus, '1', true)).rejects.toMatchObject({ code: 'WRONG_STATE' });
      expect([await stateOf('1'), await agentOf('1')]).toEqual(['assigned', 'b']);
      const token = (await s.t.desk.readRoom('1'))?.token ?? null;
      expect(await s.t.desk.requeueRoom('1', token)).toMatchObject({ kind: 'done' });
    });

    test('giving up a dead letter closes its room only while it is one', async () => {
      await arrive(A1);
      for (const intent of await take()) await s.t.ledger.refuse(intent, 'occupied', 'park');
      const scripts = new Scripts(s.client, s.t.keys);
      const giveUp = () => scripts.run('release_room', s.t.clock.ms, '1', 'deleted');
      await s.t.desk.replayDeadLetter('room-1');
      expect(await giveUp()).toEqual(['wrong_state', 'reserved', 'a']);
      for (const intent of await take()) await s.t.ledger.refuse(intent, 'occupied', 'park');
      expect(await giveUp()).toEqual(['done', 'resolved']);
      expect(await s.t.desk.deleteDeadLetter('room-1')).toBe(false);
    });

    test.each([
      ['the customer', () => arrive(A1)],
      ['an operator', () => s.t.desk.replayDeadLetter('room-1')],
    ])('a parked room and its dead letter tell the same attempts; %s begins them anew', async (_, revive) => {
      const attempts = async () => [
        (await s.t.desk.readRoom('1'))?.attempts,
        ...(await s.t.desk.listDeadLetters()).map((letter) => letter.attempts),
      ];
      const unknown = { kind: 'unknown', sent: true, dueMs: s.t.clock.ms, pauseMs: 0, limit: 1 } as const;
      await arrive(A1);
      for (const intent of await take()) await s.t.ledger.defer(intent, 'no answer', unknown);
      expect([await stateOf('1'), await attempts()]).toEqual(['parked', [1, 1]]);
      await s.t.desk.patchAgent('a', { paused: true });
      await revive();
      expect([await stateOf('1'), await attempts()]).toEqual(['waiting', [0]]);
    });

    test('a stale webhook of a room in line is told the room’s place', async () => {
      await arrive(allocation('2'), allocation('3'), allocation('4'), A2);
      await arrive(A1);
      const [stale] = await s.t.desk.readDecisions('1', 1);
      expect(stale).toMatchObject({ event: 'entry.stale', fields: { state: 'waiting', position: '2' } });
    });

    test.each([
      ['before its call is sent', async () => []],
      ['while its call is under way', () => take()],
    ])('a resolve %s frees the slot, and whatever Qiscus says later changes nothing', async (_, sendCalls) => {
      await arrive(A1);
      const [late] = await sendCalls();
      await arrive(R1);
      expect([await stateOf('1'), await loadOf('a')]).toEqual(['resolved', 0]);
      expect(await take()).toEqual([]);
      if (late) expect(await s.t.ledger.confirm(late, 'confirmed')).toBe('fenced');
      await arrive(allocation('1', { finishedService: 101 }));
      if (late) expect(await s.t.ledger.confirm(late, 'confirmed')).toBe('fenced');
      expect([await stateOf('1'), await loadOf('a')]).toEqual(['reserved', 1]);
    });
  });
});
