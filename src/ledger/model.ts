/**
 * What the ledger tells the rest of the service: plain values, decoded once at the border (scripts.ts).
 * All ids are opaque text; all times are milliseconds since the epoch.
 */
import type { RoomExplanation } from './explanation';
import type { AgentStanding } from './past';
import type { AlertCode, RoomState } from './verdicts';

export interface RoomView {
  roomId: string;
  state: RoomState;
  agentId: string | null;
  /** Fencing token of its reservation or assignment; 0: nobody holds it. */
  token: number;
  channelId: string | null;
  source: string | null;
  /** Customer's name for the board; null when unknown. Never logged, never journalled. */
  customerName: string | null;
  /** Order of arrival: the inbox id of the webhook that opened this session. */
  place: string;
  /** 1 + rooms of the same channel with an older place; null unless waiting. */
  position: number | null;
  sinceMs: number;
  /** When its next step is due, after a refusal or a call without an answer; null: nothing is delayed. */
  dueMs: number | null;
  /** Of a reserved room: its call is still to be sent, was sent, or had no answer. */
  call: 'queued' | 'sent' | 'unknown' | null;
  /** Calls that did not get the room served: refused in this session, unanswered or left behind in its last reservation. */
  attempts: number;
}

export interface QueueItem {
  roomId: string;
  /** Position over all channels, counted from 1. */
  position: number;
  place: string;
  channelId: string | null;
  sinceMs: number;
}

export interface AgentView {
  id: string;
  name: string;
  online: boolean;
  paused: boolean;
  /** reserved + assigned + outside. */
  load: number;
  reserved: number;
  assigned: number;
  outside: number;
  /** False: Qiscus did not say how many rooms the agent holds, and `outside` is what it said last. */
  outsideKnown: boolean;
  /** The limit in force: the agent's own or the default. */
  limit: number;
  /** The agent's own limit; null: the default applies. */
  maxCustomers: number | null;
  /** null: every channel. */
  channels: string[] | null;
  /** Its last confirmed assignment; null: none yet. */
  lastAssignedMs: number | null;
}

export interface DeadLetter {
  /** `room-<room id>` or `entry-<inbox id>`. */
  id: string;
  kind: 'room' | 'entry';
  roomId: string | null;
  reason: string;
  sinceMs: number;
  /** Of a room as in RoomView; of an entry: its deliveries. */
  attempts: number;
}

export interface WebhookSetting {
  url: string;
  enabled: boolean;
}

/** How Qiscus answers us, shared by all processes through Redis. */
export interface QiscusHealth {
  state: 'closed' | 'open' | 'denied' | 'slowed';
  /** No call before this time; 0 when closed. */
  untilMs: number;
  failures: number;
}

/** An alert that was raised, and of which nobody was told yet that it is over. What is shown of it: reconcile/alerts.ts. */
export interface RaisedAlert {
  code: AlertCode;
  sinceMs: number;
}

export interface LedgerHealth {
  /** When it was read; ages are as of then. */
  atMs: number;
  /** Age of the oldest webhook not yet looked at; 0 when none. */
  inboxAgeMs: number;
  inboxLength: number;
  outboxAgeMs: number;
  outboxLength: number;
  /** Age of the last complete reading of the agents; null before the first one. */
  rosterAgeMs: number | null;
  waiting: number;
  oldestWaitingMs: number;
  /** The room that has waited for so long; null when none waits. */
  oldestWaitingRoomId: string | null;
  parked: number;
  /** The room that was parked first; null when none is. */
  oldestParkedRoomId: string | null;
  /** For how long it has been. */
  oldestParkedMs: number;
  /** How many agents are online and not paused, online and paused, offline. */
  agents: { online: number; paused: number; offline: number };
  /** In the order in which they were raised. */
  alerts: RaisedAlert[];
  /** What the leader left for the next one to go on with (reconcile/watch.ts); '' when nothing. */
  watch: string;
  qiscus: QiscusHealth;
  /** Does Qiscus call us when a room is resolved? null: not checked (no admin's login, or not yet). */
  resolveWebhook: 'ok' | 'unset' | 'disabled' | 'elsewhere' | null;
}

/** Result of an operator's hand on one room. */
export type HandResult =
  | { kind: 'done'; state: RoomState }
  | { kind: 'unknown' }
  | { kind: 'wrong_state'; state: RoomState; agentId: string | null };

/** What a dry run found out about the allocation beside it. */
export interface DryRunFindings {
  /** Sessions of which it is known who got them there; by how that is known. */
  sources: { reading: number; resolver: number; candidate: number };
  /** Of these, those that the same agent would have got from us. */
  agreed: number;
  /** Sessions of which it is not known. */
  unknown: number;
  /** Sessions given to each agent: by us, and there. */
  given: { ours: Map<string, number>; theirs: Map<string, number> };
  /** Rooms that each agent holds at Qiscus, as last read; an agent who is missing: not told. */
  loads: Map<string, number>;
  /** Sums of the standard deviations of loads over all readings of the agents at which somebody held something. */
  deviations: { readings: number; ours: number; theirs: number };
}

/** Everything that the HTTP side may read or ask of the ledger. The worker's verbs are in ledger/index.ts. */
export interface LedgerDesk {
  readSettings(): Promise<{ maxCustomers: number; markAsResolved: WebhookSetting | null }>;
  /** In force at once for all workers; raising it drains the line. `value` 1 to 1000. */
  setMaxCustomers(value: number): Promise<void>;
  setMarkAsResolved(setting: WebhookSetting): Promise<void>;
  /** All agents of the roster, by id (length, then bytes). */
  listAgents(): Promise<AgentView[]>;
  readAgent(agentId: string): Promise<AgentView | null>;
  /** How an agent stands now; null: no such agent. */
  readStanding(agentId: string): Promise<AgentStanding | null>;
  /** Returns the changed agent, or null when the roster has no such agent. */
  patchAgent(agentId: string, patch: { maxCustomers?: number | null; paused?: boolean }): Promise<AgentView | null>;
  readRoom(roomId: string): Promise<RoomView | null>;
  /** Why the room is where it is, with every agent; null: no such room. */
  explainRoom(roomId: string): Promise<RoomExplanation | null>;
  /** The journal records about one room, newest first, at most `limit`. */
  readDecisions(roomId: string, limit: number): Promise<JournalRecord[]>;
  /** Oldest first over all channels; `after` is the last item's `<place>/<room id>` of the page before. */
  readQueue(after: string | null, limit: number): Promise<{ total: number; rooms: QueueItem[]; next: string | null }>;
  /** Parked room back to its old place; an assigned one only with the `token` of the agent that was removed at Qiscus. */
  requeueRoom(roomId: string, token: number | null): Promise<HandResult>;
  /** Frees our slot (or place in line) only; the room's session is closed in our books. */
  releaseRoom(roomId: string): Promise<HandResult>;
  /** Forgets the customer's name; false: none was kept; null: no such room. */
  eraseRoom(roomId: string): Promise<boolean | null>;
  listDeadLetters(): Promise<DeadLetter[]>;
  /** False: no such dead letter. */
  replayDeadLetter(id: string): Promise<boolean>;
  deleteDeadLetter(id: string): Promise<boolean>;
  readHealth(): Promise<LedgerHealth>;
  /** All zero unless it is the desk of a dry run. */
  readDryRun(): Promise<DryRunFindings>;
}

/**
 * One journal record. `event` is `noun.verbed`; the other fields depend on it and are text as Redis keeps it:
 *   entry, request   the webhook that caused it and its request token (present exactly once per inbox entry)
 *   cause            the inbox entry whose application caused this change of another room
 *   room, agent, state, position, place, channel, token
 *   load, limit, runner_up, full, offline, paused, off_channel      (room.reserved: why this agent)
 *   removed          (room.reserved: the agent who came first, but from whom an operator took the room in this moment)
 *   waited, took     (room.assigned: ms since its webhook came, '' when an agent had it before in this session; and since it
 *                    was reserved)
 *   code, since, count, about, until      (alert.*: which, how much and the room it is about; when it last held, if over)
 *   reason           why it was refused, parked, deferred, released …
 *   candidate, claimed_agent   as the webhook named them; theirs, source, agrees   of room.compared (a dry run)
 *   service, due, call, unknowns, refusals …   what a replay needs beside: state follows from the records alone
 *
 * A snapshot lets a replay begin in the middle. `snapshot.begun` (`limit`: the default in force), then parts
 * (`snapshot.agents`, `snapshot.rooms`; `snapshot`: id of the begun record), then `snapshot.ended`; other records come
 * between. A part's `agents` or `rooms` holds at most 64 lines, each `id column column …`, blanks at the end left out
 * (columns: lua/snapshot_journal.lua); `unreadable`, when there is one, counts the records that could not be read and are
 * missing, so that no replay may begin there. Parts are for replays: subscribers and `/journal` are not shown them.
 */
export interface JournalRecord {
  /** Id in the journal stream. */
  id: string;
  event: string;
  atMs: number;
  fields: Record<string, string>;
}

/** Is the record a part of a snapshot: some KB that tell nothing new? */
export function isSnapshotPart(record: Pick<JournalRecord, 'event'>): boolean {
  return record.event === 'snapshot.rooms' || record.event === 'snapshot.agents';
}

/** What an inbox entry carries: what the ledger needs and no more (spec: never e-mail, phone, avatar, tokens). */
export type Webhook =
  | {
      kind: 'allocation';
      roomId: string;
      channelId: string | null;
      source: string | null;
      customerName: string | null;
      /**
       * Id of the last *finished* service: a number; 0 when Qiscus sent `latest_service: null` (none finished yet);
       * null when the payload does not say (simple payload, unresolved or unreadable `latest_service`).
       */
      finishedService: number | null;
      /** Dry run: whom Qiscus itself would pick, for comparison. */
      candidateAgentId?: string | null;
    }
  | {
      kind: 'resolved';
      roomId: string;
      /** Id of the service that ended; null in the simple payload. */
      finishedService: number | null;
      /** The simple payload's `agent_id`, in a dry run the agent who resolved: journalled, never used to free. */
      claimedAgentId: string | null;
    };

/** What became of a webhook, as far as it was known when the reply was due. */
export type Outcome =
  | { state: 'assigned'; entry: string; agentId: string }
  | { state: 'reserved'; entry: string; agentId: string }
  | { state: 'waiting'; entry: string; position: number }
  | { state: 'parked'; entry: string }
  /** Stale allocation: the session it belongs to is over. */
  | { state: 'resolved'; entry: string }
  /** Resolve webhooks only. */
  | { state: 'released' | 'not_held'; entry: string }
  | { state: 'accepted'; entry: string };

/** The door for webhooks: durable append, then wait for the outcome through the process's one journal reader. */
export interface Intake {
  /**
   * Appends, then waits up to `waitMs` for the outcome. `request` is unique over all processes.
   * @throws ServiceError STORE_UNAVAILABLE when it was not stored (Redis down, full, silent, above 80 % of its memory).
   */
  submit(webhook: Webhook, request: string, waitMs: number): Promise<Outcome>;
}

/** The journal as a feed; one reader per process behind it. */
export interface JournalFeed {
  /**
   * Records older than `beforeId`, newest first, back to those that Redis took in at `sinceMs`: those among the next `limit`
   * that are no parts of snapshots. `next`: the next page's `beforeId`; null: that was the end.
   */
  pageBack(
    beforeId: string,
    sinceMs: number,
    limit: number,
  ): Promise<{ records: JournalRecord[]; next: string | null }>;
  /**
   * Records after `afterId` (exclusive), oldest first: those among the next `limit` that are no parts of snapshots.
   * `next` null: that was the end.
   */
  page(afterId: string | null, limit: number): Promise<{ records: JournalRecord[]; next: string | null }>;
  /** Calls back for every record read from now on, parts of snapshots left out; returns the unsubscribe function. */
  subscribe(listener: (record: JournalRecord) => void): () => void;
}
