/**
 * The service's clock jumps an hour ahead and two hours back, again and again, under load. Six times; sixty with PROOF_SIZE=full.
 * Only the fallback agent and the expiry may be late by as much as it went back; nothing else waits, and nothing is counted wrong.
 * What the ledger makes of times to come: test/integration/ledger-clock.test.ts.
 */
import { afterEach, beforeEach, expect, test } from 'bun:test';
import type { Sandbox } from '../../src/qiscus/sandbox';
import { close, connect } from '../../src/redis/client';
import type { Service } from '../../src/service';
import { type Customers, openChats } from '../support/customers';
import { tried } from '../support/evidence';
import { allocation, openTestLedger } from '../support/ledger';
import { startTestRedis, type TestRedis } from '../support/redis';
import { caller, environment, startTestSandbox, startTestService } from '../support/service';
import { sized } from '../support/size';
import { until } from '../support/wait';

const HOUR_MS = 3_600_000;
const LIMIT = 5;
const JUMPS = sized(6, 60);

let redis: TestRedis;
let sandbox: Sandbox;
let service: Service;
let day: Customers;
let aheadMs = 0;

beforeEach(async () => {
  aheadMs = 0;
  redis = await startTestRedis();
  sandbox = await startTestSandbox({ cap: LIMIT });
  const env = environment(redis.url, sandbox.url, {
    QISCUS_MAX_CUSTOMER: String(LIMIT),
    // So few calls a second that the bucket is empty most of the time.
    QISCUS_RATE_PER_SECOND: '100',
    WEBHOOK_WAIT_MS: '50',
    RECONCILE_SECONDS: '1',
  });
  service = await startTestService(env, undefined, () => Date.now() + aheadMs);
});
afterEach(async () => {
  await service.stop();
  await sandbox.stop();
  await redis.stop();
});

test('[F44] the clock of the service jumps back and forth', async () => {
  const url = service.url ?? '';
  const agents = async () => (await caller(url).get('/agents')).body.agents as { online: boolean }[];
  await until(async () => (await agents()).length === 6, { what: 'the agents known' });
  day = openChats(url, sandbox, 'clock', { lanes: 2 });
  await day.more(20);
  for (let jump = 0; jump < JUMPS; jump++) {
    aheadMs = jump % 2 === 0 ? HOUR_MS : -HOUR_MS;
    const before = sandbox.state().assigns.length;
    await until(() => sandbox.state().assigns.length > before + 20, { what: `chats served after jump ${jump + 1}` });
    // Who is online is looked at as before: an agent that goes is noticed.
    sandbox.agents.change('agent_06', { available: jump % 2 === 1 });
    const online = jump % 2 === 1 ? 6 : 5;
    await until(async () => (await agents()).filter((agent) => agent.online).length === online, {
      what: `${online} agents online after jump ${jump + 1}`,
    });
  }
  aheadMs = HOUR_MS;
  expect(await day.end()).toEqual([]);
  tried(JUMPS, 'F44');
}, 300_000);

/** A ledger with one agent, and one room whose call is due. */
async function oneReserved() {
  const client = await connect(redis.url, 'command');
  const t = await openTestLedger(client);
  await t.roster([{ id: 'a' }]);
  await t.append(allocation('1'));
  await t.applyAll();
  return t;
}

test('[F44] the clock goes back while the rate is used up: calls go on at once', async () => {
  const { client, ledger, clock } = await oneReserved();
  await ledger.spendCalls(10, 10);
  expect(await ledger.takeIntents(1, 16, 10)).toMatchObject({ kind: 'wait' });
  clock.ms -= HOUR_MS;
  expect(await ledger.takeIntents(1, 16, 10)).toMatchObject({ kind: 'taken', read: 1 });
  close(client);
});

test('[F44] the clock goes back while Qiscus is left in peace: calls go on at once', async () => {
  const { client, ledger, clock } = await oneReserved();
  await ledger.noteQiscus('slowed', 300_000);
  expect(await ledger.takeIntents(1, 16, 10)).toEqual({ kind: 'wait', ms: 300_000 });
  // Clocks of two processes differ by a little: the pause stays.
  clock.ms -= 1_000;
  expect(await ledger.takeIntents(1, 16, 10)).toMatchObject({ kind: 'wait' });
  clock.ms -= HOUR_MS;
  expect(await ledger.takeIntents(1, 16, 10)).toMatchObject({ kind: 'taken', read: 1 });
  close(client);
});

test('[F44] the clock goes back: rooms confirmed before are not counted once more as load from outside', async () => {
  const { client, roster, ledger, desk, clock } = await oneReserved();
  const taken = await ledger.takeIntents(1, 16, 10);
  if (taken.kind === 'taken') for (const intent of taken.intents) await ledger.confirm(intent, 'confirmed');
  clock.ms -= HOUR_MS;
  await roster([{ id: 'a', count: 1 }]);
  expect(await desk.readAgent('a')).toMatchObject({ assigned: 1, outside: 0, load: 1 });
  // What others gave it still shows.
  await roster([{ id: 'a', count: 2 }]);
  expect(await desk.readAgent('a')).toMatchObject({ assigned: 1, outside: 1, load: 2 });
  close(client);
});
