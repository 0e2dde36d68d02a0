/**
 * Replays the journal: a pure fold over its records, and a judge of every decision in it.
 *
 * 1. Begins with nothing, at the journal's first record or at a `snapshot.begun`: from its `snapshot.ended` on it is exact.
 * 2. Each record changes the state by what it says and nothing else; one that does not fit the state is a problem.
 * 3. Each `room.reserved` is judged (judge.ts) against the state before it; later snapshots are compared with the state.
 */
import type { JournalRecord } from '../../src/ledger/model';
import { type BookAgent, type BookRoom, NO_AGENT, NO_ROOM } from './books';
import { differences, type Replayed } from './differences';
import { judge } from './judge';

const ROOM_COLUMNS =
  'state since mark base place channel agent token call confirmed due refusals unknowns takeovers asked asked_by'.split(
    ' ',
  );
const AGENT_COLUMNS = 'online paused limit outside last channels'.split(' ');
const FREE = { agent: '', token: 0, call: '', confirmed: 0, due: 0 };
const CLOSES = ['room.released', 'room.closed', 'room.expired', 'room.repaired', 'room.superseded'];
/** They change nothing that a decision depends on. */
const NO_CHANGE = (
  'entry.stale call.fenced entry.buried entry.replayed entry.deleted webhook.registered webhook.checked qiscus.paused ' +
  'qiscus.recovered room.erased alert.raised alert.repeated alert.cleared room.compared'
).split(' ');

export class Replay implements Replayed {
  limit = 0;
  readonly rooms = new Map<string, BookRoom>();
  readonly agents = new Map<string, BookAgent>();
  /** Rooms in line, and who holds what: follow from `rooms`. */
  readonly inLine = new Map<string, BookRoom>();
  readonly holds = new Map<string, Set<string>>();
  readonly problems: string[] = [];
  /** Decisions judged. */
  judged = 0;
  /** False until the snapshot that it began with has ended: what it does not know yet comes in a later part. */
  exact: boolean;
  /** Id of the snapshot that it begins with; null: with the journal's first record. */
  readonly #from: string | null;
  readonly #answered = new Set<string>();
  /** By the record before: a room that was taken from its agent. */
  #taken: { room: string; agent: string } | null = null;
  #token = 0;
  #at = '';

  constructor(from: string | null) {
    this.#from = from;
    this.exact = from === null;
  }

  apply(record: JournalRecord): void {
    const { event, fields: f } = record;
    this.#at = `${record.id} ${event}`;
    if (f.entry) {
      if (this.#answered.has(f.entry)) this.#problem(`a second record of entry ${f.entry}`);
      this.#answered.add(f.entry);
    }
    if (event.startsWith('snapshot.')) this.#snapshot(record);
    else if (event.startsWith('agent.')) this.#agent(event, f);
    else if (event === 'rooms.forgotten') for (const id of (f.rooms ?? '').split(' ')) this.#forget(id);
    else if (event === 'limit.changed') {
      this.#expect('limit', this.limit, f.from);
      this.limit = Number(f.to);
    } else if (!NO_CHANGE.includes(event)) this.#room(record, f.room ?? '');
    const { room = '', agent = '', was } = f;
    this.#taken = event === 'room.requeued' && was === 'assigned' ? { room, agent } : null;
  }

  #problem(words: string): void {
    this.problems.push(`7 ${this.#at}: ${words}`);
  }

  #expect(what: string, ours: unknown, told: unknown): void {
    if (this.exact && String(ours) !== String(told)) this.#problem(`${what} ${ours}, the record says ${told}`);
  }

  #put(id: string, room: BookRoom): void {
    const before = this.rooms.get(id);
    if (before?.agent) this.holds.get(before.agent)?.delete(id);
    this.rooms.set(id, room);
    if (room.state === 'waiting' && room.due === 0) this.inLine.set(id, room);
    else this.inLine.delete(id);
    if (room.agent) this.holds.set(room.agent, (this.holds.get(room.agent) ?? new Set()).add(id));
  }

  #forget(id: string): void {
    if (this.exact && this.rooms.get(id)?.state !== 'resolved') this.#problem(`forgets ${id}, which is not resolved`);
    this.rooms.delete(id);
  }

  /** A newly given fencing token. */
  #newer(token: string | undefined): number {
    if (Number(token) <= this.#token) this.#problem(`token ${token} after ${this.#token}`);
    this.#token = Number(token);
    return this.#token;
  }

  #room({ event, atMs: at, fields: f }: JournalRecord, id: string): void {
    const service = f.service === undefined ? -1 : Number(f.service);
    const old = this.rooms.get(id);
    const opens = event === 'room.waiting' || event === 'room.adopted' || (event === 'room.reserved' && f.entry);
    if (opens && f.session !== 'revived') {
      const mark = Math.max(old?.mark ?? 0, service, 0);
      const asked = { place: f.place ?? '', channel: f.channel ?? '' };
      if (old && old.state !== 'resolved') this.#problem(`opens ${id}, which is ${old.state}`);
      this.#put(id, { ...NO_ROOM, state: 'waiting', since: at, base: service, mark, ...asked });
    } else if (opens && old) {
      this.#expect('state', old.state, 'parked');
      this.#put(id, { ...old, ...heard(old, f), state: 'waiting', since: at, refusals: 0, unknowns: 0, takeovers: 0 });
    }
    if (event === 'room.waiting' || event === 'room.adopted') return;
    if (event === 'entry.unheld') {
      if (old || service >= 0) {
        const mark = Math.max(old?.mark ?? 0, service);
        this.#put(id, { ...(old ?? NO_ROOM), state: 'resolved', since: at, mark });
      }
      return;
    }
    // Also of a room that comes in a later part.
    const confirmed = event === 'room.assigned' && this.agents.get(f.agent ?? '');
    if (confirmed) confirmed.last = at;
    const room = this.rooms.get(id);
    if (!room) {
      if (this.exact) this.#problem(`is about ${id}, which is unknown`);
      return;
    }
    const change = this.#changeOf(event, room, f, at);
    if (change === null) {
      this.#problem('is not known to the replay');
      return;
    }
    if (event === 'room.reserved' && this.exact) {
      this.judged += 1;
      const takenFrom = this.#taken?.room === id ? this.#taken.agent : null;
      for (const fault of judge(this, id, f, takenFrom)) this.problems.push(`5 ${this.#at}: ${fault}`);
    }
    if (CLOSES.includes(event)) {
      this.#expect('was', room.state, f.was ?? room.state);
      this.#put(id, { ...NO_ROOM, state: 'resolved', since: at, mark: Math.max(room.mark, service) });
    } else {
      this.#put(id, { ...room, ...change });
    }
    if (event === 'room.assigned') {
      this.#expect('state', room.state, 'reserved');
      this.#expect('agent', room.agent, f.agent);
    }
  }

  /** What a record about a known room changes of it; null: no such event. */
  #changeOf(event: string, room: BookRoom, f: Record<string, string>, at: number): Partial<BookRoom> | null {
    const forgotten = { refusals: 0, unknowns: 0, takeovers: 0 };
    const refusals = Number(f.refusals ?? room.refusals);
    const unknowns = Number(f.unknowns ?? room.unknowns);
    const due = Number(f.due ?? 0);
    switch (event) {
      case 'room.reserved': {
        const held = { agent: f.agent ?? '', token: this.#newer(f.token), call: 'queued', confirmed: 0, due: 0 };
        return { state: 'reserved', since: at, ...held, unknowns: 0, takeovers: 0 };
      }
      case 'room.assigned':
        return { state: 'assigned', since: at, call: '', confirmed: at, due: 0, takeovers: 0, asked_by: '' };
      case 'room.parked': {
        const takeovers = room.takeovers + (f.reason === 'left_behind' ? 1 : 0);
        return { ...FREE, state: 'parked', since: at, refusals, unknowns, takeovers };
      }
      case 'room.refused':
        return { ...FREE, state: 'waiting', since: at, refusals, due };
      case 'room.returned':
        return {
          ...FREE,
          state: 'waiting',
          since: at,
          ...(f.reason === 'agent_gone' && { takeovers: 0, asked_by: '' }),
        };
      case 'room.requeued':
        return { ...FREE, ...forgotten, state: 'waiting', since: at };
      case 'room.due':
        return { since: at, due: 0 };
      case 'room.answered':
        return f.qiscus === 'none' ? { asked: 0 } : { takeovers: 0, asked_by: '' };
      case 'room.questioned':
        return { asked: at, token: this.#newer(f.token) };
      case 'call.due':
        return { token: this.#newer(f.token), due: 0 };
      case 'call.sent':
        return { call: room.call === 'queued' ? 'sent' : 'unknown' };
      case 'call.deferred':
        return { call: f.call ?? '', due, unknowns };
      case 'call.reclaimed': {
        // The last time that a question was left behind it is not asked again.
        if (Number(f.token) === room.token) return { takeovers: 0, asked: 0 };
        const again = { token: this.#newer(f.token), takeovers: room.takeovers + 1 };
        return room.state === 'reserved' ? { ...again, call: f.call ?? 'unknown' } : { ...again, asked: at };
      }
      case 'entry.repeated': {
        const told = heard(room, f);
        if (Number(f.token) === room.token) return told;
        const token = this.#newer(f.token);
        // Its call is made again, or it is asked about.
        if (room.state === 'reserved') return { ...told, token, call: 'unknown' };
        return { ...told, token, asked: at, asked_by: room.asked_by || (f.entry ?? '') };
      }
      default:
        return CLOSES.includes(event) ? {} : null;
    }
  }

  #agent(event: string, f: Record<string, string>): void {
    const id = f.agent ?? '';
    if (event === 'agent.joined') {
      this.agents.set(id, { ...NO_AGENT, channels: f.channels ?? '' });
      return;
    }
    const agent = this.agents.get(id);
    if (!agent) {
      if (this.exact) this.#problem(`is about ${id}, who is unknown`);
      return;
    }
    if (event === 'agent.left') this.agents.delete(id);
    else if (event === 'agent.channels') agent.channels = f.channels ?? '';
    else if (event === 'agent.online' || event === 'agent.offline') agent.online = event === 'agent.online' ? 1 : 0;
    else if (event === 'agent.paused' || event === 'agent.unpaused') agent.paused = event === 'agent.paused' ? 1 : 0;
    else if (event === 'agent.limited') {
      this.#expect('limit', agent.limit, f.from);
      agent.limit = Number(f.to);
    } else if (event === 'agent.outside') {
      this.#expect('outside', agent.outside, f.from);
      agent.outside = Number(f.to);
    } else this.#problem('is not known to the replay');
  }

  #snapshot({ event, id, fields: f }: JournalRecord): void {
    const own = (event === 'snapshot.begun' ? id : f.snapshot) === this.#from;
    if (event === 'snapshot.begun') {
      if (own) this.limit = Number(f.limit);
      else this.#expect('limit', this.limit, f.limit);
    }
    if (event === 'snapshot.ended' && own) this.exact = true;
    if (!own && !this.exact) return;
    for (const line of linesOf(f.rooms)) {
      const [roomId, room] = parsed(line, ROOM_COLUMNS, NO_ROOM);
      if (own) this.#put(roomId, room);
      else for (const fault of differences(roomId, this.rooms.get(roomId), room)) this.#problem(fault);
    }
    for (const line of linesOf(f.agents)) {
      const [agentId, agent] = parsed(line, AGENT_COLUMNS, NO_AGENT);
      if (own) this.agents.set(agentId, agent);
      else for (const fault of differences(agentId, this.agents.get(agentId), agent)) this.#problem(fault);
    }
  }
}

/** Which service was over when the session began, where only this record tells it. */
function heard(room: BookRoom, { service }: Record<string, string>): Partial<BookRoom> {
  const isNew = room.base < 0 && service !== undefined;
  return isNew ? { base: Number(service), mark: Math.max(room.mark, Number(service)) } : {};
}

/** None when all of a part was unreadable. */
const linesOf = (text = '') => text.split('\n').filter(Boolean);

function parsed<T extends object>(line: string, columns: string[], blank: T): [id: string, value: T] {
  const [id = '', ...cells] = line.split(' ');
  const isText = (name: string) => typeof Object.entries(blank).find(([key]) => key === name)?.[1] === 'string';
  const given = cells.flatMap((cell, i): [string, string | number][] => {
    const name = columns[i] ?? '';
    return cell === '' ? [] : [[name, isText(name) ? cell : Number(cell)]];
  });
  return [id, { ...blank, ...Object.fromEntries(given) }];
}

/** Where a replay may begin: at a snapshot (its id) of which nothing is missing; null: at the first record. */
export function beginnings(records: JournalRecord[], whole: boolean): (string | null)[] {
  const begun = new Set(records.flatMap(({ event, id }) => (event === 'snapshot.begun' ? [id] : [])));
  const ended = records.flatMap(({ event, fields }) => (event === 'snapshot.ended' ? [fields.snapshot ?? ''] : []));
  const lacking = new Set(records.flatMap(({ fields }) => (fields.unreadable ? [fields.snapshot ?? ''] : [])));
  return [...(whole ? [null] : []), ...ended.filter((id) => begun.has(id) && !lacking.has(id))];
}

/** Replays from one of the `beginnings`. */
export function replay(records: JournalRecord[], from: string | null): Replay {
  const state = new Replay(from);
  const first = from === null ? 0 : records.findIndex(({ id }) => id === from);
  for (const record of records.slice(first)) state.apply(record);
  return state;
}
