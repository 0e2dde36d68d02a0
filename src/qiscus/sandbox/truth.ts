/**
 * The sandbox's truth: agents, rooms, sessions, and who is in which room. No HTTP here.
 *
 * 1. Only the functions of this file change it; API and control are two doors to the same rules.
 * 2. Every accepted assignment is written down in order, and checked at once: a room with two agents, an agent over the
 *    cap in the config. A test need not look at the right moment to see a fault of ours.
 * 3. A call costs the same with ten rooms as with a hundred thousand.
 * 4. With a memory, rooms and changed agents outlive the process: Qiscus forgets nothing when we start again.
 */
import type { KeptAgent, Memory } from './memory';
import type { Agent, AssignRecord, AssignResult, Ids, Room, Service, Violation } from './model';
import { defaultConfig, type SandboxConfig } from './settings';

/** Older records go when there are more; only a very long demo gets there. */
const MAX_RECORDS = 1_000_000;

export class Truth {
  config: SandboxConfig;
  readonly agents = new Map<string, Agent>();
  /** In order of the last comment, oldest first: a comment moves its room to the end. */
  readonly rooms = new Map<string, Room>();
  assigns: AssignRecord[] = [];
  violations: Violation[] = [];
  private nextId: Ids = { room: 300_000_001, log: 900_001, service: 115_000_001, comment: 2_487_000_001 };
  private readonly agentIds: 'named' | 'numeric';
  private readonly startConfig: SandboxConfig;
  private readonly memory: Memory | null;

  constructor(agentIds: 'named' | 'numeric', config: Partial<SandboxConfig> = {}, memory: Memory | null = null) {
    this.agentIds = agentIds;
    this.startConfig = { ...defaultConfig, ...config };
    this.config = { ...this.startConfig };
    this.memory = memory;
    this.addFirstAgents();
    if (memory) this.remember(memory);
  }

  /** Back to six agents and no room. Ids go on growing, as Qiscus's would: what others remember must not come again. */
  reset(): void {
    this.config = { ...this.startConfig };
    this.agents.clear();
    this.rooms.clear();
    this.assigns = [];
    this.violations = [];
    this.memory?.clear(this.nextId);
    this.addFirstAgents();
  }

  private remember({ ids, rooms, agents }: Memory): void {
    this.nextId = ids ?? this.nextId;
    for (const [id, kept] of agents) {
      if (kept) Object.assign(this.addAgent(kept), kept);
      else this.agents.delete(id);
    }
    for (const room of [...rooms.values()].sort((a, b) => a.comment.atMs - b.comment.atMs)) {
      this.rooms.set(room.id, room);
      // The first agents may be called otherwise now: whose agent is no longer there waits again, as where one is deleted.
      room.agents = room.agents.filter((id) => this.agents.has(id));
      for (const agent of room.agents.flatMap((id) => this.agents.get(id) ?? [])) {
        agent.rooms.add(room.id);
        if (!room.lenient) agent.shown++;
      }
    }
  }

  private addFirstAgents(): void {
    for (let n = 1; n <= 6; n++) {
      const id = this.agentIds === 'named' ? `agent_0${n}` : String(150850 + n);
      this.addAgent({ id, name: `Agent ${n}`, channelIds: n <= 3 ? ['5603'] : ['5603', '272'] });
    }
  }

  addAgent(fields: { id: string; name?: string; channelIds?: string[] | null; available?: boolean }): Agent {
    const { id, name = `Agent ${id}`, channelIds = null, available = true } = fields;
    const agent: Agent = {
      id,
      name,
      available,
      forceOffline: false,
      channelIds,
      rooms: new Set(),
      shown: 0,
      late: [],
    };
    this.agents.set(id, agent);
    return agent;
  }

  /** The agent leaves all rooms; they wait again. */
  deleteAgent(id: string): boolean {
    const agent = this.agents.get(id);
    if (!agent) return false;
    for (const roomId of [...agent.rooms]) this.removeAgent(roomId, id);
    this.memory?.keep({ gone: id });
    return this.agents.delete(id);
  }

  /** Takes the fields that are given. */
  changeAgent(agent: Agent, fields: Partial<KeptAgent>): void {
    const { id } = agent;
    const {
      name = agent.name,
      available = agent.available,
      forceOffline = agent.forceOffline,
      channelIds = agent.channelIds,
    } = fields;
    Object.assign(agent, { name, available, forceOffline, channelIds });
    this.memory?.keep({ agent: { id, name, available, forceOffline, channelIds } });
  }

  /** A new room with an open session. `atMs` may lie in the past: an old unserved room. */
  addRoom(fields: {
    id?: string;
    channelId?: string | null;
    source?: string;
    name?: string;
    text?: string;
    atMs?: number;
    lenient?: boolean;
  }): Room {
    const { channelId = null, text = 'Hello, I need help!', atMs = Date.now(), lenient = false } = fields;
    const id = fields.id ?? String(this.nextId.room++);
    const name = fields.name ?? `Customer ${id}`;
    const userId = `customer-${id}@planted.example`;
    const room: Room = {
      id,
      logId: this.nextId.log++,
      channelId,
      source: fields.source ?? (channelId === '272' ? 'ceria' : 'qiscus'),
      name,
      userId,
      agents: [],
      lenient,
      open: null,
      finished: null,
      comment: { text, sender: userId, senderType: 'customer', atMs },
      customerComment: { text, atMs },
    };
    this.openService(room, atMs);
    this.rooms.set(id, room);
    this.keep(room);
    return room;
  }

  /** The customer writes; a resolved room gets a new session. Answers whether it did. */
  addMessage(room: Room, text: string, atMs = Date.now()): boolean {
    const opens = room.open === null;
    if (opens) this.openService(room, atMs);
    else if (room.open) room.open.lastCommentId = this.nextId.comment++;
    room.customerComment = { text, atMs };
    this.comment(room, text, room.userId, 'customer', atMs);
    this.keep(room);
    return opens;
  }

  /** `assign_agent`: unknown rooms are made; a full or resolved room refuses. */
  assign(
    roomId: string,
    agentId: string,
    how: { maxAgents: number; replace: boolean; by: 'api' | 'hand' },
  ): AssignResult {
    const agent = this.agents.get(agentId);
    if (!agent) return { kind: 'agent_unknown' };
    const lenient = this.config.strangerRooms === 'lenient';
    const room = this.rooms.get(roomId) ?? this.addRoom({ id: roomId, lenient });
    if (room.lenient && how.by === 'api') {
      if (room.agents.length > 0) this.resolve(room, null);
      if (room.open === null) this.openService(room, Date.now());
    }
    if (room.open === null) return { kind: 'resolved' };
    if (room.agents.includes(agentId) && this.config.sameAgentTwice === 'accept')
      return { kind: 'assigned', agent, service: room.open };
    const stays = how.replace ? room.agents.length - 1 : room.agents.length;
    if (room.agents.includes(agentId) || stays >= how.maxAgents) return { kind: 'occupied' };
    const leaver = how.replace ? room.agents.at(-1) : undefined;
    if (leaver !== undefined) this.removeAgent(roomId, leaver);
    room.agents.push(agentId);
    room.open.agentId = agentId;
    this.changeRooms(agent, room, 'add');
    this.comment(room, `${agent.name} joined this conversation`, 'system', 'system', Date.now());
    this.keep(room);
    this.record(room, agent, room.open, how.by);
    return { kind: 'assigned', agent, service: room.open };
  }

  /** False: no such room, or the agent is not in it. */
  removeAgent(roomId: string, agentId: string): boolean {
    const room = this.rooms.get(roomId);
    const agent = this.agents.get(agentId);
    if (!room?.agents.includes(agentId) || !agent) return false;
    room.agents = room.agents.filter((id) => id !== agentId);
    this.changeRooms(agent, room, 'delete');
    this.comment(room, `${agent.name} was removed from this conversation`, 'system', 'system', Date.now());
    this.keep(room);
    return true;
  }

  /** Ends the open session and frees its agents; null when there is none. */
  resolve(room: Room, notes: string | null): Service | null {
    const service = room.open;
    if (!service) return null;
    for (const id of room.agents) {
      const agent = this.agents.get(id);
      if (agent) this.changeRooms(agent, room, 'delete');
    }
    room.agents = [];
    room.open = null;
    room.finished = service;
    service.notes = notes;
    service.resolvedMs = Date.now();
    this.keep(room);
    return service;
  }

  /** `current_customer_count` as Qiscus would show it now: late by `countLagMs` in both directions. */
  shownCount(agent: Agent, nowMs = Date.now()): number {
    while (agent.late.length > 0 && (agent.late[0]?.atMs ?? 0) <= nowMs - this.config.countLagMs)
      agent.shown = agent.late.shift()?.count ?? agent.shown;
    return agent.shown;
  }

  /** Whether the agent may serve the room, by channel alone. */
  fits(agent: Agent, room: Room): boolean {
    return room.channelId === null || agent.channelIds === null || agent.channelIds.includes(room.channelId);
  }

  private keep(room: Room): void {
    this.memory?.keep({ room, ids: this.nextId });
  }

  private openService(room: Room, atMs: number): void {
    const comment = this.nextId.comment++;
    room.open = {
      id: this.nextId.service++,
      openedMs: atMs,
      resolvedMs: null,
      agentId: null,
      notes: null,
      firstCommentId: comment,
      lastCommentId: comment,
    };
  }

  private comment(room: Room, text: string, sender: string, senderType: 'customer' | 'system', atMs: number): void {
    room.comment = { text, sender, senderType, atMs };
    this.rooms.delete(room.id);
    this.rooms.set(room.id, room);
  }

  private changeRooms(agent: Agent, room: Room, verb: 'add' | 'delete'): void {
    agent.rooms[verb](room.id);
    // Nobody tells the sandbox when such a chat is over, so it must not count for ever.
    if (room.lenient) return;
    const last = agent.late.at(-1)?.count ?? agent.shown;
    agent.late.push({ atMs: Date.now(), count: last + (verb === 'add' ? 1 : -1) });
    this.shownCount(agent);
  }

  private record(room: Room, agent: Agent, service: Service, by: 'api' | 'hand'): void {
    const atMs = Date.now();
    const load = agent.rooms.size;
    const online = agent.available && !agent.forceOffline;
    const channelFits = this.fits(agent, room);
    const ids = { roomId: room.id, agentId: agent.id };
    if (this.assigns.length >= MAX_RECORDS) this.assigns = this.assigns.slice(MAX_RECORDS / 2);
    this.assigns.push({ ...ids, serviceId: service.id, atMs, by, load, online, channelFits });
    if (room.agents.length > 1)
      this.violations.push({ kind: 'two_agents_in_room', ...ids, atMs, detail: room.agents.join(', ') });
    const { cap } = this.config;
    if (by === 'api' && cap !== null && load > cap)
      this.violations.push({ kind: 'agent_over_cap', ...ids, atMs, detail: `${load} rooms, cap ${cap}` });
  }
}
