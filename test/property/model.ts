/**
 * A small model of the service: the rules as a reader of the specification would write them, with plain lists and scans.
 * It knows nothing of Redis, groups, heads or scripts; the property test compares it with the ledger after every step.
 */
import type { Webhook } from '../../src/ledger/model';

export interface ModelRoom {
  state: 'waiting' | 'reserved' | 'assigned' | 'parked' | 'resolved';
  /** Order of arrival. */
  place: number;
  channel: string;
  base: number | null;
  mark: number;
  agent: string | null;
  call: 'queued' | 'sent' | 'unknown' | null;
  refusals: number;
  /** Out of the line (waiting) or without an intent (reserved) until then. */
  dueMs: number | null;
  confirmedMs: number;
  /** When Qiscus was last asked whether the room is still held, and the arrival that raised the question. */
  askedMs: number;
  askedBy: number;
}

export interface ModelAgent {
  online: boolean;
  misses: number;
  paused: boolean;
  own: number | null;
  channels: readonly string[] | null;
  lastMs: number;
}

const NEVER = { confirmedMs: 0, askedMs: 0, askedBy: 0 };

export class Model {
  rooms = new Map<string, ModelRoom>();
  agents = new Map<string, ModelAgent>();
  nowMs: number;
  #arrivals = 0;

  constructor(
    public limit: number,
    nowMs: number,
  ) {
    this.nowMs = nowMs;
  }

  load(agent: string): number {
    return [...this.rooms.values()].filter((room) => room.agent === agent).length;
  }

  #limitOf(id: string): number {
    return this.agents.get(id)?.own ?? this.limit;
  }

  /** While a room in line has an eligible agent with capacity, pair them: oldest room first, best agent. */
  match(): void {
    for (;;) {
      const line = [...this.rooms].filter(([, room]) => room.state === 'waiting' && room.dueMs === null);
      line.sort(([, a], [, b]) => a.place - b.place);
      const pair = line.flatMap(([, room]) => {
        const agent = this.#best(room.channel);
        return agent ? [{ room, agent }] : [];
      })[0];
      if (!pair) return;
      Object.assign(pair.room, { state: 'reserved', agent: pair.agent, call: 'queued' });
    }
  }

  #best(channel: string, but?: string): string | undefined {
    return [...this.agents]
      .filter(([id, agent]) => {
        const fits = channel === '' || agent.channels === null || agent.channels.includes(channel);
        return id !== but && agent.online && !agent.paused && fits && this.load(id) < this.#limitOf(id);
      })
      .sort(
        ([a, one], [b, two]) =>
          this.load(a) - this.load(b) || one.lastMs - two.lastMs || a.length - b.length || (a < b ? -1 : 1),
      )[0]?.[0];
  }

  apply(webhook: Webhook): void {
    this.#arrivals += 1;
    const room = this.rooms.get(webhook.roomId);
    const service = webhook.finishedService;
    if (webhook.kind === 'resolved') {
      this.#resolve(webhook.roomId, room, service);
      return;
    }
    if (room && service !== null && service < room.mark) return;
    const newer = room?.base != null && service !== null && service > room.base && room.state !== 'resolved';
    if (room && room.state !== 'resolved' && room.base === null && service !== null) {
      // A service that ended is heard of only now: what was called before that may be about the session before.
      const again = room.state === 'reserved' && room.call !== 'queued' && room.dueMs === null;
      Object.assign(room, { base: service, mark: Math.max(room.mark, service), ...(again && { call: 'unknown' }) });
    }
    if (room && !newer && room.state === 'parked') {
      Object.assign(room, { state: 'waiting', refusals: 0, dueMs: null });
    } else if (room && !newer && room.state !== 'resolved') {
      const settled = room.state === 'assigned' && this.nowMs - room.confirmedMs >= 10_000;
      if (settled && this.nowMs - room.askedMs >= 60_000) {
        Object.assign(room, { askedMs: this.nowMs, askedBy: room.askedBy || this.#arrivals });
      }
    } else {
      this.rooms.set(webhook.roomId, {
        state: 'waiting',
        place: this.#arrivals,
        channel: webhook.channelId ?? '',
        base: service,
        mark: Math.max(room?.mark ?? 0, service ?? 0),
        agent: null,
        call: null,
        refusals: 0,
        dueMs: null,
        ...NEVER,
      });
    }
    this.match();
  }

  #resolve(id: string, room: ModelRoom | undefined, service: number | null): void {
    if (room && service !== null && service <= room.mark) return;
    if (!room && service === null) return;
    this.rooms.set(id, this.#closed(Math.max(room?.mark ?? 0, service ?? 0)));
    this.match();
  }

  #closed(mark: number): ModelRoom {
    return {
      state: 'resolved',
      place: 0,
      channel: '',
      base: null,
      mark,
      agent: null,
      call: null,
      refusals: 0,
      dueMs: null,
      ...NEVER,
    };
  }

  sent(id: string): void {
    const room = this.rooms.get(id) as ModelRoom;
    if (room.call === 'queued') room.call = 'sent';
  }

  confirm(id: string): void {
    const room = this.rooms.get(id) as ModelRoom;
    const agent = this.agents.get(room.agent as string) as ModelAgent;
    Object.assign(room, { state: 'assigned', call: null, confirmedMs: this.nowMs, askedBy: 0 });
    agent.lastMs = this.nowMs;
  }

  /** Qiscus shows a room resolved that is assigned here: its webhook was lost, and the one that made us ask opens the next. */
  overAtQiscus(id: string): void {
    const { askedBy, channel, mark } = this.rooms.get(id) as ModelRoom;
    this.rooms.set(id, { ...this.#closed(mark), state: 'waiting', place: askedBy, channel });
    this.match();
  }

  /** Qiscus answered the question about a room, or gave no word: then it may be asked again at once. */
  answered(id: string, word: boolean): void {
    Object.assign(this.rooms.get(id) as ModelRoom, word ? { askedBy: 0 } : { askedMs: 0 });
  }

  /** Qiscus does not give a room to the agent that we think holds it: when that one is gone, the room waits again. */
  refusedAtQiscus(id: string): void {
    const room = this.rooms.get(id) as ModelRoom;
    if (this.agents.get(room.agent as string)?.online) return;
    Object.assign(room, { state: 'waiting', agent: null, call: null, dueMs: null });
    this.match();
  }

  refuse(id: string, next: 'close' | 'later' | 'park', dueMs: number): void {
    const room = this.rooms.get(id) as ModelRoom;
    if (next === 'close') {
      this.rooms.set(id, this.#closed(room.mark));
    } else {
      Object.assign(room, { state: next === 'park' ? 'parked' : 'waiting', agent: null, call: null });
      room.refusals += 1;
      room.dueMs = next === 'later' ? dueMs : null;
    }
    this.match();
  }

  defer(id: string, sent: boolean, dueMs: number): void {
    const room = this.rooms.get(id) as ModelRoom;
    if (sent) room.call = 'unknown';
    else if (room.call === 'sent') room.call = 'queued';
    room.dueMs = dueMs;
    const agent = this.agents.get(room.agent as string) as ModelAgent;
    if (!agent.online || agent.paused) this.#returnQueued(room.agent as string);
    this.match();
  }

  #returnQueued(agent: string): void {
    for (const room of this.rooms.values()) {
      if (room.agent === agent && room.state === 'reserved' && room.call === 'queued') {
        Object.assign(room, { state: 'waiting', agent: null, call: null, dueMs: null });
      }
    }
  }

  /** The clock moves: what is due goes on. */
  advance(ms: number): void {
    this.nowMs += ms;
    for (const room of this.rooms.values()) if (room.dueMs !== null && room.dueMs <= this.nowMs) room.dueMs = null;
    this.match();
  }

  /** Dispatchers that hold these intents died. */
  reclaim(ids: string[]): void {
    for (const id of ids) {
      const room = this.rooms.get(id) as ModelRoom;
      if (room.state === 'assigned') room.askedMs = this.nowMs;
      else room.call = 'unknown';
    }
  }

  roster(shown: { id: string; online: boolean; channels: readonly string[] | null }[]): void {
    const absent = [...this.agents.keys()].filter((id) => !shown.some((agent) => agent.id === id));
    for (const { id, online, channels } of shown) {
      const agent = this.agents.get(id) ?? { online: false, misses: 0, paused: false, own: null, channels, lastMs: 0 };
      this.agents.set(id, agent);
      agent.channels = channels;
      this.#reading(id, agent, online);
    }
    for (const id of absent) {
      const agent = this.agents.get(id) as ModelAgent;
      this.#reading(id, agent, false);
      const set = agent.paused || agent.own !== null;
      if (!agent.online && this.load(id) === 0 && !set) this.agents.delete(id);
    }
    this.match();
  }

  #reading(id: string, agent: ModelAgent, online: boolean): void {
    agent.misses = online ? 0 : agent.misses + 1;
    if (online) agent.online = true;
    if (agent.misses >= 2 && agent.online) {
      agent.online = false;
      this.#returnQueued(id);
    }
  }

  patch(id: string, patch: { maxCustomers?: number | null; paused?: boolean }): void {
    const agent = this.agents.get(id);
    if (!agent) return;
    if (patch.maxCustomers !== undefined) agent.own = patch.maxCustomers;
    if (patch.paused !== undefined) {
      if (patch.paused && !agent.paused) this.#returnQueued(id);
      agent.paused = patch.paused;
    }
    this.match();
  }

  release(id: string): void {
    const room = this.rooms.get(id);
    if (!room || room.state === 'resolved') return;
    this.rooms.set(id, this.#closed(room.mark));
    this.match();
  }

  requeue(id: string, evenAssigned: boolean): void {
    const room = this.rooms.get(id);
    if (!room || !(room.state === 'parked' || (evenAssigned && room.state === 'assigned'))) return;
    const before = room.agent ?? undefined;
    Object.assign(room, { state: 'waiting', agent: null, call: null, refusals: 0, dueMs: null });
    // Whoever else can takes it goes before the one it was taken from; nobody waits whom he could take instead.
    const agent = before && this.#best(room.channel, before);
    if (agent) Object.assign(room, { state: 'reserved', agent, call: 'queued' });
    this.match();
  }
}
