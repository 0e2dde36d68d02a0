/** Qiscus as a whole: pages that fail, the breaker, and whether it tells us of resolved rooms. */
import { expect, test } from 'bun:test';
import { until } from '../../support/wait';
import { worlds } from '../../support/world';

const open = worlds();

test('the list of agents fails between two pages, again and again: the last view is kept', async () => {
  const { sandbox, fault, agents, chats, becomes, journal } = await open({
    online: ['agent_01', 'agent_06'],
    limit: 1,
    sandbox: { pageSize: 2, pagingStyle: 'pages' },
  });
  // The nth order passes n calls, its own first page among them, and fails the second page of the nth reading.
  const failures = [
    { effect: 'status', status: 500 },
    { effect: 'garbage' },
    { effect: 'reset' },
    { effect: 'status', status: 403 },
  ] as const;
  for (const [n, how] of failures.entries()) fault({ on: 'agents', skip: n + 1, ...how });
  await until(() => sandbox.faults.list().every(({ hits }) => hits === 1), { what: 'four readings failed' });
  expect((await agents()).filter(({ online }) => online)).toHaveLength(2);
  await chats('1', '2');
  await becomes('2', 'assigned');
  expect(await journal('agent.offline')).toEqual([]);
});

test.each(['total', 'pages', 'cursor', 'cursor_after'] as const)(
  'agents in pages, by %s: all are known',
  async (style) => {
    const { agents } = await open({ online: ['agent_01', 'agent_06'], sandbox: { pageSize: 2, pagingStyle: style } });
    await until(async () => (await agents()).length === 6, { what: 'six agents' });
  },
);

test('[F28] five calls without an answer open the breaker; then one goes first; then all, and none is lost', async () => {
  const { sandbox, fault, skip, ready, becomes, journal, served, line } = await open({ limit: 8 });
  const rooms = Array.from({ length: 10 }, (_, i) => `r${i}`);
  const calls = () => sandbox.state().calls.assign_agent ?? 0;
  fault({ on: 'assign_agent', times: null, effect: 'status', status: 503, body: '<html>down</html>' });
  await Promise.all(rooms.map((roomId) => sandbox.rooms.create({ roomId })));
  await until(async () => (await ready()).failing?.includes('qiscus'), { what: 'ready names qiscus' });
  expect(await journal('qiscus.paused')).toMatchObject([{ fields: { state: 'open' } }]);
  expect(await line()).toHaveLength(2);

  const before = calls();
  skip(40_000);
  await until(() => calls() > before, { what: 'a probe' });
  await until(async () => (await journal('call.deferred')).length === before + 1, { what: 'its answer' });
  expect(calls()).toBe(before + 1);

  sandbox.faults.clear();
  skip(40_000);
  await Promise.all(rooms.slice(0, 8).map((room) => becomes(room, 'assigned')));
  expect(new Set(served()).size).toBe(8);
  expect((await ready()).failing ?? []).not.toContain('qiscus');
  expect(await journal('room.parked')).toEqual([]);
});

test('Qiscus refused us, and then there is no call to try it with: ready again as soon as the agents can be read', async () => {
  const { sandbox, fault, skip, ready, chats, becomes, quiet } = await open();
  fault({ on: 'assign_agent', effect: 'status', status: 401 });
  await chats('1');
  await until(async () => (await ready()).failing?.includes('qiscus'), { what: 'ready names qiscus' });
  await sandbox.rooms.resolve('1');
  await becomes('1', 'resolved');
  await quiet();
  skip(5_000);
  await until(async () => !(await ready()).failing?.includes('qiscus'), { what: 'ready no more names qiscus' });
});

test('the resolve webhook: unset, then set by one call, switched off, moved elsewhere; ready warns each time', async () => {
  const { sandbox, api, skip, ready, environ } = await open({
    env: {
      QISCUS_EMAIL: 'admin@example.com',
      QISCUS_PASSWORD: 'secret',
      PUBLIC_BASE_URL: 'https://router.example.com',
    },
  });
  const url = 'https://router.example.com/api/v1/webhook/mark_as_resolved';
  const warns = (...warnings: string[]) =>
    until(async () => JSON.stringify((await ready()).warnings ?? []) === JSON.stringify(warnings), {
      what: `ready warns ${warnings.join()}`,
    });
  await warns('resolve_webhook_unset');
  expect((await api.post('/settings/set_mark_as_resolved', { url })).status).toBe(200);
  await warns();
  await api.post('/settings/set_mark_as_resolved', { url, enable: false });
  await warns('resolve_webhook_disabled');
  // Somebody sets another address at Qiscus: the look now and then finds it.
  await fetch(`${sandbox.url}/api/v1/app/webhook/mark_as_resolved`, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      'Qiscus-App-Id': environ.QISCUS_APP_ID ?? '',
      'Qiscus-Secret-Key': environ.QISCUS_SECRET ?? '',
    },
    body: JSON.stringify({ webhook_url: 'https://other.example.com/hook', is_webhook_enabled: 'true' }),
  });
  skip(300_000);
  await warns('resolve_webhook_elsewhere');
  await api.post('/settings/set_mark_as_resolved', { url });
  await warns();
});

test('Qiscus refuses to list the agents: ready names it and recovers', async () => {
  const { sandbox, fault, ready, skip } = await open();
  fault({ on: 'agents', times: null, effect: 'status', status: 401, body: '' });
  await until(async () => (await ready()).failing?.includes('qiscus'), { what: 'ready names qiscus' });
  sandbox.faults.clear();
  skip(60_000);
  await until(async () => !(await ready()).failing?.includes('qiscus'), { what: 'ready no longer names qiscus' });
});

test.each([401, 403])(
  '%i for the rooms alone: they are not compared, calls go on, and ready is ready',
  async (status) => {
    const { sandbox, fault, skip, ready, chats, becomes, journal } = await open();
    for (const on of ['customer_rooms', 'customer_room'])
      fault({ on, times: null, effect: 'status', status, body: '' });
    for (const many of [1, 2]) {
      skip(60_000);
      await until(() => (sandbox.faults.list()[0]?.hits ?? 0) >= many, { what: `${many} comparisons failed` });
    }
    await chats('1');
    await becomes('1', 'assigned');
    expect(await journal('qiscus.paused')).toEqual([]);
    expect((await ready()).failing ?? []).toEqual([]);
  },
);

test('the list of agents fails eight times in a row: calls for rooms go on', async () => {
  const { sandbox, fault, chats, becomes, journal } = await open();
  fault({ on: 'agents', times: 8, effect: 'status', status: 500 });
  await until(() => sandbox.faults.list().every(({ hits }) => hits === 8), { what: 'eight readings failed' });
  await chats('1');
  await becomes('1', 'assigned');
  expect(await journal('qiscus.paused')).toEqual([]);
});
