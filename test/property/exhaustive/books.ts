/**
 * One state of the ledger, decoded, and its canonical text: what tells it from every other state that can behave differently.
 *
 * Left out of the text, because no script's decision depends on it: ids of streams, tokens and times themselves. In their
 * place stand their ranks (places, last confirmations, due times, tokens of one room) and what rules ask of times: past the
 * grace, asked a minute ago, due. The journal and its links, `since`, and the bucket (the rate is unlimited) are not in it.
 * Rooms are interchangeable: no rule looks at a room's id (places and due times are all different), so the text can be
 * written for any renaming of the rooms. Agents are not: the last tie-break is their id.
 */
import type { AgentView } from '../../../src/ledger/model';
import type { Snapshot } from '../../support/invariants';

interface RoomRecord {
  state: 'waiting' | 'reserved' | 'assigned' | 'parked' | 'resolved' | '';
  since: number;
  place: string;
  channel: string;
  base: number;
  mark: number;
  refusals: number;
  agent: string;
  token: number;
  call: string;
  unknowns: number;
  takeovers: number;
  confirmed: number;
  asked: number;
  asked_by: string;
}

interface AgentRecord {
  group: string;
  channels: string;
  limit: number;
  online: number;
  paused: number;
  reserved: number;
  assigned: number;
  outside: number;
  last: number;
}

export interface OutboxEntry {
  id: string;
  room: number;
  kind: 'assign' | 'question';
  token: number;
  /** A dispatcher took it. */
  pending: boolean;
}

/** The answer of read_books.lua. */
export interface RawBooks {
  rooms: Record<string, RoomRecord>;
  agents: Record<string, AgentRecord>;
  line: string[];
  heads: string[];
  held: string[];
  ready: string[];
  parked: string[];
  later: string[];
  outbox: [string, string[]][];
  pending: string[];
  inbox: [string, string[]][];
  limit: number;
  drain: number;
  breaker: (string | false)[];
}

/** A state of the ledger. Rooms are numbered from 0; their ids are their numbers and 1. */
export interface Books {
  raw: RawBooks;
  /** The clock that the scripts were given last, ms. */
  nowMs: number;
  rooms: (RoomRecord | null)[];
  entries: OutboxEntry[];
  /** Per room its fencing tokens that are anywhere in the books, ascending: a token is known by its rank. */
  tokens: number[][];
  /** Due times by room. */
  due: Map<string, number>;
}

const GRACE_MS = 10_000;
const ASK_EVERY_MS = 60_000;
/** A step of time after which everything timed is due, and every grace is over. */
export const LONG_MS = 100_000;

export const roomId = (room: number): string => String(room + 1);

function fieldsOf(flat: string[]): Record<string, string> {
  const fields: Record<string, string> = {};
  for (let i = 0; i + 1 < flat.length; i += 2) fields[flat[i] ?? ''] = flat[i + 1] ?? '';
  return fields;
}

/** Lua writes an empty list as an empty object. */
const list = <T>(value: T[]): T[] => (Array.isArray(value) ? value : []);

export function readBooks(json: string, roomCount: number, nowMs: number): Books {
  const raw: RawBooks = JSON.parse(json);
  for (const name of ['line', 'heads', 'held', 'ready', 'parked', 'later', 'pending'] as const)
    raw[name] = list(raw[name]);
  raw.outbox = list(raw.outbox);
  raw.inbox = list(raw.inbox);
  const rooms = Array.from({ length: roomCount }, (_, room) => raw.rooms[roomId(room)] ?? null);
  const pending = new Set(raw.pending);
  const entries = raw.outbox.map(([id, flat]): OutboxEntry => {
    const fields = fieldsOf(flat);
    const kind = fields.kind === 'question' ? 'question' : 'assign';
    return { id, room: Number(fields.room) - 1, kind, token: Number(fields.token), pending: pending.has(id) };
  });
  const tokens = rooms.map((record, room) => {
    const found = new Set(entries.filter((entry) => entry.room === room).map((entry) => entry.token));
    if (record && record.token !== 0) found.add(record.token);
    return [...found].sort((a, b) => a - b);
  });
  const due = new Map<string, number>();
  for (let i = 0; i + 1 < raw.later.length; i += 2) due.set(raw.later[i] ?? '', Number(raw.later[i + 1]));
  return { raw, nowMs, rooms, entries, tokens, due };
}

const ranks = <T>(values: T[], compare: (a: T, b: T) => number): Map<T, number> =>
  new Map([...new Set(values)].sort(compare).map((value, rank) => [value, rank + 1]));

const byPlace = (a: string, b: string): number => a.length - b.length || (a < b ? -1 : 1);

/** Is the time of grace after this room's confirmation over? */
export const isSettled = (books: Books, room: number): boolean =>
  books.nowMs - (books.rooms[room]?.confirmed ?? 0) >= GRACE_MS;

/** Would a step of time change anything? */
export function isTimed(books: Books): boolean {
  const { nowMs } = books;
  if (Number(books.raw.breaker[1] || 0) > nowMs) return true;
  if ([...books.due.values()].some((ms) => ms > nowMs)) return true;
  return books.rooms.some(
    (room) => room?.state === 'assigned' && (nowMs - room.confirmed < GRACE_MS || nowMs - room.asked < ASK_EVERY_MS),
  );
}

/** The canonical text with room `i` written in place `order.indexOf(i)`. */
export function textOf(books: Books, order: readonly number[]): string {
  const { raw, nowMs, rooms, tokens, due } = books;
  const places = ranks(
    [...rooms.flatMap((room) => (room ? [room.place, room.asked_by] : [])), ...raw.inbox.map(([id]) => id)].filter(
      Boolean,
    ),
    byPlace,
  );
  const dues = ranks([...due.values()], (a, b) => a - b);
  const lasts = ranks(
    Object.values(raw.agents)
      .map((agent) => agent.last)
      .filter((ms) => ms > 0),
    (a, b) => a - b,
  );
  const roomTexts = order.map((i) => {
    const room = rooms[i];
    if (!room) return '';
    const dueMs = due.get(roomId(i));
    return [
      room.state.slice(0, 4),
      room.base,
      room.mark,
      room.refusals,
      room.agent,
      room.call[0] ?? '',
      room.unknowns,
      room.takeovers,
      places.get(room.place) ?? '',
      places.get(room.asked_by) ?? '',
      (tokens[i] ?? []).indexOf(room.token),
      room.channel,
      room.state === 'assigned' ? Number(nowMs - room.confirmed >= GRACE_MS) : '',
      room.state === 'assigned' ? Number(nowMs - room.asked >= ASK_EVERY_MS) : '',
      dueMs === undefined ? '' : `${dues.get(dueMs)}${dueMs <= nowMs ? 'd' : ''}`,
    ].join(',');
  });
  const agents = Object.entries(raw.agents).map(
    ([id, agent]) =>
      `${id},${agent.online},${agent.paused},${agent.reserved},${agent.assigned},${lasts.get(agent.last) ?? ''}`,
  );
  const entries = books.entries.map(
    ({ room, kind, token, pending }) =>
      `${order.indexOf(room)}${kind[0]}${tokens[room]?.indexOf(token)}${pending ? 'p' : ''}`,
  );
  const inbox = raw.inbox.map(([, flat]) => {
    const { kind, room, service } = fieldsOf(flat);
    return `${kind?.[0]}${order.indexOf(Number(room) - 1)}.${service}`;
  });
  const [state, until, trips, failures] = raw.breaker;
  const breaker = `${state || ''},${Number(until || 0) > nowMs},${trips || 0},${failures || 0}`;
  return [roomTexts.join(';'), agents.sort().join(';'), entries.join(), inbox.join(), breaker, raw.drain].join('|');
}

/** The same state as the invariant checker of all suites reads it. */
export function snapshotOf(books: Books): Snapshot {
  const { raw } = books;
  const split = (members: string[]) => members.map((member) => member.split('\0'));
  const agents = Object.entries(raw.agents).map(
    ([id, agent]): AgentView => ({
      id,
      name: id,
      online: agent.online === 1,
      paused: agent.paused === 1,
      load: agent.reserved + agent.assigned + agent.outside,
      reserved: agent.reserved,
      assigned: agent.assigned,
      outside: agent.outside,
      outsideKnown: true,
      limit: agent.limit >= 0 ? agent.limit : raw.limit,
      maxCustomers: agent.limit >= 0 ? agent.limit : null,
      channels: agent.channels === '*' ? null : agent.channels.split(',').filter(Boolean),
      lastAssignedMs: null,
    }),
  );
  return {
    rooms: new Map(
      Object.entries(raw.rooms).map(([id, room]) => [
        id,
        {
          roomId: id,
          state: room.state === '' ? 'resolved' : room.state,
          agentId: room.agent || null,
          token: room.token,
          channelId: room.channel || null,
          source: null,
          customerName: null,
          place: room.place,
          position: null,
          sinceMs: room.since,
          dueMs: null,
          call: null,
          attempts: 0,
        },
      ]),
    ),
    agents: new Map(agents.map((agent) => [agent.id, agent])),
    line: split(raw.line).map(([channel = '', place = '', room = '']) => ({ channel, place, room })),
    heads: raw.heads,
    held: split(raw.held).map(([agent = '', room = '']) => ({ agent, room })),
    later: [...books.due.keys()],
    parked: raw.parked,
    ready: raw.ready,
  };
}
