/**
 * One state of the whole model: the ledger's (by number) and everything around it, with a key that is equal for worlds that
 * differ only in the names of their rooms.
 *
 * Workers have no memory between their calls: an entry is taken, applied and deleted in one script, so any number of workers
 * is one kind of step. A dispatcher's memory is the calls that it has in hand. A call is modelled as a dispatcher of its own:
 * a process with two calls that dies is two that die, and what only one of them can do is allowed to both.
 */
import type { Action, answerOf } from '../../../src/dispatch/policy';
import type { Held } from './ledger';
import type { QiscusRoom } from './qiscus';

/** What a run explores. Every number is a bound on the environment; the service has none but the calls in hand. */
export interface Bounds {
  rooms: number;
  agents: number;
  /** Slots of each agent. */
  limit: number;
  /** Sessions of each room. */
  episodes: number;
  /** Calls in hand at once. */
  dispatchers: number;
  /** Webhooks that come twice, or again because the customer writes again. */
  duplicates: number;
  /** Webhooks that never come. */
  lost: number;
  /** Calls that go wrong; `kinds` says how. */
  faults: number;
  kinds: FaultKind[];
  /** Dispatchers that die with a call in hand. */
  crashes: number;
  /** Intents taken over although their holder lives. */
  takeovers: number;
  /** Rooms that a person takes in the dashboard. */
  hands: number;
  /** Pauses and their ends, by an operator. */
  pauses: number;
  /** The outbox loses its consumer group, and whoever notices creates it anew: what was taken is handed out again. */
  regroups: number;
  /** Entries lie in the inbox for a while, and are taken one or several at a time. */
  inbox: boolean;
  /** The unserved sweep and the comparison with the served list. */
  reconcile: boolean;
  /** Repeats of an assignment at Qiscus. */
  again: 'yes' | 'exceed';
}

export const FAULT_KINDS = [
  'silent', // applied, no answer
  'dropped', // not applied, no answer
  'late', // no answer, and it arrives at any time later
  'unsent', // no connection
  'refused', // a definite no that names no reason
  'slowed', // 429
  'denied', // 401
  'unheard', // our report is applied, and its reply lost: reported again
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export type Told = { as: 'assign'; action: Action } | ({ as: 'question' } & ReturnType<typeof answerOf>);

/** A call in hand. */
export interface Call extends Held {
  kind: 'assign' | 'question';
  room: number;
  agent: string;
  refusals: number;
  unknowns: number;
  unsure: boolean;
  /** asking and reading: the room is being read; calling: the request is under way; telling: the report is due. */
  phase: 'asking' | 'calling' | 'reading' | 'telling';
  told: Told | null;
}

/** A request to Qiscus, and the rank of the token of the reservation that it was made for. */
export interface Request {
  room: number;
  agent: string;
  token: number;
}

export interface Webhook {
  kind: 'allocation' | 'resolved';
  room: number;
  service: number;
}

/** One thing that the sweep found out and will act on. */
export interface Finding {
  verb: 'adopt' | 'question' | 'repair';
  room: number;
  token: number;
}

export interface World {
  books: number;
  rooms: QiscusRoom[];
  air: Webhook[];
  calls: Call[];
  /** Requests that nobody waits for any more. */
  wire: Request[];
  /** Rooms that the sweep before showed unserved. */
  unserved: boolean[];
  findings: Finding[];
  /** What is left of each budget, in the order of BUDGETS. */
  left: number[];
}

export const BUDGETS = ['duplicates', 'lost', 'faults', 'crashes', 'takeovers', 'hands', 'pauses', 'regroups'] as const;
export type Budget = (typeof BUDGETS)[number];

export function firstWorld(books: number, bounds: Bounds): World {
  return {
    books,
    rooms: Array.from({ length: bounds.rooms }, () => ({ open: false, finished: 0, agents: '', stray: false })),
    air: [],
    calls: [],
    wire: [],
    unserved: Array.from({ length: bounds.rooms }, () => false),
    findings: [],
    left: BUDGETS.map((name) => bounds[name]),
  };
}

/** All renamings of `n` rooms, the identity first. */
export function ordersOf(n: number): number[][] {
  if (n === 0) return [[]];
  return ordersOf(n - 1)
    .flatMap((order) => Array.from({ length: n }, (_, at) => [...order.slice(0, at), n - 1, ...order.slice(at)]))
    .sort((a, b) => (a.join() < b.join() ? -1 : 1));
}

const toldTexts = new Map<Told, number>();
const toldByText = new Map<string, Told>();

/** One object for equal contents, so that its number can stand in keys. */
export function intern(told: Told): Told {
  const text = JSON.stringify(told);
  const known = toldByText.get(text);
  if (known) return known;
  toldByText.set(text, told);
  toldTexts.set(told, toldByText.size);
  return told;
}

/** The key of a world under one renaming. @param at where each room goes, @param books number of the ledger's renamed text */
function keyUnder(world: World, order: readonly number[], at: readonly number[], books: number): string {
  let key = `${books}|`;
  for (const i of order) {
    const room = world.rooms[i] as QiscusRoom;
    key += `${room.open ? 'o' : 'c'}${room.finished}${room.agents}${room.stray ? 's' : ''}${world.unserved[i] ? 'u' : ''}`;
  }
  key += `|${world.left.join('')}|`;
  if (world.air.length > 0) key += sorted(world.air.map((hook) => `${hook.kind[0]}${at[hook.room]}${hook.service}`));
  key += '|';
  if (world.calls.length > 0) key += sorted(world.calls.map((call) => callKey(call, at)));
  key += '|';
  if (world.wire.length > 0) key += sorted(world.wire.map(({ room, agent, token }) => `${at[room]}${agent}${token}`));
  if (world.findings.length > 0) {
    key += `|${sorted(world.findings.map(({ verb, room, token }) => `${verb[0]}${at[room]}.${token}`))}`;
  }
  return key;
}

function callKey(call: Call, at: readonly number[]): string {
  const told = call.told ? toldTexts.get(call.told) : '';
  const sure = call.unsure ? 'u' : '';
  return (
    `${call.kind[0]}${at[call.room]}${call.agent}${call.phase[0]}${told}.${call.entry}.${call.token}` +
    `.${call.refusals}.${call.unknowns}${sure}`
  );
}

function sorted(parts: string[]): string {
  return parts.length === 1 ? (parts[0] ?? '') : parts.sort().join();
}

/** Writes keys of worlds. */
export class Keys {
  readonly #orders: { order: readonly number[]; at: number[] }[];

  constructor(orders: readonly (readonly number[])[]) {
    this.#orders = orders.map((order) => ({ order, at: order.map((_, room) => order.indexOf(room)) }));
  }

  /** The least of the keys under all renamings. @param renamed the ledger's numbers under each */
  of(world: World, renamed: readonly number[]): string {
    let least = '';
    for (let i = 0; i < this.#orders.length; i++) {
      const { order, at } = this.#orders[i] as { order: readonly number[]; at: number[] };
      const key = keyUnder(world, order, at, renamed[i] ?? 0);
      if (least === '' || key < least) least = key;
    }
    return least;
  }
}
