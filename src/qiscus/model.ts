/**
 * What we rely on of Qiscus Omnichannel's API, as values. The client (client.ts) turns every answer into one of these;
 * nothing behind it sees a status code, an envelope or an agent's secret.
 */

/** One call of `assign_agent`, classified by status *and* text. */
export type AssignOutcome =
  /** 200 and `added_agent.id` is the agent that we named. */
  | { kind: 'assigned' }
  /** The text says `already resolved`: this session is over. */
  | { kind: 'resolved' }
  /** The text says `exceed max agents`: somebody is in the room, or Qiscus believes so (ambiguous). */
  | { kind: 'occupied' }
  /** Any other 4xx: Qiscus definitely did not do it. */
  | { kind: 'refused'; status: number }
  /** 401, 402, 403: Qiscus refuses *us*; no room is to blame. */
  | { kind: 'denied'; status: number }
  /** 429; `retryAfterMs` null when Qiscus gave none. */
  | { kind: 'slowed'; retryAfterMs: number | null }
  /** Nothing was sent: this is a dry run. */
  | { kind: 'not_made' }
  /** 5xx, reset, time-out, unreadable, another agent's id. `sent` false only when the connection was refused. */
  | { kind: 'unknown'; sent: boolean; reason: string };

export type RoomReading = { kind: 'room'; resolved: boolean } | { kind: 'missing' } | QiscusFailure;

/** One agent as the roster needs it: no e-mail, no keys. */
export interface RosterAgent {
  id: string;
  name: string;
  /** `is_available` and not `force_offline`. */
  online: boolean;
  /** null: `user_channels` missing or null, so every channel; []: none. */
  channelIds: string[] | null;
  /** `current_customer_count`; null when Qiscus did not send it. */
  customerCount: number | null;
}

/** One room of the room lists as the reconciler needs it. */
export interface ListedRoom {
  roomId: string;
  channelId: string | null;
  source: string | null;
  customerName: string | null;
  resolved: boolean;
  /** Moves with every message: an age, never an order of arrival. Null when unreadable. */
  lastCommentMs: number | null;
}

export type RoomsReading = { kind: 'rooms'; rooms: ListedRoom[]; calls: number } | QiscusFailure;

export type RosterReading = { kind: 'agents'; agents: RosterAgent[] } | QiscusFailure;
export type OthersReading = { kind: 'others'; agentIds: Set<string> } | QiscusFailure;
export type QiscusFailure =
  | { kind: 'denied'; status: number }
  | { kind: 'slowed'; retryAfterMs: number | null }
  | { kind: 'failed'; reason: string };

/** A webhook as Qiscus has it; `url` null: none. */
export interface RegisteredWebhook {
  url: string | null;
  enabled: boolean;
}

export type WebhookRegistration =
  | { kind: 'set'; url: string; enabled: boolean }
  /** Qiscus said no, or was not reachable within the time: nothing was stored by us. */
  | { kind: 'refused'; reason: string };

/** Resolves when one more call may be made; taken before every page of a list. Its rejection ends the reading. */
export type Turn = () => Promise<void>;

/** The Qiscus that the service talks to; the sandbox answers the same calls over real HTTP. */
export interface Qiscus {
  /**
   * POST /api/v1/admin/service/assign_agent with `max_agent=1`, `replace_latest_agent=false`. One try.
   * @param withinMs less time than the client's own time-out
   */
  assignAgent(roomId: string, agentId: string, withinMs?: number): Promise<AssignOutcome>;
  /** POST /api/v1/admin/service/remove_agent. True when Qiscus said yes. */
  removeAgent(roomId: string, agentId: string): Promise<boolean>;
  /** GET /api/v2/customer_rooms/{room_id}. @param withinMs less time than the client's own time-out */
  readRoom(roomId: string, withinMs?: number): Promise<RoomReading>;
  /**
   * GET /api/v2/admin/service/other_agents: ids of the agents who are not in this room, all pages, or nothing. Which of
   * those who are offline it names is not known. For a dry run only.
   */
  listOthers(roomId: string, turn?: Turn): Promise<OthersReading>;
  /** GET /api/v2/admin/agents, all pages, either paging style; agents only (no admin, no supervisor). All or nothing. */
  listAgents(turn?: Turn): Promise<RosterReading>;
  /**
   * POST /api/v2/customer_rooms, unresolved rooms, newest last message first, until one is older than `sinceMs`.
   * All or nothing. The lists are no proof: `served` may lack a room, `unserved` may show one that is served.
   */
  listRooms(served: boolean, sinceMs: number, turn?: Turn): Promise<RoomsReading>;
  /** The resolve webhook that Qiscus has, from the login's answer; null without an admin's login or when it fails. */
  readResolveWebhook(): Promise<RegisteredWebhook | null>;
  /** POST /api/v1/app/webhook/mark_as_resolved with the admin token; answers what Qiscus says it stored. */
  setResolveWebhook(url: string, enabled: boolean): Promise<WebhookRegistration>;
}
