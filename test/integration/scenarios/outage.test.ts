/**
 * Qiscus is down for an hour with 50,000 rooms in line: the ledger with a clock that is moved, and the dispatcher's own policy.
 * The order of the line is kept, nothing is parked or dropped; afterwards it drains in order.
 */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { decide, UNKNOWNS_BEFORE_PARKING } from '../../../src/dispatch/policy';
import type { Intent } from '../../../src/ledger/index';
import type { AssignOutcome } from '../../../src/qiscus/model';
import { connect, type RedisClient } from '../../../src/redis/client';
import { entryOf } from '../../support/entry';
import { allocation, openTestLedger, type TestLedger } from '../../support/ledger';
import { startTestRedis, type TestRedis } from '../../support/redis';

const ROOMS = 50_000;
const AGENTS = Array.from({ length: 50 }, (_, i) => ({ id: `agent_${i}` }));
/** So few that each of their rooms is tried more often in an hour than a room may fail alone. */
const ON_DUTY = 8;
/** Rooms that are assigned one by one in the end; of the others it is enough that their calls stand in order. */
const DRAINED = 5_000;
const CALLS = { concurrency: 64, ratePerSecond: 10_000 };
const RULES = {
  fallbackAgentId: null,
  fallbackAfterMs: 0,
  waitMaxMs: 72 * 3_600_000,
  keepMarkMs: 7 * 24 * 3_600_000,
  journalMs: 7 * 24 * 3_600_000,
  journalEntries: 100_000,
};
let redis: TestRedis;
let client: RedisClient;

beforeAll(async () => {
  redis = await startTestRedis({ appendfsync: 'no' });
  client = await connect(redis.url, 'command');
});
afterAll(async () => {
  client.disconnect();
  await redis.stop();
});

async function fillLine({ keys, applyAll }: TestLedger): Promise<string[]> {
  const rooms = Array.from({ length: ROOMS }, (_, i) => `r${i}`);
  for (let i = 0; i < ROOMS; i += 1_000) {
    const pipeline = client.pipeline();
    for (const room of rooms.slice(i, i + 1_000))
      pipeline.xadd(keys.inbox, '*', ...entryOf(allocation(room), `q-${room}`));
    await pipeline.exec();
  }
  await applyAll();
  return rooms;
}

/** What a dispatcher does with one answer, by the service's own policy. */
async function report({ ledger, clock }: TestLedger, intent: Intent, outcome: AssignOutcome): Promise<void> {
  const action = decide(outcome, intent, 0.5);
  if (action.do === 'confirm') await ledger.confirm(intent, action.reason);
  else if (action.do === 'defer') {
    const { kind, sent, pauseMs, delayMs } = action;
    await ledger.defer(intent, action.reason, {
      kind,
      sent,
      pauseMs,
      dueMs: clock.ms + delayMs,
      limit: UNKNOWNS_BEFORE_PARKING,
    });
  } else throw new Error(`not expected here: ${action.do}`);
}

test('the line keeps its order through the outage, and drains in order', async () => {
  const world = await openTestLedger(client, 1);
  const { ledger, desk, clock, roster, keys } = world;
  await roster(AGENTS.slice(0, ON_DUTY));
  const rooms = await fillLine(world);
  const held = ON_DUTY;
  expect((await desk.readHealth()).waiting).toBe(ROOMS - held);

  const down: AssignOutcome[] = [
    { kind: 'unknown', sent: false, reason: 'connection refused' },
    { kind: 'unknown', sent: true, reason: 'status 503' },
    { kind: 'unknown', sent: true, reason: 'timed out' },
  ];
  let calls = 0;
  for (const endMs = clock.ms + 3_600_000; clock.ms < endMs; clock.ms += 1_000) {
    await ledger.advanceClock(RULES);
    const taken = await ledger.takeIntents(64, CALLS.concurrency, CALLS.ratePerSecond);
    if (taken.kind !== 'taken') continue;
    for (const intent of taken.intents) await report(world, intent, down[calls++ % down.length] as AssignOutcome);
  }
  // Concurrency once, then one probe a pause, at most every half minute in the end.
  expect(calls).toBeLessThan(64 + 200);
  const health = await desk.readHealth();
  expect(health).toMatchObject({ waiting: ROOMS - held, parked: 0, qiscus: { state: 'open' } });
  const firstPage = await desk.readQueue(null, 100);
  expect(firstPage.rooms.map(({ roomId }) => roomId)).toEqual(rooms.slice(held, held + 100));

  // Qiscus is back, all come on duty and may have a thousand rooms each, so that the whole line goes out.
  await roster(AGENTS);
  await desk.setMaxCustomers(1_000);
  const intents = await client.xrange(keys.outbox, '-', '+');
  const order = intents.map(([, fields]) => fields[fields.indexOf('room') + 1] ?? '');
  // Those that had an agent before the outage may be retried among the others; the line itself goes in order.
  expect(order.filter((room) => Number(room.slice(1)) >= held)).toEqual(rooms.slice(held));

  const assigned = new Set<string>();
  for (; assigned.size < DRAINED; clock.ms += 1_000) {
    await ledger.advanceClock(RULES);
    const taken = await ledger.takeIntents(64, CALLS.concurrency, CALLS.ratePerSecond);
    if (taken.kind !== 'taken') continue;
    for (const { roomId } of taken.intents) assigned.add(roomId);
    await Promise.all(taken.intents.map((intent) => report(world, intent, { kind: 'assigned' })));
  }
  expect(rooms.slice(0, held).every((room) => assigned.has(room))).toBe(true);
  expect(await desk.readHealth()).toMatchObject({ waiting: 0, parked: 0, qiscus: { state: 'closed' } });
}, 60_000);
