/**
 * What a journal record means to those who count and compare. Pure; every word is one of a few, whatever a record holds.
 */
import type { JournalRecord } from './model';

export type WebhookKind = 'allocation' | 'resolved';

/** The kind of webhook that this record answers; null: it answers none, or one that could not be read. */
export function webhookKindOf({ event, fields }: JournalRecord): WebhookKind | null {
  if (fields.entry === undefined) return null;
  if (event === 'room.waiting' || event === 'room.reserved' || event === 'entry.repeated') return 'allocation';
  if (event === 'room.released' || event === 'entry.unheld') return 'resolved';
  if (event === 'entry.stale') return fields.state === 'not_held' ? 'resolved' : 'allocation';
  return null;
}

/** Of a room that was adopted: its customer came back, of which we were told, or we had closed it ourselves. */
export const isNothingLost = ({ reason }: JournalRecord['fields']): boolean =>
  reason === 'came_back' || reason === 'still_listed';

export const REPAIRS = ['resolve_missed', 'allocation_missed', 'agent_gone'] as const;

/** What was found to differ from Qiscus, and was mended; null: nothing. */
export function repairOf({ event, fields }: JournalRecord): (typeof REPAIRS)[number] | null {
  if (event === 'room.repaired' || event === 'room.superseded') return 'resolve_missed';
  // What others serve, only a dry run takes in.
  if (event === 'room.adopted') return fields.qiscus === 'served' || isNothingLost(fields) ? null : 'allocation_missed';
  return event === 'room.returned' && fields.reason === 'agent_gone' ? 'agent_gone' : null;
}

export const DUPLICATES = ['repeated', 'stale', 'not_held'] as const;

/** Why a webhook changed nothing; null: it did, or this answers none. */
export function duplicateOf({ event }: JournalRecord): (typeof DUPLICATES)[number] | null {
  if (event === 'entry.repeated') return 'repeated';
  if (event === 'entry.stale') return 'stale';
  return event === 'entry.unheld' ? 'not_held' : null;
}

export const OUTCOMES = [
  'waiting',
  'reserved',
  'assigned',
  'refused',
  'returned',
  'requeued',
  'parked',
  'released',
  'closed',
  'superseded',
  'repaired',
  'expired',
  'adopted',
] as const;

/** What became of a room; null: nothing that changes its state. */
export function outcomeOf({ event }: JournalRecord): (typeof OUTCOMES)[number] | null {
  if (!event.startsWith('room.')) return null;
  const word = event.slice('room.'.length);
  return OUTCOMES.find((outcome) => outcome === word) ?? null;
}

/**
 * How long a customer waited until an agent had the room, ms, and how much of it until the reservation that Qiscus confirmed.
 * Told once a session, when it is first confirmed; null: by no other record.
 */
export function waitOf({ event, fields }: JournalRecord): { ms: number; inLineMs: number } | null {
  if (event !== 'room.assigned' || !fields.waited) return null;
  const ms = Number(fields.waited);
  return { ms, inLineMs: Math.max(0, ms - Number(fields.took ?? 0)) };
}

/** How long Qiscus's confirmation took since the reservation, ms; null: this confirms nothing. */
export function confirmationMsOf({ event, fields }: JournalRecord): number | null {
  return event === 'room.assigned' && fields.took ? Number(fields.took) : null;
}

const ENDS: readonly string[] = ['room.released', 'room.closed', 'room.expired', 'room.repaired', 'room.superseded'];

/** Does this record end a session of its room, whoever noticed it? */
export const endsSession = ({ event }: JournalRecord): boolean => ENDS.includes(event);

export const REFUSALS = ['occupied', 'resolved', 'status_400', 'status_404', 'status_422', 'other'] as const;

/** Why Qiscus said no about a room, when this record says that it did. */
export function refusalOf({ event, fields }: JournalRecord): (typeof REFUSALS)[number] | null {
  const isNo = event === 'room.refused' || event === 'room.closed' || (event === 'room.parked' && fields.refusals);
  if (!isNo) return null;
  const { reason = '' } = fields;
  if (reason === 'exceed_max_agents') return 'occupied';
  if (reason === 'already_resolved' || reason === 'shown_resolved') return 'resolved';
  return REFUSALS.find((known) => known === reason.replace('refused_', 'status_')) ?? 'other';
}

export const CALLS = ['assigned', 'inferred', 'refused', 'denied', 'slowed', 'unanswered', 'asked', 'fenced'] as const;

/** How a call for a room ended at Qiscus, when this record tells; null too where a dry run made none. */
export function callOf(record: JournalRecord): (typeof CALLS)[number] | null {
  const { event, fields } = record;
  const { reason = '' } = fields;
  if (event === 'room.assigned') return reason === 'dry_run' ? null : reason === 'inferred' ? 'inferred' : 'assigned';
  if (event === 'call.fenced') return 'fenced';
  if (event === 'room.answered') return fields.qiscus === 'none' ? 'unanswered' : 'asked';
  if (event === 'room.parked' && fields.unknowns) return 'unanswered';
  if (event === 'call.deferred') {
    if (reason.startsWith('denied_')) return 'denied';
    return reason === 'slow_down' ? 'slowed' : 'unanswered';
  }
  return refusalOf(record) === null ? null : 'refused';
}
