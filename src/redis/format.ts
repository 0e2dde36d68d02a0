/**
 * The format of what is kept under an app's keys: records, entries of inbox and outbox, the journal, members of sorted sets.
 *
 * 1. One number for all, here and in lua/prelude/records.lua; a contract test holds both together.
 * 2. The ledger's own is `format` in `meta` (absent: 1). Every script of the ledger looks at it first: a newer process
 *    raises it before it writes anything else, and an older one takes, changes and buries nothing from then on (NEWER).
 * 3. What passes by the scripts (an inbox entry is appended, a journal record is read without one) says its format in a
 *    field `v`; without one it is 1.
 *
 * Changing a format. What older processes can live with needs no new one: a field more in an entry or a journal record, a
 * key more, a field more at the end of a record (they drop it when they write the record: its default must do). Else:
 *   - raise the number in both places, and read all older formats too (a record's stands in front of it, in `unpack_record`);
 *   - test it beside the version before (test/chaos/upgrade.test.ts), and say so in the release notes: README, Upgrading.
 * Versions up to commit 715bb3f do not look at the ledger's format: none of them may be left when it is raised.
 */
import { ServiceError } from '../errors';

/** What this version writes, and the newest that it reads. */
export const FORMAT: number = 1;

/** Was this written in a format that this version does not know? */
export function isNewer(fields: Record<string, string>): boolean {
  return Number(fields.v ?? 1) > FORMAT;
}

/** A newer version works on the ledger: this one leaves everything to it. */
export class NewerFormat extends ServiceError {
  constructor(readonly format: number) {
    const what = `The ledger in Redis has format ${format}, and this version of the service knows ${FORMAT} at most.`;
    super('STORE_UNAVAILABLE', `${what} A newer version has worked on it: run that one.`);
    this.name = 'NewerFormat';
  }
}

/** The NewerFormat that a script's error means, or null. */
export function newerFormat(error: unknown): NewerFormat | null {
  const found = error instanceof Error && /\bNEWER (\d+)/.exec(error.message);
  return found ? new NewerFormat(Number(found[1])) : null;
}
