/**
 * What must hold: in every state of the ledger, after every step of it, in every world, and in worlds where all is quiet.
 * Each check answers with the broken promises in words; none: all is well.
 */
import { brokenInvariants } from '../../support/invariants';
import { type Books, isTimed, roomId, snapshotOf } from './books';
import { sweep } from './moves';
import type { Bounds, World } from './world';

/** The invariants of test/support, and: never above the limit, and a reserved room has one way on. */
export function brokenInBooks(books: Books): string[] {
  const broken = brokenInvariants(snapshotOf(books), []);
  for (const [id, agent] of Object.entries(books.raw.agents)) {
    const load = agent.reserved + agent.assigned;
    if (load > books.raw.limit) broken.push(`2 above the limit: ${id} holds ${load}`);
    if (agent.reserved < 0 || agent.assigned < 0) broken.push(`4 negative: ${id}`);
  }
  books.rooms.forEach((room, i) => {
    if (room?.state !== 'reserved') return;
    const live = books.entries.filter(
      (entry) => entry.room === i && entry.kind === 'assign' && entry.token === room.token,
    );
    const ways = live.length + (books.due.has(roomId(i)) ? 1 : 0);
    if (ways !== 1) broken.push(`1 room ${i + 1} is reserved with ${ways} intents or due times`);
  });
  return broken;
}

/** First come, first served: nobody is overtaken by a room behind it, and no room loses its place. */
export function brokenByStep(before: Books, after: Books): string[] {
  const broken: string[] = [];
  const inLine = new Set(after.raw.line.map((member) => member.split('\0')[2]));
  after.rooms.forEach((room, i) => {
    const old = before.rooms[i];
    if (!room) {
      if (old) broken.push(`1 lost: room ${i + 1}`);
      return;
    }
    const isSameSession = old && old.state !== 'resolved' && old.mark === room.mark;
    // A webhook that asked whether the old session is over opens the next one, at its own place.
    const isAnswered = old?.state === 'assigned' && old.asked_by === room.place;
    if (isSameSession && !isAnswered && room.state !== 'resolved' && old.place !== room.place) {
      broken.push(`5 room ${i + 1} lost its place`);
    }
    if (room.state !== 'reserved' || old?.state === 'reserved') return;
    const overtaken = after.rooms.findIndex(
      (other, j) => other?.state === 'waiting' && inLine.has(roomId(j)) && other.place < room.place,
    );
    if (overtaken >= 0) broken.push(`5 room ${i + 1} overtakes room ${overtaken + 1}`);
  });
  return broken;
}

/** At Qiscus: one agent in a room; nobody above the limit by our doing. And when all is quiet: both views are one. */
export function brokenInWorld(world: World, books: Books, bounds: Bounds, agents: string[]): string[] {
  const broken: string[] = [];
  for (let i = 0; i < world.rooms.length; i++) {
    const there = world.rooms[i]?.agents ?? '';
    if (there.length > 1) broken.push(`2 room ${i + 1} has two agents at Qiscus: ${there}`);
  }
  for (const agent of agents) {
    const held = world.rooms.filter((room) => !room.stray && room.agents.includes(agent)).length;
    if (held > bounds.limit) broken.push(`2 ${agent} holds ${held} rooms at Qiscus by our doing`);
  }
  if (isQuiet(world, books, bounds)) broken.push(...disagreements(world, books));
  return broken;
}

/** Nothing is under way, and nothing would change by itself. */
export function isQuiet(world: World, books: Books, bounds: Bounds): boolean {
  if (world.air.length + world.calls.length + world.wire.length + world.findings.length > 0) return false;
  if (books.entries.length + books.raw.inbox.length + books.due.size > 0 || isTimed(books)) return false;
  if (!bounds.reconcile) return true;
  const next = sweep(world, books);
  return next.findings.length === 0 && next.unserved.join() === world.unserved.join();
}

function disagreements(world: World, books: Books): string[] {
  return world.rooms.flatMap((at, i) => {
    // Whom somebody else put there is not in our books.
    if (at.stray) return [];
    const record = books.rooms[i];
    const ours = record?.state ?? 'unknown';
    // Set aside where a person sees it, and the customer is with somebody or gone.
    if (ours === 'parked' && (!at.open || at.agents !== '')) return [];
    const isSame = !at.open
      ? ours === 'resolved' || ours === 'unknown'
      : at.agents === ''
        ? ours === 'waiting'
        : ours === 'assigned' && record?.agent === at.agents;
    if (isSame) return [];
    const theirs = !at.open ? 'over' : at.agents === '' ? 'with nobody' : `with ${at.agents}`;
    return [
      `${ours === 'unknown' || ours === 'resolved' ? '1 lost' : '8'}: room ${i + 1} is ${ours} here, ${theirs} at Qiscus, all quiet`,
    ];
  });
}
