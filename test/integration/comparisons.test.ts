/** What the leader says of a Qiscus that cannot be read: once an outage, not at every try. */
import { expect, test } from 'bun:test';
import pino from 'pino';
import { readConfig } from '../../src/config';
import type { QiscusFailure } from '../../src/qiscus/model';
import { Comparisons } from '../../src/reconcile/comparisons';
import { connect } from '../../src/redis/client';
import { openTestLedger } from '../support/ledger';
import { QUIET } from '../support/quiet-qiscus';
import { startTestRedis } from '../support/redis';

test('a list that cannot be read is a warning once, and again after it was read, or when somebody else led meanwhile', async () => {
  const redis = await startTestRedis();
  const client = await connect(redis.url, 'command');
  const { ledger, desk, clock } = await openTestLedger(client);
  let failure: QiscusFailure | null = null;
  const lines: string[] = [];
  const log = pino({ level: 'debug' }, { write: (line) => lines.push(line) });
  const comparisons = new Comparisons(
    {
      ...{ ledger, desk, dryRun: null, nowMs: () => clock.ms, log, config: readConfig({}, []) },
      qiscus: {
        ...QUIET,
        listAgents: async () => failure ?? QUIET.listAgents(),
        listRooms: async () => failure ?? { kind: 'rooms', rooms: [], calls: 1 },
      },
    },
    () => false,
  );
  /** The warnings of so many tries. */
  const tries = async (found: QiscusFailure | null, count: number) => {
    failure = found;
    for (let i = 0; i < count; i++) {
      clock.ms += 60_000;
      await comparisons.agents();
      await comparisons.rooms();
    }
    return lines.splice(0).flatMap((line) => (JSON.parse(line).level === 40 ? [JSON.parse(line).event] : []));
  };
  const away: QiscusFailure = { kind: 'failed', reason: 'timed out' };
  const both = ['roster.unread', 'sweep.unread'];
  try {
    expect(await tries(away, 3)).toEqual(both);
    expect(await tries(null, 1)).toEqual([]);
    expect(await tries(away, 3)).toEqual(both);
    comparisons.forget();
    expect(await tries(away, 3)).toEqual(both);
  } finally {
    client.disconnect();
    await redis.stop();
  }
});
