/**
 * What must hold: after every step of a life, and when its world has come to rest.
 */
import { brokenInvariants, brokenWhenQuiet, readSnapshot, type Snapshot } from '../../support/invariants';
import type { World } from './world';

/** The journal is replayed now and then: it grows with each step. */
const LOOKS_UNTIL_REPLAY = 40;

/** Looks at one world, step after step. */
export class Checker {
  readonly #world: World;
  #before: Snapshot | null = null;
  #seen = -1;
  #looks = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /**
   * Every promise that is broken now, or was broken since the last look; empty when all hold.
   * @param afterOne was there only one step since then?
   */
  async look(afterOne: boolean): Promise<string[]> {
    const { traffic, books } = this.#world;
    const { problems } = this.#world.witness;
    // Nothing went anywhere: nothing changed.
    if (traffic.begun === this.#seen) return [...problems];
    this.#seen = traffic.begun;
    const now = await readSnapshot(books);
    const broken = [
      ...problems,
      ...brokenInvariants(now, await appliedRooms(this.#world)),
      ...(afterOne ? this.#aboveLimit(now) : []),
      ...this.#letGo(now),
    ];
    this.#before = now;
    this.#looks += 1;
    if (this.#looks % LOOKS_UNTIL_REPLAY === 0) broken.push(...(await brokenInside(this.#world)));
    return broken;
  }

  /** An agent that got a room in this step is within its limit; what a reading showed as outside in the same step came later. */
  #aboveLimit(now: Snapshot): string[] {
    const before = this.#before;
    if (!before) return [];
    const had = new Set(before.held.map(({ agent, room }) => `${agent} ${room}`));
    return now.held.flatMap(({ agent, room }) => {
      const view = now.agents.get(agent);
      if (!view || had.has(`${agent} ${room}`)) return [];
      const outside = Math.min(view.outside, before.agents.get(agent)?.outside ?? 0);
      const load = view.reserved + view.assigned + outside;
      return load > view.limit ? [`2 above the limit: ${agent} got ${room} with load ${load} of ${view.limit}`] : [];
    });
  }

  /** Who serves a customer by our call is counted, as long as nobody else had a hand in it. */
  #letGo(now: Snapshot): string[] {
    const { witness, sandbox } = this.#world;
    const { placed, touched } = witness;
    const held = new Set(now.held.map(({ agent, room }) => `${agent} ${room}`));
    const truth = new Map(sandbox.agents.list().map(({ id, rooms }) => [id, rooms]));
    return [...placed].flatMap(([room, agent]) => {
      if (!truth.get(agent)?.includes(room)) {
        placed.delete(room);
        return [];
      }
      const isExcused = touched.has(room) || now.rooms.get(room)?.state === 'parked';
      return isExcused || held.has(`${agent} ${room}`) ? [] : [`2 not counted: ${agent} serves ${room} by our call`];
    });
  }
}

/** Rooms whose allocation was acknowledged and is no longer in the inbox. */
async function appliedRooms(world: World): Promise<string[]> {
  const applied = await world.witness.applied();
  return applied.flatMap(({ kind, roomId }) => (kind === 'allocation' ? [roomId] : []));
}

/** All that the books show of themselves, the journal's replay included. */
async function brokenInside(world: World): Promise<string[]> {
  const { client, keys } = world.books;
  return brokenWhenQuiet(client, keys, null, await appliedRooms(world));
}

/** At rest, books and Qiscus tell the same. */
export async function brokenAtRest(world: World): Promise<string[]> {
  const { books, sandbox, air, witness } = world;
  const now = await readSnapshot(books);
  const broken = await brokenInside(world);
  if (air.calls.length > 0) broken.push(`${air.calls.length} calls never ended`);
  if (now.later.length > 0) broken.push(`rooms still delayed: ${now.later.join()}`);
  for (const key of ['inbox', 'outbox'] as const) {
    if ((await books.client.xlen(books.keys[key])) > 0) broken.push(`the ${key} is not empty`);
  }
  const truth = new Map(sandbox.state().rooms.map((room) => [room.id, room]));
  for (const [id, room] of now.rooms) {
    const real = truth.get(id);
    const mine = `${id} is ${room.state} ${room.agentId ?? ''} here`;
    if (room.state === 'reserved') broken.push(`${mine}: still reserved`);
    if (!real || room.state === 'parked') continue;
    // What waits for an agent is asked about when there is one.
    if (real.resolved && room.state === 'assigned') broken.push(`${mine}, and resolved at Qiscus`);
    if (real.resolved) continue;
    if (real.agents.length === 0 && room.state !== 'waiting') broken.push(`${mine}, and nobody serves it at Qiscus`);
    if (witness.touched.has(id) || real.agents.length === 0) continue;
    if (room.state !== 'assigned' || real.agents[0] !== room.agentId)
      broken.push(`${mine}, and ${real.agents.join()} serves it at Qiscus`);
  }
  for (const [id, real] of truth) {
    if (!real.resolved && real.agents.length === 0 && !now.rooms.has(id)) broken.push(`${id} is not known here`);
  }
  for (const agent of now.agents.values()) {
    const real = sandbox.agents.list().find(({ id }) => id === agent.id);
    if (agent.online !== (real?.online ?? false)) broken.push(`${agent.id} is online here: ${agent.online}`);
    if (real && agent.load < real.count)
      broken.push(`${agent.id} has ${real.count} rooms, and ${agent.load} are counted`);
  }
  return broken;
}

/** While somebody is free for everybody, no customer is without an agent, unless the room is parked for a person to see. */
export async function brokenAtWork({ sandbox, books }: World): Promise<string[]> {
  const now = await readSnapshot(books);
  const waiting = now.line.map(({ room }) => `${room} waits`);
  const unserved = sandbox.state().rooms.filter(({ id, resolved, agents }) => {
    return !resolved && agents.length === 0 && now.rooms.get(id)?.state !== 'parked';
  });
  return [...waiting, ...unserved.map(({ id }) => `nobody serves ${id}, which is ${now.rooms.get(id)?.state} here`)];
}

/** When every chat is over: nobody holds anything, nothing waits, every webhook has its one record. */
export async function brokenAtTheEnd(world: World): Promise<string[]> {
  const { books, witness } = world;
  const now = await readSnapshot(books);
  const broken = [...now.rooms.values()].flatMap(({ roomId, state }) =>
    state === 'resolved' ? [] : [`${roomId} is ${state}`],
  );
  for (const { id, load } of now.agents.values()) if (load !== 0) broken.push(`${id} still counts ${load}`);
  const answered = new Map<string, number>();
  for (const [, fields] of await books.client.xrange(books.keys.journal, '-', '+')) {
    const at = fields.indexOf('request');
    const request = at < 0 ? undefined : fields[at + 1];
    if (request) answered.set(request, (answered.get(request) ?? 0) + 1);
  }
  for (const request of witness.acknowledged.keys()) {
    if (answered.get(request) !== 1) broken.push(`webhook ${request} has ${answered.get(request) ?? 0} records`);
  }
  return broken;
}
