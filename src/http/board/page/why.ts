/**
 * What the panel, the charts, the dead letters and the dry run read: the shapes of the API's answers, and the calls.
 */
import type {
  CandidateVerdict,
  ChoiceKey,
  ChosenEnd,
  DecisionVerdict,
  RoomReason,
  RoomState,
  Standing,
} from '../../../ledger/verdicts';
import { call, type JournalRecord, segment } from './api.js';

export interface RoomDetail {
  room_id: string;
  state: RoomState;
  agent_id: string | null;
  channel_id: string | null;
  source: string | null;
  customer_name: string | null;
  /** Begins with the time of the webhook that opened the session, in ms since the epoch. */
  place: string;
  position: number | null;
  since: string;
  attempts: number;
  /** Newest first. */
  decisions: JournalRecord[];
}

export interface Candidate {
  id: string;
  name: string;
  verdict: CandidateVerdict;
  lost_by: ChoiceKey | null;
  load: number;
  reserved: number;
  assigned: number;
  outside: number;
  limit: number;
  last_assigned_at: string | null;
  seen_at: string | null;
}

export interface Candidates {
  state: RoomState;
  /** Older rooms of the same channel. */
  ahead: number;
  /** When its next step is due, of a room that was refused. */
  due: string | null;
  /** Whom the rule would pick now. */
  next: string | null;
  reason: RoomReason;
  counts: Record<Exclude<Standing, 'able'> | 'eligible', number>;
  total: number;
  /** Best first. */
  candidates: Candidate[];
}

export interface AgentDecision {
  id: string;
  at: string;
  room_id: string;
  /** For whom it was. */
  agent_id: string;
  verdict: DecisionVerdict;
  /** What came of it, where this agent was chosen. */
  outcome: ChosenEnd | null;
  load: number | null;
  limit: number | null;
  chosen_load: number;
}

export interface AgentDecisions {
  since: string;
  /** All decisions since then are counted: later than `since` when there were very many. */
  counted_from: string;
  got: number;
  /** Chosen, and not got. */
  refused: number;
  dropped: number;
  reserved: number;
  passed_over: Record<Exclude<DecisionVerdict, 'chosen'>, number>;
  /** Newest first. */
  decisions: AgentDecision[];
  next: string | null;
}

export interface DeadLetter {
  id: string;
  kind: 'room' | 'entry';
  room_id: string | null;
  reason: string;
  since: string;
  attempts: number;
}

export interface Minute {
  at: string;
  arrived: number;
  reserved: number;
  assigned: number;
  resolved: number;
  repaired: number;
  wait_p50_seconds: number | null;
  wait_p95_seconds: number | null;
}

/** How evenly rooms lie on those who are online. */
export interface Spread {
  least: number;
  most: number;
  mean: number;
  deviation: number;
}

export interface DryRun {
  dry_run: boolean;
  compared: number;
  agreed: number;
  unknown: number;
  agreement: number | null;
  spread: { ours: Spread; theirs: Spread | null };
  /** How unevenly loads have lain on average, here and there; null: not read yet. */
  average_deviation: { ours: number; theirs: number } | null;
  /** `given`: chats so far. */
  agents: { id: string; name: string; given: { ours: number; theirs: number } }[];
}

export const readRoom = (id: string): Promise<RoomDetail> => call('GET', `/rooms/${segment(id)}`);
export const readCandidates = (id: string): Promise<Candidates> => call('GET', `/rooms/${segment(id)}/candidates`);

/** What was decided about an agent. @param after a record id: older than that */
export const readAgentDecisions = (id: string, sinceMs: number, after: string | null): Promise<AgentDecisions> =>
  call('GET', `/agents/${segment(id)}/decisions?since=${sinceMs}&limit=50${after === null ? '' : `&after=${after}`}`);

export const readLetters = (): Promise<{ total: number; dead_letters: DeadLetter[] }> =>
  call('GET', '/dead_letters?limit=100');
export const readRates = (): Promise<{ complete: boolean; minutes: Minute[] }> => call('GET', '/rates?minutes=60');
export const readDryRun = (): Promise<DryRun> => call('GET', '/dry_run');
