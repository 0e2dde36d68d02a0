/**
 * A drain of more than 64 pairs is several scripts, and others run between them: nobody overtakes meanwhile. The suite's own
 * check judges every decision after each test.
 */
import { beforeEach, describe, expect, test } from 'bun:test';
import { Scripts } from '../../src/redis/scripts';
import { allocation, resolved } from '../support/ledger';
import { onBothRedis } from '../support/ledger-suite';

const AGENTS = 150;

onBothRedis((s) => {
  const { arrive, confirmAll, stateOf } = s;
  let scripts: Scripts;

  /** Raises the limit, and stops after the first 64 pairs. */
  async function halfDrained(): Promise<void> {
    expect(await scripts.run('set_max_customers', s.t.clock.ms, 'max_customers', 2)).toEqual(['more']);
  }

  describe('in the middle of a drain', () => {
    beforeEach(async () => {
      scripts = new Scripts(s.client, s.t.keys);
      await s.t.desk.setMaxCustomers(1);
      const two = Array.from({ length: AGENTS }, (_, i) => ({ id: `a${i}`, channels: i % 2 ? ['10', '20'] : ['10'] }));
      await s.t.roster(two);
      await arrive(...two.map((_, i) => allocation(`held-${i}`, { channelId: i % 2 ? '20' : '10' })));
      await confirmAll();
      const wait = Array.from({ length: AGENTS }, (_, i) => allocation(`${i}`, { channelId: i % 3 ? '20' : '10' }));
      await arrive(...wait);
      await halfDrained();
    });

    test('a room that is adopted goes behind those in line', async () => {
      await s.t.ledger.adopt({ roomId: 'late', channelId: '30', source: null, customerName: null });
      await s.t.ledger.adopt({ roomId: 'later', channelId: null, source: null, customerName: null });
      while ((await scripts.run('drain_line', s.t.clock.ms))[0] === 'more');
      expect([await stateOf('late'), await stateOf('later')]).toEqual(['waiting', 'reserved']);
    });

    test('a slot that is freed goes to the oldest', async () => {
      for (let i = 0; i < AGENTS; i += 7) {
        const room = await s.t.desk.readRoom(`held-${i}`);
        if (room) await s.t.ledger.repair(`held-${i}`, room.token);
      }
      while ((await scripts.run('drain_line', s.t.clock.ms))[0] === 'more');
    });

    test('a room that goes back to its place is served in its turn', async () => {
      for (const intent of await s.take(40)) await s.t.ledger.refuse(intent, 'full', 'park');
      for (let i = 0; i < AGENTS; i++) await s.t.desk.requeueRoom(`${i}`, null);
      for (let i = 0; i < AGENTS; i += 5) await s.t.desk.releaseRoom(`held-${i}`);
      await arrive(resolved('held-1'));
    });
  });
});
