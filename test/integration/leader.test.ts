/** Who leads: what a process saw before it lost the lead proves nothing after it has it again. */
import { expect, test } from 'bun:test';
import pino from 'pino';
import { readConfig } from '../../src/config';
import { Ledger } from '../../src/ledger/index';
import { Trouble } from '../../src/ledger/trouble';
import type { Qiscus } from '../../src/qiscus/model';
import { DecisionLog } from '../../src/reconcile/decisions';
import { Leader } from '../../src/reconcile/leader';
import { connect } from '../../src/redis/client';
import { Scripts } from '../../src/redis/scripts';
import { JournalReader } from '../../src/streams/journal';
import { openTestLedger } from '../support/ledger';
import { QUIET } from '../support/quiet-qiscus';
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
    ...QUIET,
    listRooms: async () => {
      sweeps.push((await t.desk.readRoom('lost')) !== null);
      return { kind: 'rooms', rooms: [{ ...unserved, roomId: 'lost', lastCommentMs: t.clock.ms }], calls: 1 };
    },
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
    recreateGroups: async () => undefined,
    trouble: new Trouble(log),
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

/** Redis does not hear it when it asks for the lead. */
class CutOff extends Ledger {
  isCut = false;
  asked = 0;

  override async takeLease(...args: Parameters<Ledger['takeLease']>): Promise<boolean> {
    this.asked += 1;
    if (this.isCut) throw new Error('Connection is closed.');
    return super.takeLease(...args);
  }
}

test('what somebody else wrote to the decision log while it was cut off is not written once more', async () => {
  const redis = await startTestRedis();
  const client = await connect(redis.url, 'command');
  const t = await openTestLedger(client);
  const silent = pino({ level: 'silent' });
  const logged: string[] = [];
  const log = pino({ level: 'info' }, { write: (line) => logged.push(JSON.parse(line).journal) });
  const journal = new JournalReader(client, { on: () => () => undefined }, t.keys.journal, silent);
  await journal.start();
  const ledger = new CutOff(new Scripts(client, t.keys), () => t.clock.ms);
  const leader = new Leader({
    ...{ ledger, desk: t.desk, qiscus: QUIET, nowMs: () => t.clock.ms, holder: 'me', log: silent },
    config: readConfig({}, []),
    decisions: new DecisionLog(ledger, journal, log),
    dryRun: null,
    recreateGroups: async () => undefined,
    trouble: new Trouble(silent),
  });
  const write = () => client.xadd(t.keys.journal, '*', 'event', 'room.waiting', 'at', '1');
  leader.start();
  try {
    const before = await write();
    await until(() => logged.includes(String(before)), { what: 'it leads and writes' });
    ledger.isCut = true;
    const then = ledger.asked;
    await until(() => ledger.asked > then + 1, { what: 'it was cut off' });
    const meanwhile = await write();
    await new DecisionLog(t.ledger, journal, silent).catchUp();
    ledger.isCut = false;
    const after = await write();
    await until(() => logged.includes(String(after)), { what: 'it leads again and writes' });
    expect(logged).not.toContain(String(meanwhile));
    expect(new Set(logged).size).toBe(logged.length);
  } finally {
    await leader.stop();
    await journal.stop();
    client.disconnect();
    await redis.stop();
  }
});
