/**
 * The hands that move the sandbox: what customers, agents and admins do, and what an experimenter wants to break.
 * One implementation behind the HTTP control API (sandbox.ts) and the in-process object that tests use.
 */
import { Allocator } from './allocator';
import type { Api } from './api';
import type { Deliveries, Delivery, DeliveryTarget } from './delivery';
import type { Faults } from './faults';
import type { Agent, Room, Service, Violation } from './model';
import type { ChangeAgent, CreateAgent, CreateRoom, Fault, Message, Resolve, SandboxConfig } from './settings';
import { allocationWebhook, resolveWebhook } from './shapes';
import type { Truth } from './truth';

/** A request that the sandbox's truth does not allow: no such room, already resolved … */
export class SandboxError extends Error {}

/** A room as the state shows it. */
export interface RoomState {
  id: string;
  channelId: string | null;
  source: string;
  agents: string[];
  resolved: boolean;
  /** The open session's id, and the last finished one's. */
  openService: number | null;
  finishedService: number | null;
}

export interface AgentState {
  id: string;
  name: string;
  online: boolean;
  available: boolean;
  forceOffline: boolean;
  channelIds: string[] | null;
  /** Rooms really held, and what `current_customer_count` says just now. */
  count: number;
  shownCount: number;
  rooms: string[];
}

export interface Told {
  room: RoomState;
  /** One for each copy of the webhook, with what the service answered. */
  deliveries: Delivery[];
}

export type Control = ReturnType<typeof createControl>;
export type SandboxState = ReturnType<Control['state']>;

const viewRoom = (room: Room): RoomState => ({
  id: room.id,
  channelId: room.channelId,
  source: room.source,
  agents: [...room.agents],
  resolved: room.open === null,
  openService: room.open?.id ?? null,
  finishedService: room.finished?.id ?? null,
});

export function createControl(
  parts: { truth: Truth; api: Api; faults: Faults; deliveries: Deliveries },
  appId: string,
) {
  const { truth, api, faults, deliveries } = parts;
  const allocator = new Allocator(truth);

  const viewAgent = (agent: Agent): AgentState => ({
    id: agent.id,
    name: agent.name,
    online: agent.available && !agent.forceOffline,
    available: agent.available,
    forceOffline: agent.forceOffline,
    channelIds: agent.channelIds,
    count: agent.rooms.size,
    shownCount: truth.shownCount(agent),
    rooms: [...agent.rooms],
  });

  function findRoom(roomId: string): Room {
    const room = truth.rooms.get(roomId);
    if (!room) throw new SandboxError('The sandbox has no such room.');
    return room;
  }

  function findAgent(agentId: string): Agent {
    const agent = truth.agents.get(agentId);
    if (!agent) throw new SandboxError('The sandbox has no such agent.');
    return agent;
  }

  async function tell(room: Room, opensSession: boolean, how: Message): Promise<Told> {
    const payload = allocationWebhook(truth, room, appId, opensSession);
    const sending = deliveries.send('agent_allocation', payload, how);
    allocator.assignAll();
    const sent = await sending;
    return { room: viewRoom(room), deliveries: sent };
  }

  async function tellResolved(room: Room, service: Service, { by = 'agent', ...how }: Resolve) {
    const type = by === 'admin' ? 1 : by === 'agent' ? 2 : 3;
    const payload = resolveWebhook(truth, room, service, appId, type);
    const sending = deliveries.send('mark_as_resolved', payload, how);
    allocator.assignAll();
    const sent = await sending;
    return { room: viewRoom(room), deliveries: sent };
  }

  const rooms = {
    /** A customer opens a chat; sends the allocation webhook. Resolves when every copy is answered. */
    async create(input: CreateRoom = {}): Promise<Told> {
      const { roomId: id, customerName: name, ageMs = 0, channelId, source, text } = input;
      if (id !== undefined && truth.rooms.has(id)) throw new SandboxError('The sandbox already has this room.');
      return tell(truth.addRoom({ id, name, channelId, source, text, atMs: Date.now() - ageMs }), true, input);
    },
    /** The customer writes: a resolved room opens a new session; the webhook goes out while no agent is in the room. */
    async message(roomId: string, input: Message = {}): Promise<Told> {
      const room = findRoom(roomId);
      const opensSession = truth.addMessage(room, input.text ?? 'Are you there?');
      return room.agents.length > 0 ? { room: viewRoom(room), deliveries: [] } : tell(room, opensSession, input);
    },
    /** The chat is over; `copies: 0` is a lost webhook. */
    async resolve(roomId: string, input: Resolve = {}): Promise<Told> {
      const room = findRoom(roomId);
      const service = truth.resolve(room, input.notes ?? null);
      if (!service) throw new SandboxError('The room is already resolved.');
      return tellResolved(room, service, input);
    },
    /** An admin puts an agent into the room by hand, beside others if there are any; no webhook tells of it. */
    assign(roomId: string, agentId: string): RoomState {
      const how = { maxAgents: Number.POSITIVE_INFINITY, replace: false, by: 'hand' } as const;
      findAgent(agentId);
      const result = truth.assign(roomId, agentId, how);
      if (result.kind !== 'assigned') throw new SandboxError(`Qiscus refuses: the room is ${result.kind}.`);
      return viewRoom(findRoom(roomId));
    },
    /** An admin takes an agent out of the room; no webhook tells of it. */
    remove(roomId: string, agentId: string): RoomState {
      if (!truth.removeAgent(roomId, agentId)) throw new SandboxError('The agent is not in the room.');
      allocator.assignAll();
      return viewRoom(findRoom(roomId));
    },
    read: (roomId: string): RoomState => viewRoom(findRoom(roomId)),
  };

  const agents = {
    create(input: CreateAgent): AgentState {
      if (truth.agents.has(input.id)) throw new SandboxError('The sandbox already has this agent.');
      truth.addAgent(input);
      return agents.change(input.id, input);
    },
    /** Online, offline, forced offline, another name, other channels: in the next answer, and no webhook tells of it. */
    change(agentId: string, fields: ChangeAgent): AgentState {
      const agent = findAgent(agentId);
      truth.changeAgent(agent, fields);
      allocator.assignAll();
      return viewAgent(agent);
    },
    /** The agent leaves all rooms, which wait again. */
    remove(agentId: string): void {
      if (!truth.deleteAgent(agentId)) throw new SandboxError('The sandbox has no such agent.');
    },
    read: (agentId: string): AgentState => viewAgent(findAgent(agentId)),
    list: (): AgentState[] => [...truth.agents.values()].map(viewAgent),
  };

  return {
    rooms,
    agents,
    /** The webhook of a resolve that happened through the API. */
    tellResolved,
    /** Changes the named settings only; returns all. */
    configure(change: Partial<SandboxConfig>): SandboxConfig {
      Object.assign(truth.config, change);
      return { ...truth.config };
    },
    faults: {
      /** Orders misbehaviour, after what is ordered already. */
      add: (...orders: Fault[]): void => faults.add(orders),
      clear: (): void => faults.clear(),
      list: () => faults.list(),
    },
    /** Admin tokens given out so far are refused from now on. */
    expireTokens: (): void => api.expireTokens(),
    /** Where webhooks go; null: nowhere. @throws Error unless it is this machine. */
    setDelivery: (target: DeliveryTarget | null): void => deliveries.setTarget(target),
    /** Assignments that should not have been, oldest first. */
    violations: (): Violation[] => truth.violations.map((violation) => ({ ...violation })),
    /** The whole truth, copied. */
    state: () => ({
      config: { ...truth.config },
      agents: agents.list(),
      rooms: [...truth.rooms.values()].map(viewRoom),
      /** Every accepted assignment, in order. */
      assigns: truth.assigns.map((record) => ({ ...record })),
      violations: truth.violations.map((violation) => ({ ...violation })),
      calls: { ...api.calls },
      answers: { ...api.answers },
      deliveries: { ...deliveries.counts, replies: { ...deliveries.counts.replies } },
      registered: api.registered,
      faults: faults.list(),
    }),
    /** Six agents, no rooms, start config, no faults, counters at 0. Delivery goes on to the same place. */
    reset(): void {
      truth.reset();
      api.reset();
      faults.clear();
      deliveries.reset();
    },
  };
}
