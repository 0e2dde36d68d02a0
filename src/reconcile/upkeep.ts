/**
 * What the ledger itself needs from time to time, whoever does it: what is due by its clock, and the journal's snapshot.
 * Both go on where they were; neither calls Qiscus.
 */
import type { AppConfig } from '../config';
import type { Ledger } from '../ledger/index';

const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;
const KEEP_MARK_MS = 7 * 24 * HOUR_MS;
/** Parts of a snapshot in a row: about 1,500 rooms a second, so that a large one does not hold up the others. */
const PARTS_IN_A_ROW = 32;

/** Does all that is due now, in steps. @returns how many rooms wait, and when something is due next, ms; 0: nothing is */
export async function advanceClock(
  ledger: Ledger,
  { allocation, journal }: AppConfig,
  goesOn: () => boolean,
): Promise<{ waiting: number; nextDueMs: number }> {
  for (;;) {
    const step = await ledger.advanceClock({
      // Unset time: off.
      fallbackAgentId: allocation.fallbackAfterSeconds === null ? null : allocation.fallbackAgentId,
      fallbackAfterMs: (allocation.fallbackAfterSeconds ?? 0) * SECOND_MS,
      waitMaxMs: allocation.waitMaxHours * HOUR_MS,
      keepMarkMs: KEEP_MARK_MS,
      journalMs: journal.days * 24 * HOUR_MS,
      journalEntries: journal.maxEntries,
    });
    if (!step.more || !goesOn()) return step;
  }
}

/** Goes on with the journal's snapshot, whoever began it. */
export async function snapshotJournal(ledger: Ledger, { journal }: AppConfig, goesOn: () => boolean): Promise<void> {
  const keepMs = journal.days * 24 * HOUR_MS;
  for (let part = 0; part < PARTS_IN_A_ROW && goesOn(); part++) {
    if ((await ledger.snapshotJournal(keepMs, journal.maxEntries)) !== 'more') return;
  }
}
