/** How lost webhooks were made good, by what the journal says of their rooms afterwards. Pure. */
import type { JournalRecord } from '../../src/ledger/model';
import type { Loss } from '../../src/qiscus/sandbox/traffic';

/**
 * asked: found by asking Qiscus (its lists, or the room itself); webhook: the room's next webhook said as much; call: Qiscus's
 * answer to an assignment did; needless: the room was in line already; silent: the journal has no word of it.
 */
export type Way = 'asked' | 'webhook' | 'call' | 'needless' | 'silent';

const IN_LINE = ['waiting', 'reserved'];

/** @param journal all records, oldest first @returns how many losses each way; those that were met only */
export function madeGood(losses: readonly Loss[], journal: readonly JournalRecord[]): Map<Way, number> {
  const ofRoom = Map.groupBy(journal, ({ fields }) => fields.room ?? '');
  const found = Map.groupBy(losses, (loss) => wayOf(loss, ofRoom.get(loss.roomId) ?? []));
  return new Map([...found].map(([way, some]) => [way, some.length]));
}

function wayOf({ kind, atMs }: Loss, records: readonly JournalRecord[]): Way {
  const before = records.findLast((record) => record.atMs < atMs && record.fields.state !== undefined);
  if (kind === 'agent_allocation' && IN_LINE.includes(before?.fields.state ?? '')) return 'needless';
  for (const record of records) {
    if (record.atMs < atMs) continue;
    if (record.event === 'room.adopted' || record.event === 'room.repaired') return 'asked';
    if (record.event === 'room.closed') return 'call';
    if (record.fields.entry !== undefined) return 'webhook';
  }
  return 'silent';
}
