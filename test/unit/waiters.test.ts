/** HTTP replies that wait: settled by the right record, by nothing else, and never twice. */
import { expect, test } from 'bun:test';
import type { JournalRecord } from '../../src/ledger/model';
import { Waiters } from '../../src/streams/waiters';

const LONG_MS = 60_000;
let records = 0;
const record = (event: string, fields: Record<string, string>): JournalRecord => {
  records += 1;
  return { id: `${records}-0`, event, atMs: 0, fields };
};
const reserved = (request: string, room = '7', entry = '5-0') =>
  record('room.reserved', { request, room, entry, state: 'reserved', agent: 'agent_01' });

/** What a promise holds now; 'nothing' while it is pending. */
async function now<T>(promise: Promise<T>): Promise<T | 'nothing'> {
  await Promise.resolve();
  return Promise.race([promise, Promise.resolve('nothing' as const)]);
}

test.each<[string, string, Record<string, string>, object]>([
  ['assigned', 'entry.repeated', { state: 'assigned', agent: 'a' }, { state: 'assigned', agentId: 'a' }],
  ['waiting', 'room.waiting', { state: 'waiting', position: '3' }, { state: 'waiting', position: 3 }],
  ['waiting, place unknown', 'entry.stale', { state: 'waiting' }, { state: 'accepted' }],
  ['parked', 'room.parked', { state: 'parked' }, { state: 'parked' }],
  ['a stale one', 'entry.stale', { state: 'resolved' }, { state: 'resolved' }],
  ['released', 'room.released', { state: 'released' }, { state: 'released' }],
  ['not held', 'entry.unheld', { state: 'not_held' }, { state: 'not_held' }],
  ['buried', 'entry.buried', {}, { state: 'accepted' }],
])('%s: the record with its request settles it at once', async (_, event, fields, outcome) => {
  const waiters = new Waiters();
  const mine = waiters.wait('r1', LONG_MS);
  const other = waiters.wait('r2', LONG_MS);
  waiters.see(record(event, { request: 'r1', entry: '5-0', room: '7', ...fields }));
  expect(await now(mine)).toEqual({ entry: '5-0', ...outcome } as never);
  expect(await now(other)).toBe('nothing');
  waiters.cancel('r2');
});

test('reserved waits for Qiscus: the room’s next record settles it, with the entry of its own webhook', async () => {
  const waiters = new Waiters();
  const mine = waiters.wait('r1', LONG_MS);
  waiters.see(reserved('r1'));
  waiters.see(record('call.sent', { room: '7' }));
  waiters.see(record('room.erased', { room: '7', by: 'operator' }));
  waiters.see(record('room.compared', { room: '7', agent: 'agent_03', agrees: '0' }));
  waiters.see(record('room.assigned', { room: '8', state: 'assigned', agent: 'agent_02' }));
  expect(await now(mine)).toBe('nothing');
  waiters.see(record('room.assigned', { room: '7', state: 'assigned', agent: 'agent_01' }));
  expect(await now(mine)).toEqual({ state: 'assigned', entry: '5-0', agentId: 'agent_01' });
});

test('several webhooks of one room are all settled by its assignment', async () => {
  const waiters = new Waiters();
  const all = ['r1', 'r2', 'r3'].map((request) => waiters.wait(request, LONG_MS));
  for (const request of ['r1', 'r2', 'r3']) waiters.see(reserved(request, '7', `${request}-entry`));
  waiters.see(record('room.assigned', { room: '7', state: 'assigned', agent: 'agent_01' }));
  expect(await Promise.all(all.map(now))).toEqual(
    ['r1', 'r2', 'r3'].map((request) => ({ state: 'assigned', entry: `${request}-entry`, agentId: 'agent_01' })),
  );
});

test.each([
  ['room.refused', 'waiting', { position: '2' }, { state: 'waiting', position: 2 }],
  ['room.returned', 'waiting', { position: '1' }, { state: 'waiting', position: 1 }],
  ['room.parked', 'parked', {}, { state: 'parked' }],
  ['room.closed', 'resolved', {}, { state: 'resolved' }],
  ['room.released', 'released', {}, { state: 'resolved' }],
])('a reservation that ends as %s is told as %s', async (event, state, more, outcome) => {
  const waiters = new Waiters();
  const mine = waiters.wait('r1', LONG_MS);
  waiters.see(reserved('r1'));
  waiters.see(record(event, { room: '7', state, ...more }));
  expect(await now(mine)).toEqual({ entry: '5-0', ...outcome } as never);
});

test('a resolve answers its own webhook and ends the wait of the allocation in the same process', async () => {
  const waiters = new Waiters();
  const allocation = waiters.wait('r1', LONG_MS);
  const resolve = waiters.wait('r2', LONG_MS);
  waiters.see(reserved('r1'));
  waiters.see(record('room.released', { request: 'r2', entry: '6-0', room: '7', state: 'released' }));
  expect(await now(resolve)).toEqual({ state: 'released', entry: '6-0' });
  expect(await now(allocation)).toEqual({ state: 'resolved', entry: '5-0' });
});

test('when the time is up it gets what is known: nothing, or the reservation', async () => {
  const waiters = new Waiters();
  const unseen = waiters.wait('r1', 1);
  const chosen = waiters.wait('r2', 1);
  waiters.see(reserved('r2'));
  expect(await unseen).toBeNull();
  expect(await chosen).toEqual({ state: 'reserved', entry: '5-0', agentId: 'agent_01' });
  // Late records find nobody, and do no harm.
  waiters.see(record('room.waiting', { request: 'r1', room: '7', state: 'waiting' }));
  waiters.see(record('room.assigned', { room: '7', state: 'assigned', agent: 'agent_01' }));
});

test('a webhook that was not stored is forgotten at once', async () => {
  const waiters = new Waiters();
  const mine = waiters.wait('r1', LONG_MS);
  waiters.cancel('r1');
  expect(await now(mine)).toBeNull();
  waiters.cancel('r1');
});
