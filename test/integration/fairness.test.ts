/** Apps of one process share the turns at the ledger: floods of some hold up a webhook of another by one batch each. */
import { expect, test } from 'bun:test';
import pino from 'pino';
import { Applier } from '../../src/ledger/apply';
import { ENTRIES_AT_ONCE, Ledger, type Taken } from '../../src/ledger/index';
import { Turns } from '../../src/ledger/turns';
import { close, connect } from '../../src/redis/client';
import { Scripts } from '../../src/redis/scripts';
import { ensureGroups } from '../../src/streams/groups';
import { allocation, openTestLedger, type TestLedger } from '../support/ledger';
import { startTestRedis } from '../support/redis';
import { until } from '../support/wait';

const FLOODS = ['a', 'b', 'c', 'd', 'e'];
const BATCHES = 20;

test('[F15] five flooded apps hold up a quiet one by one batch each', async () => {
  const redis = await startTestRedis();
  const client = await connect(redis.url, 'command');
  // One turn: whose batch is taken when does not depend on the machine's speed.
  const turns = new Turns(1);
  /** Whose batch was taken, in order. */
  const order: string[] = [];
  const appliers: Applier[] = [];
  let reached = () => {};
  const start = (name: string, t: TestLedger) => {
    class NotedLedger extends Ledger {
      override async takeEntries(...args: Parameters<Ledger['takeEntries']>): Promise<Taken> {
        const taken = await super.takeEntries(...args);
        if (taken.kind !== 'taken' || taken.count > 0) order.push(name);
        reached();
        return taken;
      }
    }
    const applier = new Applier({
      ledger: new NotedLedger(new Scripts(client, t.keys), Date.now),
      command: client,
      inboxKey: t.keys.inbox,
      bell: { on: () => () => {} },
      turns,
      onTaking: () => {},
      recreateGroups: () => ensureGroups(client, t.keys),
      log: pino({ level: 'silent' }),
    });
    appliers.push(applier);
    applier.start();
    return applier;
  };
  try {
    const quiet = await openTestLedger(client);
    const quietApplier = start('quiet', quiet);
    const floods = await Promise.all(FLOODS.map(() => openTestLedger(client)));
    for (const t of floods) {
      const rooms = Array.from({ length: BATCHES * ENTRIES_AT_ONCE }, (_, n) => allocation(`room-${n}`));
      await Promise.all(rooms.map((webhook) => t.append(webhook)));
    }
    await quiet.append(allocation('quiet'));
    let rungAt = Number.POSITIVE_INFINITY;
    reached = () => {
      if (order.length < FLOODS.length || rungAt <= order.length) return;
      rungAt = order.length;
      quietApplier.rung();
    };
    for (const [n, name] of FLOODS.entries()) start(name, floods[n] as TestLedger);
    await until(() => order.includes('quiet'), { what: 'the quiet webhook applied' });
    expect(order.indexOf('quiet') - rungAt).toBeLessThanOrEqual(FLOODS.length);
    await until(
      async () => (await Promise.all(floods.map((t) => client.xlen(t.keys.inbox)))).every((left) => left === 0),
      {
        what: 'all floods applied',
        withinMs: 60_000,
      },
    );
    expect(order.length).toBe(FLOODS.length * BATCHES + 1);
  } finally {
    await Promise.all(appliers.map((applier) => applier.stop()));
    close(client);
    await redis.stop();
  }
}, 90_000);
