/**
 * How a life ends: the world calms down, and everything must come to rest and agree; then every chat is closed.
 */
import { AGENTS, ROOMS } from './steps';
import type { World } from './world';

/** Rounds within which a world comes to rest; each lasts more than a minute of its time. */
const MOST_ROUNDS = 25;
const ROUND_MS = 61_000;
/** What is seen twice in a row is acted upon, so one quiet round says little. */
const QUIET_ROUNDS = 2;
const ROOM_FOR_ALL = 2 * Object.keys(ROOMS).length;

/** @param lost are the webhooks on their way lost, so that only the comparison with Qiscus can tell? */
export async function calmDown(world: World, lost: boolean): Promise<void> {
  const { air, sandbox, books } = world;
  sandbox.faults.clear();
  for (const process of world.processes.values()) {
    process.skewMs = 0;
    if (process.wire.alive) process.wire.trouble = null;
    else process.boot();
  }
  // Past what any clock that was ahead has written.
  books.clock.ms += 5 * ROUND_MS;
  for (const [i] of [...air.lateCalls].entries()) await world.run({ do: 'late call', which: 0, arrives: i % 2 === 0 });
  if (lost) air.letters.length = 0;
  await deliverAll(world);
  await rest(world);
}

/** Everybody is at work, and there is room for all. */
export async function bringEverybody(world: World): Promise<void> {
  const process = world.process('p1');
  for (const agent of Object.keys(AGENTS)) {
    await world.run({ do: 'membership', agent, there: true });
    await world.run({ do: 'presence', agent, online: true });
    await world.run({ do: 'patch', process: process.name, agent, maxCustomers: null, paused: false });
  }
  process.hand((desk) => desk.setMaxCustomers(ROOM_FOR_ALL));
  await rest(world);
}

/** All chats are closed; the webhooks of some are lost. */
export async function closeAll(world: World): Promise<void> {
  for (const [i, { id, resolved }] of world.sandbox.state().rooms.entries()) {
    if (!resolved) await world.sandbox.rooms.resolve(id, { copies: i % 2 });
  }
  await deliverAll(world);
  await rest(world);
  const dead = await world.books.desk.listDeadLetters();
  for (const { id } of dead) await world.books.desk.deleteDeadLetter(id);
  if (dead.length > 0) await rest(world);
}

async function deliverAll(world: World): Promise<void> {
  while (world.air.letters.length > 0) await world.run({ do: 'deliver', which: 0, process: 'p2', again: false });
}

async function rest(world: World): Promise<void> {
  const process = world.process('p1');
  let before = '';
  for (let round = 0, quiet = 0; round < MOST_ROUNDS && quiet < QUIET_ROUNDS; round++) {
    world.books.clock.ms += ROUND_MS;
    for (const act of [
      () => process.apply(),
      () => process.advanceClock(),
      () => process.readAgents(false),
      () => process.compareRooms(false),
      () => process.reclaim(),
      () => process.dispatch(),
    ]) {
      act();
      await world.settle();
      await world.answerAll();
    }
    const after = await fingerprint(world);
    quiet = after === before ? quiet + 1 : 0;
    before = after;
  }
}

async function fingerprint({ books, sandbox }: World): Promise<string> {
  const rooms = await books.client.hkeys(books.keys.rooms);
  const views = await Promise.all(rooms.map((id) => books.desk.readRoom(id)));
  const agents = await books.desk.listAgents();
  return JSON.stringify([
    views.map((view) => [view?.roomId, view?.state, view?.agentId, view?.attempts]),
    agents.map(({ id, load, online }) => [id, load, online]),
    sandbox.state().rooms,
  ]);
}
