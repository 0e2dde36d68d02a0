/** Finds one session of a room in the room's journal records. Pure. */
import { endsSession } from '../ledger/meaning';
import type { JournalRecord } from '../ledger/model';

const OPENS: readonly string[] = ['room.waiting', 'room.reserved', 'room.adopted'];

export interface Session {
  /** The newest record about the room, of this session or a later one. */
  last: string;
  /** The inbox id that opened it; '': before the oldest record that was read. */
  place: string;
  /** Whom we chose for it last; null: nobody. */
  ours: string | null;
  /** Whom Qiscus itself would have picked, as said last. */
  candidate: string | null;
  /** The agent who resolved it. */
  resolver: string | null;
  isCompared: boolean;
}

/**
 * @param records about one room, newest first
 * @param end id of the record that ended the session; null: the one that goes on
 * @returns null when the records do not reach back to it, or nobody holds it
 */
export function sessionIn(records: readonly JournalRecord[], end: string | null): Session | null {
  const first = end === null ? 0 : records.findIndex(({ id }) => id === end);
  const [newest] = records;
  const closing = records[first];
  if (!newest || !closing || (end === null && endsSession(closing))) return null;
  // What came before the session ended; a comparison made after it stands among the newer ones.
  const before = records.slice(end === null ? first : first + 1);
  const length = before.findIndex(endsSession);
  const own = length < 0 ? before : before.slice(0, length);
  const place = own.find(({ event, fields }) => OPENS.includes(event) && fields.place)?.fields.place ?? '';
  const isOwn = (record: JournalRecord) => (place === '' ? own.includes(record) : record.fields.place === place);
  const chosen = end === null ? own.find(({ event }) => event === 'room.assigned') : closing;
  // Something was said about a room that is over.
  if (!chosen) return null;
  return {
    last: newest.id,
    place,
    ours: chosen.fields.agent || null,
    candidate: own.find(({ fields }) => fields.candidate)?.fields.candidate ?? null,
    resolver: end === null ? null : (closing.fields.claimed_agent ?? null),
    isCompared: records.some((record) => record.event === 'room.compared' && isOwn(record)),
  };
}
