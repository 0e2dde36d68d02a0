/**
 * A process with a Qiscus sandbox and the people in it: customers who write, agents who finish chats.
 *
 * 1. `rush`: always twice as many open rooms as there are slots; every chat ends a moment after it was assigned.
 * 2. `pace`: all slots taken and rooms in line; at a steady pace one chat ends, and the next call for that agent is timed
 *    from the moment before the resolve webhook goes out to the moment in which the sandbox makes the assignment.
 * 3. Told what to do by IPC, one thing at a time; ends when its parent goes.
 */
import { startTestSandbox, WEBHOOK_TOKEN } from '../support/service';
import { until } from '../support/wait';
import { quantile } from './measure';

export type CityOrder =
  | { do: 'open'; agents: number; deliverTo: string }
  | { do: 'rush'; rooms: number; slots: number }
  /** `byHand`: the first rooms are assigned by an admin's hand, for a service that cannot choose agents. */
  | { do: 'pace'; ends: number; everyMs: number; slotsEach: number; byHand: boolean };

export interface CityReport {
  /** Rooms that got an agent, and how many calls that took: assign_agent, and reads of single rooms. */
  assigned: number;
  calls: number;
  violations: number;
  tookMs: number;
  p50Ms: number;
  p99Ms: number;
}

const CHAT_MS = 20;

// The sandbox notes assignments by this clock: whole milliseconds are too coarse here.
Date.now = () => performance.timeOrigin + performance.now();

const sandbox = await startTestSandbox({ omitCounts: true });
let rooms = 0;

function newRoom(): string {
  rooms += 1;
  return String(300_000_000 + rooms);
}

/** An agent has the room, or is done with it. */
function isServed(room: string): boolean {
  const { agents, resolved } = sandbox.rooms.read(room);
  return resolved || agents.length > 0;
}

function open(agents: number, deliverTo: string): void {
  for (const { id } of sandbox.agents.list()) sandbox.agents.remove(id);
  for (let n = 1; n <= agents; n++) sandbox.agents.create({ id: `agent-${n}`, channelIds: null });
  sandbox.setDelivery({ baseUrl: deliverTo, webhookToken: WEBHOOK_TOKEN });
}

async function rush(count: number, slots: number): Promise<void> {
  const chats = new Map<string, number>();
  for (let begun = 0, ended = 0; ended < count; await Bun.sleep(2)) {
    for (; begun < count && chats.size < 2 * slots; begun++) {
      const roomId = newRoom();
      chats.set(roomId, Number.POSITIVE_INFINITY);
      void sandbox.rooms.create({ roomId, copies: 2 });
    }
    const nowMs = performance.now();
    for (const [room, endMs] of chats) {
      if (endMs === Number.POSITIVE_INFINITY) {
        if (isServed(room)) chats.set(room, nowMs + CHAT_MS);
      } else if (nowMs >= endMs) {
        chats.delete(room);
        ended += 1;
        void sandbox.rooms.resolve(room);
      }
    }
  }
}

/** Times from a slot freed to the next call for its agent, ms. */
async function pace(order: Extract<CityOrder, { do: 'pace' }>): Promise<number[]> {
  const agents = sandbox.agents.list().map(({ id }) => id);
  const held = Array.from({ length: agents.length * order.slotsEach }, newRoom);
  for (const [i, roomId] of held.entries()) {
    await sandbox.rooms.create({ roomId, copies: order.byHand ? 0 : 1 });
    if (order.byHand) sandbox.rooms.assign(roomId, agents[i % agents.length] ?? '');
  }
  await until(() => held.every(isServed), { what: 'every slot is taken', withinMs: 30_000 });
  const line = Array.from({ length: order.ends }, newRoom);
  for (const roomId of line) await sandbox.rooms.create({ roomId });

  const freed: { agent: string; atMs: number }[] = [];
  const begunMs = performance.now();
  for (let i = 0; i < order.ends; i++) {
    await Bun.sleep(begunMs + i * order.everyMs - performance.now());
    const agent = agents[i % agents.length] ?? '';
    const room = sandbox.agents.read(agent).rooms[0];
    if (room === undefined) throw new Error(`${agent} had no chat to end: the pace is too fast`);
    freed.push({ agent, atMs: Date.now() });
    void sandbox.rooms.resolve(room);
  }
  await until(() => line.every(isServed), { what: 'every room of the line is served', withinMs: 30_000 });
  const { assigns } = sandbox.state();
  const found = freed.map(({ agent, atMs }) => {
    const next = assigns.find((assign) => assign.agentId === agent && assign.atMs > atMs);
    return (next?.atMs ?? Number.NaN) - atMs;
  });
  await Promise.all(agents.flatMap((id) => sandbox.agents.read(id).rooms.map((room) => sandbox.rooms.resolve(room))));
  return found;
}

async function run(order: CityOrder): Promise<CityReport> {
  const before = sandbox.state();
  const startMs = performance.now();
  let timesMs = [0];
  if (order.do === 'open') open(order.agents, order.deliverTo);
  else if (order.do === 'rush') await rush(order.rooms, order.slots);
  else timesMs = await pace(order);
  const tookMs = performance.now() - startMs;
  const after = sandbox.state();
  const calls = ({ calls: { assign_agent = 0, customer_room = 0 } }: typeof before) => assign_agent + customer_room;
  return {
    assigned: after.assigns.length - before.assigns.length,
    calls: calls(after) - calls(before),
    violations: after.violations.length - before.violations.length,
    tookMs,
    p50Ms: quantile(timesMs, 0.5),
    p99Ms: quantile(timesMs, 0.99),
  };
}

process.on('disconnect', () => process.exit(0));
process.on('message', async (order: CityOrder) => process.send?.(await run(order)));
process.send?.(sandbox.url);
