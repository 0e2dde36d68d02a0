/**
 * Journal records in words: what happened, and why; and what they tell of a wait. Pure, so that tests read it without a page.
 */
import type { RoomState } from '../../../ledger/verdicts';
import type { Recorded, WhyWords } from './why-words.js';

/** What a record is to a person who looks on. */
export type Kind = 'given' | 'refused' | 'parked' | 'repaired' | 'hand';

const KINDS: Record<string, Kind> = {
  'room.reserved': 'given',
  'room.refused': 'refused',
  'room.returned': 'refused',
  'qiscus.paused': 'refused',
  'room.parked': 'parked',
  'room.expired': 'parked',
  'entry.buried': 'parked',
  'room.repaired': 'repaired',
  'room.adopted': 'repaired',
  'room.superseded': 'repaired',
  'qiscus.recovered': 'repaired',
  'room.requeued': 'hand',
  'room.erased': 'hand',
  'agent.limited': 'hand',
  'agent.paused': 'hand',
  'agent.unpaused': 'hand',
  'entry.replayed': 'hand',
  'entry.deleted': 'hand',
};

/** What kind of decision a record is; null: none, such as a chat that its agent resolved. */
export function kindOf({ event, fields }: Recorded): Kind | null {
  if (event === 'room.released') return fields.reason === 'resolved' ? null : 'hand';
  if (event === 'room.adopted' && /^(came_back|still_listed)$/.test(fields.reason ?? '')) return null;
  if (event === 'agent.offline') return fields.reason === 'refused' ? 'refused' : null;
  if (event === 'limit.changed') return /^(operator|max_customers)$/.test(fields.by ?? '') ? 'hand' : null;
  return KINDS[event] ?? null;
}

/** @param nameOf what an agent is called */
export function tell(
  record: Recorded,
  words: WhyWords,
  nameOf: (agentId: string) => string,
): { what: string; why: string } {
  const { event, fields } = record;
  const name = (id: string | undefined) => (id ? nameOf(id) : '–');
  const [what, why] = words.events[event]?.({ f: fields, name }) ?? [event];
  if (event === 'room.reserved') return { what, why: whyChosen(fields, words, nameOf) };
  if (event === 'room.returned') return { what, why: `${why} ${reasonIn(fields.reason, words)}` };
  const said = why ?? (SAYS_WHY.has(event) ? reasonIn(fields.reason, words) : '');
  return { what, why: said };
}

/** Events whose `reason` is news. */
const SAYS_WHY = new Set(['room.refused', 'room.parked', 'call.deferred', 'entry.buried']);

/** "lowest load, 1 of 5; next best Sari with 2; 3 full, 1 offline" */
function whyChosen(fields: Record<string, string>, words: WhyWords, nameOf: (id: string) => string): string {
  const { load = '', limit = '', runner_up = '', removed, reason } = fields;
  if (reason === 'fallback') return words.fallback;
  const colon = runner_up.lastIndexOf(':');
  const [second, secondLoad] = [runner_up.slice(0, colon), runner_up.slice(colon + 1)];
  const beside =
    colon < 0
      ? words.nobodyElse
      : secondLoad === load
        ? words.sameLoad(nameOf(second))
        : words.nextBest(nameOf(second), secondLoad);
  const taken = removed ? words.takenFrom(nameOf(removed)) : '';
  return [taken, words.lowest(load, limit), beside, countsIn(fields, words)].filter(Boolean).join('; ');
}

/** "3 full, 1 offline": those that are not 0. */
export function countsIn(counts: Record<string, string | number | undefined>, words: WhyWords): string {
  return Object.entries(words.counts)
    .flatMap(([key, say]) => (Number(counts[key] ?? 0) > 0 ? [say(Number(counts[key]))] : []))
    .join(', ');
}

/** A reason of the journal in words; one that is not known as it stands. */
export function reasonIn(reason: string | undefined, words: WhyWords): string {
  if (!reason) return '';
  const [, how, status] = /^(refused_|denied_|status )(\d+)$/.exec(reason) ?? [];
  if (status) return how === 'denied_' ? words.denied(status) : words.answered(status);
  return words.reasons[reason] ?? reason;
}

const ENDS_SESSION = /^room\.(released|closed|repaired|expired|superseded)$/;

/**
 * How long a room had to wait in this session, or the one that is over, until an agent first had it; null: nobody has or had it.
 * @param records about the room, newest first
 */
export function secondsWaited(state: RoomState, records: readonly Recorded[]): number | null {
  if (state !== 'assigned' && state !== 'resolved') return null;
  const ends = records.flatMap(({ event }, nth) => (ENDS_SESSION.test(event) ? [nth] : []));
  const session = records.slice(0, state === 'resolved' ? ends[1] : ends[0]);
  const { waited } = session.findLast(({ event }) => event === 'room.assigned')?.fields ?? {};
  return waited ? Number(waited) / 1000 : null;
}
