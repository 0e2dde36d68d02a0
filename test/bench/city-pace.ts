/**
 * Webhooks at a steady pace, whatever comes back, and the time from each to the call of `assign_agent` that it leads to:
 * from the moment before the webhook is sent to the moment in which the sandbox makes the assignment.
 */
import type { Sandbox } from '../../src/qiscus/sandbox';
import { until } from '../support/wait';

export interface Town {
  sandbox: Sandbox;
  newRoom: () => string;
  isServed: (room: string) => boolean;
}

interface Pace {
  calls: number;
  webhooksPerSecond: number;
  slotsEach: number;
}

/** A chat of `chats` goes on for so long. */
const CHAT_MS = 100;
const WITHIN_MS = 30_000;

/** Calls `step` for 0, 1, 2 … at its time; a turn of the event loop that comes late is made up for. */
async function atPace(steps: number, everyMs: number, step: (nth: number) => void): Promise<void> {
  const begunMs = performance.now();
  for (let nth = 0; nth < steps; nth++) {
    const waitMs = begunMs + nth * everyMs - performance.now();
    if (waitMs > 0) await Bun.sleep(waitMs);
    step(nth);
  }
}

/** Ends every chat, those too that begin because another ended. */
const endAll = ({ sandbox }: Town, rooms: string[]) =>
  until(
    async () => {
      const held = sandbox.agents.list().flatMap((agent) => agent.rooms);
      await Promise.all(held.map((room) => sandbox.rooms.resolve(room)));
      return rooms.every((room) => sandbox.rooms.read(room).resolved);
    },
    { what: 'every chat is over', withinMs: WITHIN_MS },
  );

/** Slots are free: half of the webhooks begin a chat, the others end one that began CHAT_MS before. ms, one for each chat. */
export async function chatsAtPace(town: Town, pace: Pace): Promise<number[]> {
  const { sandbox, newRoom, isServed } = town;
  const begun: { room: string; atMs: number }[] = [];
  let ended = 0;
  await atPace(pace.calls, 2_000 / pace.webhooksPerSecond, () => {
    const room = newRoom();
    begun.push({ room, atMs: Date.now() });
    void sandbox.rooms.create({ roomId: room });
    const oldest = begun[ended];
    if (!oldest || Date.now() - oldest.atMs < CHAT_MS || !isServed(oldest.room)) return;
    ended += 1;
    void sandbox.rooms.resolve(oldest.room);
  });
  await until(() => begun.every(({ room }) => isServed(room)), {
    what: 'every chat has an agent',
    withinMs: WITHIN_MS,
  });
  const assigned = new Map(sandbox.state().assigns.map(({ roomId, atMs }) => [roomId, atMs]));
  await endAll(
    town,
    begun.map(({ room }) => room),
  );
  return begun.map(({ room, atMs }) => (assigned.get(room) ?? Number.NaN) - atMs);
}

/** No slot is free and rooms are in line: every webhook ends a chat. ms, one for each. */
export async function endsAtPace(town: Town, pace: Pace): Promise<number[]> {
  const { sandbox, newRoom, isServed } = town;
  const agents = sandbox.agents.list().map(({ id }) => id);
  const held = Array.from({ length: agents.length * pace.slotsEach }, newRoom);
  for (const roomId of held) await sandbox.rooms.create({ roomId });
  await until(() => held.every(isServed), { what: 'every slot is taken', withinMs: WITHIN_MS });
  const line = Array.from({ length: pace.calls }, newRoom);
  for (const roomId of line) await sandbox.rooms.create({ roomId });

  const freed: { agent: string; atMs: number }[] = [];
  await atPace(pace.calls, 1_000 / pace.webhooksPerSecond, (nth) => {
    // On a machine that cannot keep pace an agent may still be without a chat: another one ends his.
    for (let skipped = 0; skipped < agents.length; skipped++) {
      const agent = agents[(nth + skipped) % agents.length] ?? '';
      const room = sandbox.agents.read(agent).rooms[0];
      if (room === undefined) continue;
      freed.push({ agent, atMs: Date.now() });
      void sandbox.rooms.resolve(room);
      return;
    }
  });
  const served = () => line.filter(isServed).length;
  await until(() => served() === freed.length, { what: 'each end brought a room of the line', withinMs: WITHIN_MS });
  const { assigns } = sandbox.state();
  const found = freed.map(({ agent, atMs }) => {
    const next = assigns.find((assign) => assign.agentId === agent && assign.atMs > atMs);
    return (next?.atMs ?? Number.NaN) - atMs;
  });
  await endAll(town, [...held, ...line]);
  return found;
}
