/** Dispatchers that die or hang with a call in hand, and two workers where one leads. */
import { afterEach, expect, test } from 'bun:test';
import { Redis } from 'ioredis';
import { type ServiceProcess, spawnService } from '../../support/service';
import { until } from '../../support/wait';
import { type World, worlds } from '../../support/world';

const open = worlds();
const QUICK = { QISCUS_TIMEOUT_MS: '800', OUTBOX_CLAIM_MS: '900' };
const spawned: ServiceProcess[] = [];

afterEach(async () => {
  for (const process of spawned.splice(0)) await process.kill('SIGKILL');
});

/** The HTTP side in this process, and one worker that can be killed. */
async function openWithWorker(options: Parameters<typeof open>[0] = {}): Promise<[World, ServiceProcess]> {
  const world = await open({ ...options, role: 'api', env: QUICK });
  const worker = await spawnService({ ...world.environ, ROSTER_SYNC_SECONDS: '600' }, 'worker');
  spawned.push(worker);
  await world.online(options.online?.length ?? 1);
  return [world, worker];
}

const callsOf = ({ sandbox }: World) => sandbox.state().calls.assign_agent ?? 0;

test('[F26 F27 F59] a worker is killed with its calls in hand: another goes on, same agents, each room once', async () => {
  const [world, worker] = await openWithWorker({ online: ['agent_01', 'agent_02'], limit: 2 });
  const { sandbox, fault, chats, becomes, served, journal, violations } = world;
  fault({ on: 'assign_agent', roomId: 'not-done', effect: 'hang' });
  fault({ on: 'assign_agent', roomId: 'done', effect: 'apply_then_hang' });
  await Promise.all([chats('not-done'), chats('done'), until(() => callsOf(world) === 2, { what: 'both calls' })]);
  await worker.kill('SIGKILL');
  const agentOf = async (room: string) => (await world.api.room(room)).agent_id;
  const chosen = [await agentOf('not-done'), await agentOf('done')];
  const rosterReadings = sandbox.state().calls.agents ?? 0;

  await world.start({ ROLE: 'worker' });
  await becomes('not-done', 'assigned', 15_000);
  await becomes('done', 'assigned');
  expect([await agentOf('not-done'), await agentOf('done')]).toEqual(chosen);
  expect(served().toSorted()).toEqual(['done', 'not-done']);
  expect(await journal('room.assigned', 'done')).toMatchObject([{ fields: { reason: 'inferred' } }]);
  expect(await journal('call.reclaimed')).toHaveLength(2);
  expect(violations()).toEqual([]);
  // The lease of the killed one has lapsed: somebody leads again.
  await until(() => (sandbox.state().calls.agents ?? 0) > rosterReadings + 1, { what: 'the agents are read again' });
}, 30_000);

test('[F39 F68] a worker hangs, is given up, and wakes: what it says then is fenced', async () => {
  const [world, worker] = await openWithWorker({ sandbox: { latencyMs: 600 } });
  const { chats, becomes, served, journal, agent, violations } = world;
  await Promise.all([chats('1'), until(() => callsOf(world) === 1, { what: 'the call is under way' })]);
  process.kill(worker.pid, 'SIGSTOP');
  await world.start({ ROLE: 'worker' });
  await becomes('1', 'assigned', 15_000);
  expect(await journal('call.fenced')).toEqual([]);
  process.kill(worker.pid, 'SIGCONT');
  await until(async () => (await journal('call.fenced')).length > 0, { what: 'the late answer is fenced' });
  expect(served()).toEqual(['1']);
  await until(async () => (await agent('agent_01')).load === 1, { what: 'counted once' });
  expect(violations()).toEqual([]);
}, 30_000);

test('two workers: one leads, the agents are read once for both, and both take calls', async () => {
  const { sandbox, start, chats, becomes, redis } = await open({
    change: (config) => {
      config.rosterSyncSeconds = 0.6;
    },
  });
  await start({ ROLE: 'worker' });
  const readings = () => sandbox.state().calls.agents ?? 0;
  const before = readings();
  const beganMs = performance.now();
  await until(() => readings() >= before + 5, { what: 'five readings' });
  // Two leaders would need half of it.
  expect(performance.now() - beganMs).toBeGreaterThan(4 * 600);
  const client = new Redis({ host: '127.0.0.1', port: redis.port });
  expect(await client.keys('*:lease')).toHaveLength(1);
  client.disconnect();
  await chats('1', '2');
  await becomes('2', 'assigned');
});

test('the leader stops: it gives the lease back, and the other leads at once', async () => {
  const world = await open({ role: 'api' });
  const first = await world.start({ ROLE: 'worker' });
  await world.online(1);
  await world.start({ ROLE: 'worker' });
  await first.stop();
  const before = world.sandbox.state().calls.agents ?? 0;
  await until(() => (world.sandbox.state().calls.agents ?? 0) > before + 1, {
    what: 'the other reads the agents',
    withinMs: 2_000,
  });
});

test('the worker that leads is killed: every decision is in the log of one or the other', async () => {
  const world = await open({ limit: 20, role: 'api', env: { ...QUICK, LOG_LEVEL: 'info' } });
  const start = async () => {
    const worker = await spawnService(world.environ, 'worker');
    spawned.push(worker);
    return worker;
  };
  const first = await start();
  await world.online(1);
  await world.chats(...Array.from({ length: 8 }, (_, i) => `a${i}`));
  await first.kill('SIGKILL');
  const second = await start();
  await world.chats(...Array.from({ length: 8 }, (_, i) => `b${i}`));
  await world.becomes('b7', 'assigned');
  const decided = (await world.journal('room.reserved')).map(({ id }) => `"journal":"${id}"`);
  expect(decided.length).toBeGreaterThanOrEqual(16);
  const missing = () => decided.filter((line) => !first.output().includes(line) && !second.output().includes(line));
  await until(() => missing().length === 0, { what: 'every decision in a log' });
}, 30_000);
