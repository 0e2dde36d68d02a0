/** The clock goes back by hours: what the ledger knows of a time to come is from before, and nothing waits for that time. */
import { beforeEach, describe, expect, test } from 'bun:test';
import pino from 'pino';
import type { Qiscus } from '../../src/qiscus/model';
import { RoomSweep } from '../../src/reconcile/rooms';
import { allocation, resolved } from '../support/ledger';
import { HOUR_MS, onBothRedis } from '../support/ledger-suite';

onBothRedis((s) => {
  const { arrive, take, theIntent, confirmAll, advance, stateOf, loadOf } = s;

  describe('the clock goes back by an hour', () => {
    beforeEach(() => s.t.roster([{ id: 'a' }]));

    test('[F44] rooms and calls that are due by its old time are due at once', async () => {
      await arrive(allocation('refused'), allocation('unanswered'));
      const [refused, unanswered] = await take();
      if (!refused || !unanswered) throw new Error('two calls should be due');
      await s.t.ledger.refuse(refused, 'refused_400', 'later', s.t.clock.ms + 4_000);
      const dueMs = s.t.clock.ms + 30_000;
      const deferred = { kind: 'unknown', sent: true, dueMs, pauseMs: 0, limit: 8 } as const;
      await s.t.ledger.defer(unanswered, 'status 500', deferred);
      // Clocks of two processes differ by a little: what is due soon waits.
      await advance(-1_000);
      expect(await take()).toEqual([]);
      await advance(-HOUR_MS);
      expect(await take()).toHaveLength(2);
    });

    test('[F44] a customer who writes again is asked about, whenever the room was confirmed or asked about', async () => {
      await arrive(allocation('1'));
      await confirmAll();
      s.t.clock.ms -= HOUR_MS;
      await arrive(allocation('1'));
      expect(await theIntent()).toMatchObject({ kind: 'question', roomId: '1' });
      s.t.clock.ms -= HOUR_MS;
      await arrive(allocation('1'));
      expect(await theIntent()).toMatchObject({ kind: 'question', roomId: '1' });
      // Not all the time, whichever process's clock is a little ahead.
      s.t.clock.ms -= 1_000;
      await arrive(allocation('1'));
      expect(await take()).toEqual([]);
    });

    test('[F44 F51] a room confirmed before is compared with Qiscus as ever', async () => {
      await arrive(allocation('1'));
      await confirmAll();
      s.t.clock.ms -= HOUR_MS;
      const none: Qiscus['listRooms'] = async () => ({ kind: 'rooms', rooms: [], calls: 1 });
      const qiscus = { listRooms: none, readRoom: async () => ({ kind: 'room', resolved: true }) as const };
      const rules = { maxAgeMs: HOUR_MS, lagMs: 10_000, mostReadings: 1 };
      const log = pino({ level: 'silent' });
      const sweep = new RoomSweep(
        qiscus,
        s.t.ledger,
        () => s.t.clock.ms,
        rules,
        async () => {},
        log,
      );
      expect(await sweep.sweep()).toMatchObject({ repaired: 1 });
      expect(await stateOf('1')).toBe('resolved');
    });

    test('[F44] rooms that were given back before hide nothing that others give the agent now', async () => {
      for (const room of ['1', '2']) {
        await arrive(allocation(room));
        await confirmAll();
        await arrive(resolved(room));
      }
      s.t.clock.ms -= HOUR_MS;
      await s.t.roster([{ id: 'a', count: 2 }]);
      expect(await loadOf('a')).toBe(2);
    });
  });
});
