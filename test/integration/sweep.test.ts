/** Single readings of held rooms that Qiscus's lists do not show: the room sweep on a real Redis and a real sandbox. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'bun:test';
import pino from 'pino';
import { createQiscusClient } from '../../src/qiscus/client';
import type { Sandbox } from '../../src/qiscus/sandbox';
import { RoomSweep } from '../../src/reconcile/rooms';
import { connect, type RedisClient } from '../../src/redis/client';
import { allocation, openTestLedger, resolved, type TestLedger } from '../support/ledger';
import { startTestRedis, type TestRedis } from '../support/redis';
import { APP_ID, QISCUS_SECRET, startTestSandbox } from '../support/service';

const HOUR_MS = 3_600_000;

let redis: TestRedis;
let client: RedisClient;
let sandbox: Sandbox;
let t: TestLedger;
beforeAll(async () => {
  redis = await startTestRedis();
  client = await connect(redis.url, 'command');
  sandbox = await startTestSandbox();
});
afterAll(async () => {
  client.disconnect();
  await sandbox.stop();
  await redis.stop();
});
beforeEach(async () => {
  sandbox.reset();
  t = await openTestLedger(client, 10);
  await t.roster([{ id: 'a' }]);
});

/** Rooms that we hold and Qiscus has in no list; then a sweep that may read so many of them. */
async function hold(rooms: string[], mostReadings: number): Promise<RoomSweep> {
  for (const room of rooms) await t.append(allocation(room));
  await t.applyAll();
  const taken = await t.ledger.takeIntents(64, 64, 1e9);
  for (const intent of taken.kind === 'taken' ? taken.intents : []) await t.ledger.confirm(intent, 'confirmed');
  t.clock.ms += HOUR_MS;
  const login = { email: null, password: null, timeoutMs: 2_000 };
  const qiscus = createQiscusClient({ baseUrl: sandbox.url, appId: APP_ID, secret: QISCUS_SECRET, ...login });
  const rules = { maxAgeMs: 2 * HOUR_MS, lagMs: 0, mostReadings };
  return new RoomSweep(
    qiscus,
    t.ledger,
    () => t.clock.ms,
    rules,
    async () => {},
    pino({ level: 'silent' }),
  );
}

test('[F33] a held room that Qiscus no longer knows gives its slot back, after two readings in a row', async () => {
  const sweep = await hold(['gone'], 10);
  expect(await sweep.sweep()).toMatchObject({ repaired: 0 });
  expect(await t.desk.readRoom('gone')).toMatchObject({ state: 'assigned' });
  expect(await sweep.sweep()).toMatchObject({ repaired: 1 });
  expect(await t.desk.readRoom('gone')).toMatchObject({ state: 'resolved' });
  expect(await t.desk.readAgent('a')).toMatchObject({ load: 0 });
  const [last] = await t.desk.readDecisions('gone', 1);
  expect(last).toMatchObject({ event: 'room.repaired', fields: { ours: 'assigned', qiscus: 'missing' } });
});

test('[F33] a room that Qiscus does not know once, and knows again, stays as it is', async () => {
  const sweep = await hold(['1'], 10);
  await sweep.sweep();
  sandbox.faults.add({ on: 'customer_room', times: 1, effect: 'status', status: 200, body: reading(false) });
  await sweep.sweep();
  expect(await sweep.sweep()).toMatchObject({ repaired: 0 });
  expect(await t.desk.readRoom('1')).toMatchObject({ state: 'assigned' });
});

test('[F56] a room that went on while it was compared is left alone: its next session is not closed, and not asked about', async () => {
  await hold(['1'], 0);
  const [before] = await t.ledger.listHeld();
  await t.append(resolved('1'));
  await hold(['1'], 0);
  expect(await t.ledger.repair('1', before?.token ?? 0)).toBe(false);
  expect(await t.ledger.question('1', before?.token ?? 0)).toBe(false);
  expect(await t.desk.readRoom('1')).toMatchObject({ state: 'assigned', agentId: 'a' });
});

test('[F51] rooms that cannot be read do not keep the sweep from reading the others', async () => {
  const sweep = await hold(['1', '2', '3'], 1);
  sandbox.faults.add({ on: 'customer_room', roomId: '1', times: null, effect: 'status', status: 500 });
  for (const id of ['2', '3']) showResolved(id);
  for (let i = 0; i < 3; i++) await sweep.sweep();
  expect(await states('1', '2', '3')).toEqual(['assigned', 'resolved', 'resolved']);
});

test('[F29] rooms that a 429 kept from being read are not put behind those that were read', async () => {
  const sweep = await hold(['1', '2', '3', '4'], 2);
  sandbox.faults.add({ on: 'customer_room', times: 1, effect: 'status', status: 429, retryAfter: 1 });
  expect(await sweep.sweep()).toMatchObject({ failure: { kind: 'slowed' } });
  for (const id of ['1', '2', '3', '4']) showResolved(id);
  await sweep.sweep();
  expect(await states('1', '2', '3', '4')).toEqual(['assigned', 'resolved', 'resolved', 'assigned']);
});

test('[F51] the room that was to be read next was resolved meanwhile: the reading goes on behind it', async () => {
  const sweep = await hold(['1', '2', '3'], 1);
  sandbox.faults.add({ on: 'customer_room', roomId: '1', times: null, effect: 'status', status: 500 });
  await sweep.sweep();
  await t.append(resolved('2'));
  await t.applyAll();
  showResolved('3');
  await sweep.sweep();
  expect(await states('1', '2', '3')).toEqual(['assigned', 'resolved', 'resolved']);
});

test('[F29] a sweep that is ended early still tells what it had repaired', async () => {
  const sweep = await hold(['1', '2'], 10);
  await sandbox.rooms.create({ roomId: '9' });
  await sweep.sweep();
  showResolved('1');
  sandbox.faults.add({ on: 'customer_room', roomId: '2', times: null, effect: 'status', status: 429, retryAfter: 7 });
  expect(await sweep.sweep()).toMatchObject({ adopted: 1, repaired: 1, failure: { kind: 'slowed' } });
});

test.each([
  ['[F29] 429', { status: 429, retryAfter: 7 }, { kind: 'slowed', retryAfterMs: 7_000 }],
  ['[F31] 401', { status: 401 }, { kind: 'denied', status: 401 }],
] as const)('%s to a single room ends the sweep, which tells what Qiscus said of us', async (_, fault, expected) => {
  const sweep = await hold(['1', '2'], 10);
  sandbox.faults.add({ on: 'customer_room', times: null, effect: 'status', ...fault });
  expect(await sweep.sweep()).toMatchObject({ failure: expected });
  expect(sandbox.state().calls.customer_room).toBe(1);
});

test('of the rooms that are looked at sooner, those come back that wait there, are young enough and closed with us', async () => {
  const sweep = await hold(['held', 'over', 'old', 'back', 'unseen'], 10);
  for (const room of ['over', 'old', 'back', 'unseen']) await t.append(resolved(room));
  await t.applyAll();
  const row = (room_id: string, is_resolved: boolean, agoMs: number) => {
    return { room_id, is_resolved, last_comment_timestamp: t.clock.ms - agoMs };
  };
  const customer_rooms = [
    row('held', false, 0),
    row('over', true, 1_000),
    row('back', false, 2_000),
    row('stranger', false, 3_000),
    row('old', false, 3 * HOUR_MS),
  ];
  const body = { data: { customer_rooms } };
  sandbox.faults.add({ on: 'customer_rooms', times: null, effect: 'status', status: 200, body });
  const looked = await sweep.look(['held', 'over', 'old', 'back', 'unseen'], 0);
  expect(looked).toEqual({ calls: 1, failure: null });
  const after = await states('held', 'over', 'old', 'back', 'unseen', 'stranger');
  expect(after).toEqual(['assigned', 'resolved', 'resolved', 'reserved', 'resolved', undefined]);
  const records = await t.desk.readDecisions('back', 10);
  expect(records.find(({ event }) => event === 'room.adopted')?.fields).toMatchObject({ reason: 'came_back' });
  // Nobody is left to look for: no call.
  expect(await sweep.look(['held', 'back'], 0)).toEqual({ calls: 0, failure: null });
});

/** From now on Qiscus says of this room that it is resolved. */
function showResolved(roomId: string): void {
  const body = reading(true);
  sandbox.faults.add({ on: 'customer_room', roomId, times: null, effect: 'status', status: 200, body });
}

const states = (...rooms: string[]) => Promise.all(rooms.map(async (id) => (await t.desk.readRoom(id))?.state));
const reading = (resolved: boolean) => ({ data: { customer_room: { is_resolved: resolved } } });
