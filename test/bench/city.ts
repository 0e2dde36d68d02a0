/**
 * A process with a Qiscus sandbox and the people in it: customers who write, agents who finish chats.
 *
 * 1. `rush`: always twice as many open rooms as there are slots; every chat ends a moment after it was assigned.
 * 2. `flow`: the whole path at full speed, with a free slot for every room (city-flow.ts).
 * 3. `pace`: so many webhooks a second, and the time from each to the call that it leads to (city-pace.ts).
 * 4. `burst`: chats that begin in the same moment, and how many agents end above the limit.
 * 5. Told what to do by IPC, one thing at a time; ends when its parent goes.
 */
import { startTestSandbox, WEBHOOK_TOKEN } from '../support/service';
import { until } from '../support/wait';
import { flow } from './city-flow';
import { chatsAtPace, endsAtPace } from './city-pace';
import { quantile } from './measure';

export type CityOrder =
  /** `limit`: an agent who gets more rooms is a violation. */
  | { do: 'open'; agents: number; limit: number; deliverTo: string }
  | { do: 'rush'; rooms: number; slots: number }
  | { do: 'flow'; rooms: number; open: number; port: number }
  /** `chats`: half of the webhooks begin a chat, half end one, slots are free; `ends`: none is, all end one. */
  | { do: 'pace'; kind: 'chats' | 'ends'; calls: number; webhooksPerSecond: number; slotsEach: number }
  | { do: 'burst'; chats: number };

export interface CityReport {
  /** Rooms that got an agent, and how many calls that took: assign_agent, and reads of single rooms. */
  assigned: number;
  calls: number;
  /** Webhooks that `flow` had to send again. */
  refused: number;
  /** Rooms with two agents, and agents above their limit. */
  violations: number;
  /** Agents with more rooms than the limit when it ended. */
  overLimit: number;
  tookMs: number;
  p50Ms: number;
  p99Ms: number;
}

const CHAT_MS = 20;
const QUIET_MS = 1_000;

// The sandbox notes assignments by this clock: whole milliseconds are too coarse here.
Date.now = () => performance.timeOrigin + performance.now();

const sandbox = await startTestSandbox();
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

function open({ agents, limit, deliverTo }: Extract<CityOrder, { do: 'open' }>): void {
  for (const { id } of sandbox.agents.list()) sandbox.agents.remove(id);
  for (let n = 1; n <= agents; n++) sandbox.agents.create({ id: `agent-${n}`, channelIds: null });
  sandbox.configure({ cap: limit });
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

/** All at once; resolves when every webhook has its answer, the slots are taken, and no call has come for a while. */
async function burst(chats: number): Promise<void> {
  const begun = Array.from({ length: chats }, newRoom);
  await Promise.all(begun.map((roomId) => sandbox.rooms.create({ roomId })));
  const served = () => begun.filter(isServed).length;
  const slots = sandbox.agents.list().length * (sandbox.configure({}).cap ?? 0);
  await until(() => served() >= Math.min(chats, slots), { what: 'every slot is taken' });
  // Whoever answers before the call may still make one too many.
  for (let before = -1; before !== served(); await Bun.sleep(QUIET_MS)) before = served();
}

let refused = 0;

/** Returns times in ms, if it is times that the order is about. */
async function follow(order: CityOrder): Promise<number[]> {
  refused = 0;
  if (order.do === 'open') open(order);
  else if (order.do === 'rush') await rush(order.rooms, order.slots);
  else if (order.do === 'flow') refused = await flow(sandbox, order, newRoom);
  else if (order.do === 'burst') await burst(order.chats);
  else return (order.kind === 'chats' ? chatsAtPace : endsAtPace)({ sandbox, newRoom, isServed }, order);
  return [0];
}

async function run(order: CityOrder): Promise<CityReport> {
  const before = sandbox.state();
  const startMs = performance.now();
  const timesMs = await follow(order).catch((cause) => {
    const { replies, failed } = sandbox.state().deliveries;
    throw new Error(`${order.do}: webhooks answered ${JSON.stringify(replies)}, ${failed} not`, { cause });
  });
  const tookMs = performance.now() - startMs;
  const after = sandbox.state();
  const calls = ({ calls: { assign_agent = 0, customer_room = 0 } }: typeof before) => assign_agent + customer_room;
  return {
    assigned: after.assigns.length - before.assigns.length,
    calls: calls(after) - calls(before),
    violations: after.violations.length - before.violations.length,
    overLimit: after.agents.filter(({ count }) => count > (after.config.cap ?? Infinity)).length,
    tookMs,
    refused,
    p50Ms: quantile(timesMs, 0.5),
    p99Ms: quantile(timesMs, 0.99),
  };
}

process.on('disconnect', () => process.exit(0));
process.on('message', async (order: CityOrder) => process.send?.(await run(order)));
process.send?.(sandbox.url);
