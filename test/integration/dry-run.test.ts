/**
 * A dry run beside somebody else who assigns: real Redis, the real sandbox, whose own allocator takes the rooms meanwhile.
 * After each test our books are judged by the invariants (world.ts), but for those about Qiscus.
 */
import { describe, expect, test } from 'bun:test';
import { ready } from '../../src/banner';
import { readConfig } from '../../src/config';
import { connect } from '../../src/redis/client';
import { keysOf } from '../../src/redis/keys';
import { APP_ID, caller } from '../support/service';
import { until } from '../support/wait';
import { type World, type WorldOptions, worlds } from '../support/world';

const open = worlds();
const ALL = ['agent_01', 'agent_02', 'agent_03'];

/** Two rooms an agent; there they go round in turn. */
const beside = (options: WorldOptions = {}) =>
  open({
    online: ALL,
    ...options,
    env: { DRY_RUN: 'true', ...options.env },
    sandbox: { allocator: 'round_robin', ...options.sandbox },
  });

interface Comparison {
  compared: number;
  agreed: number;
  unknown: number;
  agreement: number | null;
  sources: { reading: number; resolver: number; candidate: number };
  spread: Record<'ours' | 'theirs', { least: number; most: number; mean: number; deviation: number } | null>;
  average_deviation: { ours: number; theirs: number; readings: number } | null;
  agents: { id: string; ours: number; theirs: number | null; given: { ours: number; theirs: number } }[];
}
const comparison = async (world: World) => (await world.api.get('/dry_run')).body as unknown as Comparison;
const comparedRecords = async (world: World) => (await world.journal('room.compared')).map(({ fields }) => fields);
const compares = (world: World, count: number) =>
  until(async () => (await comparedRecords(world)).length === count, { what: `${count} sessions compared` });

/** Calls of the service; the other allocator makes none over HTTP. */
const CHANGING = ['assign_agent', 'remove_agent', 'set_webhook', 'mark_as_resolved', 'auth'];
const changingCalls = (world: World) =>
  Object.entries(world.sandbox.state().calls).filter(([name]) => CHANGING.includes(name));

describe('a dry run', () => {
  test('decides every room and changes nothing at Qiscus, whatever is pressed', async () => {
    const world = await beside({ env: { QISCUS_EMAIL: 'admin@example.com', QISCUS_PASSWORD: 'any' } });
    const rooms = Array.from({ length: 6 }, (_, n) => `r${n}`);
    await world.chats(...rooms);
    for (const room of rooms) await world.becomes(room, 'assigned');
    const reasons = (await world.journal('room.assigned')).map(({ fields }) => fields.reason);
    expect(reasons).toEqual(Array(6).fill('dry_run'));
    // Who has them there is somebody else's work and no load of ours: an agent with two rooms is full, not overfull.
    expect((await world.agents()).filter(({ online }) => online).map(({ load, outside }) => [load, outside])).toEqual(
      Array(3).fill([2, 0]),
    );

    const remove = await world.api.post('/rooms/r0/requeue', { remove_agent: true });
    expect([remove.status, remove.body.code]).toEqual([409, 'WRONG_STATE']);
    const url = 'https://router.example.com/api/v1/webhook/mark_as_resolved';
    const set = await world.api.post('/settings/set_mark_as_resolved', { url });
    expect([set.status, set.body.code]).toEqual([409, 'WRONG_STATE']);

    // Long enough for everything that is done now and then.
    await until(() => (world.sandbox.state().calls.customer_rooms ?? 0) > 6, { what: 'some sweeps' });
    expect(changingCalls(world)).toEqual([]);
    expect(world.sandbox.state().registered).toBeNull();
    expect(await world.ready()).toMatchObject({ status: 'success', dry_run: true });
  });

  test('compares with who is in the room, once for each session', async () => {
    const world = await beside();
    await world.chats('r0', 'r1', 'r2', 'r3');
    await compares(world, 4);
    const records = await comparedRecords(world);
    for (const { room = '', theirs, agent, source, agrees } of records) {
      expect([room, theirs, source]).toEqual([room, world.inRoom(room)[0], 'reading']);
      expect(agrees).toBe(agent === theirs ? '1' : '0');
    }
    const readings = world.sandbox.state().calls.other_agents;
    for (const room of ['r0', 'r1', 'r2', 'r3']) await world.sandbox.rooms.resolve(room);
    await world.quiet();
    // A second session is another one to compare.
    await world.sandbox.rooms.message('r0');
    await compares(world, 5);
    expect(await comparison(world)).toMatchObject({ compared: 5, unknown: 0, sources: { reading: 5 } });
    expect(world.sandbox.state().calls.other_agents).toBe((readings ?? 0) + 1);
  });

  test('goes by who resolved, and else by whom Qiscus would have picked, where rooms cannot be read', async () => {
    const world = await beside({ sandbox: { allocator: null } });
    world.fault({ on: 'other_agents', times: null, effect: 'status', status: 403 });
    await world.chats('by-agent', 'by-admin', 'nobody');
    for (const room of ['by-agent', 'by-admin', 'nobody']) await world.becomes(room, 'assigned');
    world.sandbox.rooms.assign('by-agent', 'agent_03');
    world.sandbox.rooms.assign('by-admin', 'agent_03');
    await world.sandbox.rooms.resolve('by-agent', { by: 'agent' });
    await world.sandbox.rooms.resolve('by-admin', { by: 'admin' });
    await compares(world, 2);
    const found = (await comparedRecords(world)).map(({ room, theirs, source }) => [room, theirs, source]);
    expect(found).toEqual([
      ['by-agent', 'agent_03', 'resolver'],
      // Nobody was busy there: the least busy is the first.
      ['by-admin', 'agent_01', 'candidate'],
    ]);
    // That it may not read who is in a room says nothing about us.
    expect((await world.ready()).failing).toBeUndefined();
  });

  test('a list of others that lacks more than who is in the room says who, if one of them serves its channel', async () => {
    const world = await beside({ online: ['agent_01', 'agent_04', 'agent_05'], sandbox: { allocator: null } });
    const body = { data: { agents: [{ id: 'agent_04' }] }, meta: { after: null } };
    world.fault({ on: 'other_agents', times: null, effect: 'status', status: 200, body });
    // agent_01 does not serve 272; both others serve 5603.
    for (const [roomId, channelId] of [
      ['clear', '272'],
      ['unclear', '5603'],
    ] as const) {
      await world.sandbox.rooms.create({ roomId, channelId });
      world.sandbox.rooms.assign(roomId, 'agent_05');
      await world.becomes(roomId, 'assigned');
    }
    await until(() => world.sandbox.state().calls.other_agents === 2, { what: 'both rooms asked about' });
    await world.sandbox.rooms.resolve('unclear', { by: 'admin' });
    await compares(world, 2);
    const found = (await comparedRecords(world)).map(({ room, theirs, source }) => [room, theirs, source]);
    expect(found[0]).toEqual(['clear', 'agent_05', 'reading']);
    expect(found[1]).toMatchObject(['unclear', expect.any(String), 'candidate']);
  });

  test('the banner says so, and where to look', async () => {
    const world = await beside();
    const text = ready(readConfig({ ...world.environ, PORT: '3000' }, []), world.service);
    expect(text).toContain('DRY RUN: decides and writes down, and changes nothing at Qiscus.');
    expect(text).toContain('GET /api/v1/dry_run');
    // Nothing is to be entered at Qiscus.
    expect(text).not.toContain('Custom Agent Allocation');
  });

  test('counts agreement and spread right', async () => {
    const world = await beside({ sandbox: { allocator: null }, limit: 6 });
    const rooms = ['a', 'b', 'c', 'd'];
    await world.chats(...rooms);
    for (const room of rooms) await world.becomes(room, 'assigned');
    // There one agent gets them all.
    for (const room of rooms) world.sandbox.rooms.assign(room, 'agent_01');
    await compares(world, 4);
    await until(async () => (await comparison(world)).spread.theirs?.most === 4, { what: 'their loads known' });
    const found = await comparison(world);
    const ours = Object.fromEntries(found.agents.map((agent) => [agent.id, agent.given.ours]));
    expect(ours).toMatchObject({ agent_01: 2, agent_02: 1, agent_03: 1 });
    expect(found).toMatchObject({ compared: 4, agreed: 2, unknown: 0, agreement: 0.5 });
    expect(found.spread).toEqual({
      ours: { least: 1, most: 2, mean: 1.333, deviation: 0.471 },
      theirs: { least: 0, most: 4, mean: 1.333, deviation: 1.886 },
    });
    // In the mean over all readings so far, too, however few of the first ones saw only ours.
    const isUneven = async () => {
      const { ours: even, theirs: uneven } = (await comparison(world)).average_deviation ?? { ours: 0, theirs: 0 };
      return even > 0 && even < uneven;
    };
    await until(isUneven, { what: 'their loads uneven in the mean' });
    const first = found.agents.find(({ id }) => id === 'agent_01');
    expect(first).toMatchObject({ ours: 2, theirs: 4, given: { ours: 2, theirs: 4 } });
  });

  test('a room that stays in our line while somebody there takes it is a difference', async () => {
    const world = await beside({ online: ['agent_01'], limit: 1, sandbox: { allocator: null, cap: null } });
    await world.chats('first', 'second');
    await world.becomes('second', 'waiting');
    world.sandbox.rooms.assign('second', 'agent_01');
    await world.sandbox.rooms.resolve('second', { by: 'agent' });
    await compares(world, 1);
    expect(await comparedRecords(world)).toMatchObject([
      { room: 'second', agent: '', theirs: 'agent_01', agrees: '0' },
    ]);
  });

  test('without webhooks it finds the rooms that others serve, but not those from before', async () => {
    const world = await open({ online: ALL, role: 'api', env: { DRY_RUN: 'true' } });
    world.sandbox.setDelivery(null);
    world.sandbox.configure({ allocator: 'least_busy' });
    await world.sandbox.rooms.create({ roomId: 'before' });
    await world.start({ ROLE: 'worker' });
    await until(() => (world.sandbox.state().calls.customer_rooms ?? 0) > 2, { what: 'the first sweep' });
    await world.sandbox.rooms.create({ roomId: 'after' });
    await world.becomes('after', 'assigned');
    await compares(world, 1);
    await world.sandbox.rooms.resolve('after');
    await world.becomes('after', 'resolved');
    expect((await world.api.get('/rooms/before')).status).toBe(404);
    expect((await comparedRecords(world)).map(({ room, source }) => [room, source])).toEqual([['after', 'reading']]);
  });

  test('another leader goes on where the last one was, and counts nothing twice', async () => {
    const world = await open({ online: ALL, role: 'api', env: { DRY_RUN: 'true' } });
    world.sandbox.configure({ allocator: 'round_robin' });
    const first = await world.start({ ROLE: 'worker' });
    await world.chats('r0', 'r1', 'r2');
    await compares(world, 3);
    await first.stop();
    for (const room of ['r0', 'r1', 'r2']) await world.sandbox.rooms.resolve(room);
    await world.chats('r3');
    await world.start({ ROLE: 'worker' });
    await compares(world, 4);
    await world.sandbox.rooms.resolve('r3');
    await world.quiet();
    expect(await comparison(world)).toMatchObject({ compared: 4, unknown: 0 });
  });

  test('beside the live service it disturbs nothing, and going live begins with an empty, true ledger', async () => {
    const world = await beside({ sandbox: { allocator: null } });
    await world.chats('r0', 'r1');
    await world.becomes('r1', 'assigned');
    const client = await connect(world.redis.url, 'command');
    const mine = Object.values(keysOf(APP_ID, true));
    const all = (await client.keys('*')).filter((key) => key.startsWith('caa:'));
    expect(all.filter((key) => !mine.includes(key))).toEqual([]);

    // The other one has given r0 to somebody; nobody serves r1.
    world.sandbox.rooms.assign('r0', 'agent_03');
    const live = await world.start({ DRY_RUN: 'false' });
    const api = caller(live.url ?? '');
    await until(async () => (await api.room('r1')).state === 'assigned', { what: 'the unserved room found again' });
    expect(world.inRoom('r1')).toHaveLength(1);
    expect((await api.get('/rooms/r0')).status).toBe(404);
    expect((await api.get('/agents/agent_03')).body).toMatchObject({ outside: 1 });
    expect((await api.get('/dry_run')).body).toMatchObject({ dry_run: false, compared: 0 });
    expect(await world.state('r0')).toBe('assigned');
    client.disconnect();
  });
});
