/** What the sandbox knows: rooms and their sessions, agents, assignments, and what should not have been. */

/** One session of a room, from the customer's first message to the resolve; ids grow over all rooms. */
export interface Service {
  id: number;
  openedMs: number;
  resolvedMs: number | null;
  agentId: string | null;
  notes: string | null;
  firstCommentId: number;
  lastCommentId: number;
}

export interface Room {
  id: string;
  /** Qiscus's other number for a room; never to be taken for the room id. */
  logId: number;
  channelId: string | null;
  source: string;
  name: string;
  userId: string;
  /** Agents in the room, oldest first. */
  agents: string[];
  /** Made by `assign_agent` while `strangerRooms` was lenient: it never counts, and is free whenever it is asked for. */
  lenient: boolean;
  open: Service | null;
  finished: Service | null;
  comment: { text: string; sender: string; senderType: 'customer' | 'system'; atMs: number };
  customerComment: { text: string; atMs: number };
}

export interface Agent {
  id: string;
  name: string;
  available: boolean;
  forceOffline: boolean;
  channelIds: string[] | null;
  rooms: Set<string>;
  /** The count that the API shows, and the changes that it does not show yet (`countLagMs`). */
  shown: number;
  late: { atMs: number; count: number }[];
}

export interface AssignRecord {
  roomId: string;
  agentId: string;
  serviceId: number;
  atMs: number;
  by: 'api' | 'hand';
  /** Rooms of the agent after this one. */
  load: number;
  online: boolean;
  /** False: the agent does not serve the room's channel. */
  channelFits: boolean;
}

export interface Violation {
  kind: 'two_agents_in_room' | 'agent_over_cap';
  roomId: string;
  agentId: string;
  atMs: number;
  detail: string;
}

export type AssignResult =
  | { kind: 'assigned'; agent: Agent; service: Service }
  | { kind: 'resolved' | 'occupied' | 'agent_unknown' };

/** The next of each kind to be given. */
export type Ids = Record<'room' | 'log' | 'service' | 'comment', number>;
