/** Every wrong answer that Qiscus can give to one `assign_agent` call: what becomes of the room, its slot, and the others. */
import { expect, test } from 'bun:test';
import { until } from '../../support/wait';
import { worlds } from '../../support/world';

const open = worlds();
const ASSIGN = 'assign_agent';
const EXCEEDED = { errors: { message: 'Cant join room, exceed max agents' } };

const UNANSWERED = [
  ['a 500 before it did anything', { effect: 'status', status: 500 }],
  ['a 500 after it assigned', { effect: 'apply_then_500' }],
  ['a reset before', { effect: 'reset' }],
  ['a reset after', { effect: 'apply_then_reset' }],
  ['silence before', { effect: 'hang' }],
  ['silence after', { effect: 'apply_then_hang' }],
  ['half an answer', { effect: 'apply_then_truncate' }],
  ['an answer that trickles for ever', { effect: 'apply_then_trickle' }],
  ['an HTML page with 200', { effect: 'garbage' }],
  ['an HTML page with 502', { effect: 'status', status: 502, body: '<html><h1>Bad gateway</h1></html>' }],
  ['a redirect', { effect: 'redirect', location: '/elsewhere' }],
] as const;

test.each(UNANSWERED)('[F28 F35] %s: the same agent keeps the room; assigned once, counted once', async (_, fault) => {
  const {
    sandbox,
    chats,
    fault: order,
    skip,
    agents,
    inRoom,
    becomes,
    served,
    journal,
    violations,
  } = await open({
    online: ['agent_01', 'agent_02'],
    limit: 1,
    env: { QISCUS_TIMEOUT_MS: '400' },
  });
  order({ on: ASSIGN, roomId: '1', ...fault });
  await chats('1');
  await until(async () => (await journal('call.deferred')).length === 1, { what: 'the call is deferred' });
  expect((await agents()).map(({ reserved, assigned }) => reserved + assigned).slice(0, 2)).toEqual([1, 0]);
  skip(2_000);
  await becomes('1', 'assigned');
  expect(inRoom('1')).toEqual(['agent_01']);
  expect(served()).toEqual(['1']);
  // What Qiscus had counted before it told us shows as outside for a moment: that only withholds a slot.
  await until(async () => (await agents())[0]?.outside === 0, { what: 'counted once' });
  expect((await agents())[0]).toMatchObject({ load: 1, assigned: 1 });
  expect(violations()).toEqual([]);
  expect(sandbox.state().calls.redirected).toBeUndefined();
});

test('[F35] an error text under HTTP 200 counts as what it says', async () => {
  const { chats, fault, becomes, journal } = await open();
  fault({ on: ASSIGN, effect: 'status', status: 200, body: 'room already resolved' });
  await chats('1');
  await becomes('1', 'resolved');
  expect(await journal('room.closed')).toMatchObject([{ fields: { room: '1', reason: 'already_resolved' } }]);
});

test('[F29] 429 with Retry-After: all calls wait as long as Qiscus asks, in their order; nothing is lost', async () => {
  const { sandbox, chats, fault, skip, becomes, served, api, journal } = await open({ limit: 5 });
  fault({ on: ASSIGN, effect: 'status', status: 429, retryAfter: 60 });
  await chats('1', '2', '3');
  expect(sandbox.state().calls.assign_agent).toBe(1);
  expect((await api.room('2')).state).toBe('reserved');
  skip(50_000);
  await until(async () => (await journal('call.due', '1')).length === 1, { what: 'the first call due again' });
  expect(sandbox.state().calls.assign_agent).toBe(1);
  skip(10_000);
  for (const room of ['1', '2', '3']) await becomes(room, 'assigned');
  // By the service's own clock: nothing was sent before the time was over.
  const at = async (event: string) => (await journal(event)).map((record) => Date.parse(record.at));
  const [pausedMs = Number.NaN] = await at('qiscus.paused');
  const [first, ...later] = await at('call.sent');
  expect(first).toBeLessThanOrEqual(pausedMs);
  expect(Math.min(...later)).toBeGreaterThanOrEqual(pausedMs + 60_000);
  expect(served().toSorted()).toEqual(['1', '2', '3']);
});

test('[F29] 429 without Retry-After: a second or so, then again', async () => {
  const { chats, fault, becomes, journal } = await open();
  fault({ on: ASSIGN, times: 1, effect: 'status', status: 429 });
  await chats('1');
  await becomes('1', 'assigned');
  expect(await journal('qiscus.paused')).toMatchObject([{ fields: { state: 'slowed' } }]);
});

test.each([401, 402, 403])(
  '[F31] %i: calling stops, ready names Qiscus, the rooms wait; then the line goes on in order',
  async (status) => {
    const { sandbox, chats, fault, skip, ready, line, becomes, served, journal } = await open();
    fault({ on: ASSIGN, times: null, effect: 'status', status, body: '<html>forbidden</html>' });
    await chats('1', '2', '3', '4');
    await until(async () => (await ready()).failing?.includes('qiscus'), { what: 'ready names qiscus' });
    expect(await line()).toEqual(['3', '4']);
    skip(30_000);
    await until(() => (sandbox.state().calls.assign_agent ?? 0) >= 2, { what: 'one call to try' });
    sandbox.faults.clear();
    skip(60_000);
    for (const room of ['1', '2', '3', '4']) {
      await becomes(room, 'assigned');
      if (room !== '4') await sandbox.rooms.resolve(room);
    }
    expect(served().toSorted()).toEqual(['1', '2', '3', '4']);
    expect((await journal('room.reserved')).map(({ fields }) => fields.room)).toEqual(['1', '2', '3', '4']);
    expect((await ready()).failing ?? []).not.toContain('qiscus');
    expect(await journal('room.refused')).toEqual([]);
  },
);

test('[F33 F34] a room that Qiscus always refuses is tried four times, then parked; the others flow, its slot is free', async () => {
  const { chats, fault, skip, becomes, agent, api, journal, sandbox, loadBecomes } = await open({ limit: 1 });
  fault({ on: ASSIGN, roomId: '7', times: null, effect: 'status', status: 400, body: EXCEEDED });
  await chats('7', '8');
  await becomes('8', 'assigned');
  await sandbox.rooms.resolve('8');
  for (let tries = 1; tries < 4; tries++) {
    await until(async () => (await journal('room.refused', '7')).length >= tries, { what: `refusal ${tries}` });
    skip(5_000);
  }
  await becomes('7', 'parked');
  await loadBecomes('agent_01', 0);
  expect((await api.get('/dead_letters')).body.dead_letters).toMatchObject([
    { id: 'room-7', reason: 'exceed_max_agents', attempts: 4 },
  ]);
  // The customer's next message gives it another chance.
  sandbox.faults.clear();
  await sandbox.rooms.message('7');
  await becomes('7', 'assigned');
  expect((await agent('agent_01')).load).toBe(1);
});

test('[F34] a room that never gets an answer while others do is parked at its eighth failure', async () => {
  const { chats, fault, skip, journal, sandbox, becomes, loadBecomes } = await open({ limit: 2 });
  fault({ on: ASSIGN, roomId: '7', times: null, effect: 'status', status: 500 });
  const failures = async () => (await journal('call.deferred', '7')).length;
  const isParked = async () => (await journal('room.parked', '7')).length > 0;
  await chats('7');
  for (let round = 1; !(await isParked()); round++) {
    const before = await failures();
    await chats(`ok-${round}`);
    await becomes(`ok-${round}`, 'assigned');
    await sandbox.rooms.resolve(`ok-${round}`);
    skip(31_000);
    await until(async () => (await failures()) > before || (await isParked()), { what: 'one more failure' });
  }
  expect(await failures()).toBeGreaterThanOrEqual(7);
  await loadBecomes('agent_01', 0);
}, 30_000);
