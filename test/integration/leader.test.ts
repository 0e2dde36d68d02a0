/** Who leads: what a process saw before it lost the lead proves nothing after it has it again. */
import { expect, test } from 'bun:test';
import pino from 'pino';
import { readConfig } from '../../src/config';
import type { Qiscus } from '../../src/qiscus/model';
import { DecisionLog } from '../../src/reconcile/decisions';
import { Leader } from '../../src/reconcile/leader';
import { connect } from '../../src/redis/client';
import { openTestLedger } from '../support/ledger';
import { startTestRedis } from '../support/redis';
import { until } from '../support/wait';

test('a room is adopted after two sweeps in a row of one leader, not of one before and one after it lost the lead', async () => {
  const redis = await startTestRedis();
  const client = await connect(redis.url, 'command');
  const t = await openTestLedger(client);
  /** At each sweep: was the room known already? */
  const sweeps: boolean[] = [];
  const unserved = { channelId: null, source: null, customerName: null, resolved: false };
  const qiscus: Qiscus = {
    assignAgent: async () => ({ kind: 'unknown', sent: false, reason: 'not asked' }),
    removeAgent: async () => false,
    readRoom: async () => ({ kind: 'failed', reason: 'not asked' }),
    listAgents: async () => ({ kind: 'agents', agents: [], calls: 1 }),
    listOthers: async () => ({ kind: 'failed', reason: 'not asked' }),
    listRooms: async () => {
      sweeps.push((await t.desk.readRoom('lost')) !== null);
      return { kind: 'rooms', rooms: [{ ...unserved, roomId: 'lost', lastCommentMs: t.clock.ms }], calls: 1 };
    },
    readResolveWebhook: async () => null,
    setResolveWebhook: async () => ({ kind: 'refused', reason: 'not asked' }),
  };
  const log = pino({ level: 'silent' });
  const none = async () => ({ records: [], next: null });
  const journal = { page: none, pageBack: none, subscribe: () => () => undefined };
  let ticksWithoutLead = 0;
  class Decisions extends DecisionLog {
    override forget(): void {
      ticksWithoutLead += 1;
      super.forget();
    }
  }
  const leader = new Leader({
    ...{ ledger: t.ledger, desk: t.desk, qiscus, nowMs: () => t.clock.ms, holder: 'me', log },
    config: readConfig({}, []),
    decisions: new Decisions(t.ledger, journal, log),
    dryRun: null,
  });
  const nextSweep = () => {
    const before = sweeps.length;
    t.clock.ms += 61_000;
    return until(() => sweeps.length > before, { what: 'the next sweep' });
  };
  leader.start();
  try {
    await until(() => sweeps.length === 1, { what: 'the first sweep' });
    await client.set(t.keys.lease, 'somebody else');
    await until(() => ticksWithoutLead > 1, { what: 'the lead lost' });
    await client.del(t.keys.lease);
    await nextSweep();
    await nextSweep();
    await nextSweep();
    expect(sweeps).toEqual([false, false, false, true]);
  } finally {
    await leader.stop();
    client.disconnect();
    await redis.stop();
  }
});
