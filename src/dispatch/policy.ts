/**
 * What to do with each answer of Qiscus. Pure: no clock, no Redis, no HTTP.
 *
 * An answer about the room ends the reservation; no answer keeps agent and slot, since Qiscus may have done it.
 */
import type { Confirmed, Intent } from '../ledger/index';
import type { AssignOutcome, RoomReading } from '../qiscus/model';

export type Action =
  | { do: 'confirm'; reason: Confirmed }
  | { do: 'close'; reason: string }
  | { do: 'later'; delayMs: number; reason: string; doubt: boolean }
  | { do: 'park'; reason: string; doubt: boolean }
  /** Ask Qiscus for the room, then `afterReading`. */
  | { do: 'read'; reason: string }
  | {
      do: 'defer';
      kind: 'unknown' | 'denied' | 'slowed';
      sent: boolean;
      delayMs: number;
      pauseMs: number;
      reason: string;
    };

export interface Answer {
  answer: 'held' | 'taken_again' | 'refused' | 'resolved' | 'none';
  about: { kind: 'answered' | 'unknown' | 'denied' | 'slowed'; pauseMs: number };
}

/** Waits before a refused room is tried again, ms; after the last one it is parked. */
export const REFUSAL_DELAYS_MS = [1_000, 2_000, 4_000] as const;
/** Unanswered calls for one room, while other rooms are answered, after which it is parked. */
export const UNKNOWNS_BEFORE_PARKING = 8;
/** Dispatchers that left a reservation behind, after which its room is parked. */
export const TAKEOVERS_BEFORE_PARKING = 8;
const OCCUPIED = 'exceed_max_agents';
const FIRST_BACKOFF_MS = 1_000;
const LONGEST_BACKOFF_MS = 30_000;

/** @param jitter 0 to 1: spreads the repeats of calls that failed together */
export function decide(outcome: AssignOutcome, intent: Intent, jitter: number): Action {
  switch (outcome.kind) {
    case 'assigned':
      return { do: 'confirm', reason: 'confirmed' };
    case 'not_made':
      return { do: 'confirm', reason: 'dry_run' };
    case 'resolved':
      return { do: 'close', reason: 'already_resolved' };
    case 'occupied':
      // Somebody is in the room. After a call of ours without an answer, that is our agent.
      return intent.unsure ? { do: 'confirm', reason: 'inferred' } : { do: 'read', reason: OCCUPIED };
    case 'refused':
      return { do: 'read', reason: `refused_${outcome.status}` };
    case 'denied':
      return { ...deferred('denied', false, 0, jitter), reason: `denied_${outcome.status}` };
    case 'slowed':
      return { ...deferred('slowed', false, 0, jitter), pauseMs: outcome.retryAfterMs ?? 0, reason: 'slow_down' };
    case 'unknown':
      return { ...deferred('unknown', outcome.sent, intent.unknowns, jitter), reason: outcome.reason };
  }
}

/** After a definite no and a look at the room. */
export function afterReading(reading: RoomReading, reason: string, refusals: number): Action {
  if (reading.kind === 'room' && reading.resolved) return { do: 'close', reason: 'shown_resolved' };
  // The room is there and open, and nobody is in the way: then the no may be about the agent.
  const doubt = reading.kind === 'room' && reason !== OCCUPIED;
  const delayMs = REFUSAL_DELAYS_MS[refusals];
  return delayMs === undefined ? { do: 'park', reason, doubt } : { do: 'later', delayMs, reason, doubt };
}

/**
 * What an answer to "does anybody hold this room?" means, and what it tells about Qiscus.
 * @param reading of the room, before the call: in a dry run the only answer
 */
export function answerOf(outcome: AssignOutcome, reading: RoomReading): Answer {
  const answered = { kind: 'answered', pauseMs: 0 } as const;
  switch (outcome.kind) {
    case 'assigned':
      return { answer: 'taken_again', about: answered };
    case 'occupied':
      return { answer: 'held', about: answered };
    case 'resolved':
      return { answer: 'resolved', about: answered };
    case 'refused':
      return { answer: 'refused', about: answered };
    case 'not_made':
      return answerOfReading(reading);
    case 'slowed':
      return { answer: 'none', about: { kind: 'slowed', pauseMs: outcome.retryAfterMs ?? 0 } };
    case 'denied':
    case 'unknown':
      return { answer: 'none', about: { kind: outcome.kind, pauseMs: 0 } };
  }
}

/** A room that is open is served by whoever has it there. */
function answerOfReading(reading: RoomReading): Answer {
  switch (reading.kind) {
    case 'room':
    case 'missing':
      return { answer: 'held', about: { kind: 'answered', pauseMs: 0 } };
    case 'slowed':
      return { answer: 'none', about: { kind: 'slowed', pauseMs: reading.retryAfterMs ?? 0 } };
    case 'denied':
      return { answer: 'none', about: { kind: 'denied', pauseMs: 0 } };
    case 'failed':
      return { answer: 'none', about: { kind: 'unknown', pauseMs: 0 } };
  }
}

function deferred(kind: 'unknown' | 'denied' | 'slowed', sent: boolean, failures: number, jitter: number) {
  const backoffMs = Math.min(FIRST_BACKOFF_MS * 2 ** failures, LONGEST_BACKOFF_MS);
  return { do: 'defer', kind, sent, delayMs: Math.round(backoffMs * (0.5 + jitter / 2)), pauseMs: 0 } as const;
}
