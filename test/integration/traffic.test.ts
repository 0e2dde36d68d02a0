/** The sandbox's people, with a service that gives every room to somebody at once. */
import { afterEach, expect, test } from 'bun:test';
import type { Sandbox } from '../../src/qiscus/sandbox';
import { BUSY_QUARTER, type Plan } from '../../src/qiscus/sandbox/plan';
import { Traffic } from '../../src/qiscus/sandbox/traffic';
import { startTestSandbox } from '../support/service';
import { until } from '../support/wait';

const PLAN: Plan = { ...BUSY_QUARTER, speed: 600, rate: 0.4, customers: 30 };
const undo: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (let step = undo.pop(); step; step = undo.pop()) await step();
});

/** A sandbox whose webhooks are answered by giving the room to the least busy agent there. */
async function open(): Promise<Sandbox> {
  const sandbox = await startTestSandbox();
  undo.push(() => sandbox.stop());
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    async fetch(request) {
      const { room_id } = (await request.json()) as { room_id?: string };
      const room = room_id === undefined ? null : sandbox.rooms.read(room_id);
      const there = sandbox.agents.list().filter(({ online }) => online);
      const agent = there.sort((a, b) => a.count - b.count)[0];
      if (agent && room && room.agents.length === 0 && !room.resolved) sandbox.rooms.assign(room.id, agent.id);
      return Response.json({});
    },
  });
  undo.push(() => server.stop(true));
  sandbox.setDelivery({ baseUrl: `http://127.0.0.1:${server.port}` });
  return sandbox;
}

test('a quarter of an hour in a second and a half: people come, come back, write again, go on breaks, and all are served', async () => {
  const sandbox = await open();
  const traffic = new Traffic(sandbox, PLAN);
  const faults = until(() => sandbox.faults.list().length > 0, { what: 'calls begin to go wrong' });
  await traffic.run();
  await faults;
  expect(sandbox.faults.list()).toEqual([]);
  expect(sandbox.agents.list().every(({ online }) => online)).toBe(true);

  await traffic.rest();
  const { opened, returned, finished, breaks, twice, late, refused, replies } = traffic.counts;
  expect(traffic.open()).toEqual({ chats: 0, unserved: 0 });
  expect(finished).toBe(opened + returned);
  expect(sandbox.state().rooms.every(({ resolved }) => resolved)).toBe(true);
  // 360 are expected, more or less a few dozen; fewer where the machine is too busy to open them in time.
  expect(finished).toBeWithin(2 * PLAN.customers, 500);
  expect(opened).toBe(PLAN.customers);
  expect(Math.min(returned, breaks, twice, late)).toBeGreaterThan(0);
  expect([refused, Object.keys(replies)]).toEqual([0, ['200']]);
});

test('no more chats than asked for, and a signal ends it', async () => {
  const sandbox = await open();
  const few = new Traffic(sandbox, { ...PLAN, chats: 5 });
  await few.run();
  expect(few.counts.opened + few.counts.returned).toBe(5);

  const stopped = new Traffic(sandbox, { ...PLAN, forMs: 1e9 });
  const stop = new AbortController();
  const running = stopped.run(stop.signal);
  await until(() => stopped.open().chats > 0, { what: 'a chat begins' });
  stop.abort();
  await running;
  expect(sandbox.faults.list()).toEqual([]);
});

test('who is refused is not waited for: somebody reset the sandbox', async () => {
  const sandbox = await open();
  sandbox.setDelivery(null);
  const traffic = new Traffic(sandbox, { ...PLAN, chats: 8, webhooks: { ...PLAN.webhooks, late: 0, twice: 0 } });
  await traffic.run();
  expect(traffic.open().chats).toBe(8);
  sandbox.reset();
  await traffic.rest();
  expect(traffic.counts).toMatchObject({ finished: 0, refused: 8 });
});
