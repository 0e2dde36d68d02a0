/**
 * The decision log: one line per journal record, written by whoever leads.
 *
 * 1. Goes on where the last leader was, so that no decision is missing after a crash; the last moment may come twice.
 * 2. The journal holds neither names nor secrets; what a line shows of it is listed here.
 */
import type { Logger } from 'pino';
import type { Ledger } from '../ledger/index';
import type { JournalFeed, JournalRecord } from '../ledger/model';

const RECORDS_AT_ONCE = 500;
/** Records in one tick at most: the clock must go on. */
const MOST_PAGES = 10;
const LOGGED = ['request', 'room', 'agent', 'entry', 'cause', 'state', 'reason', 'position', 'load', 'limit'] as const;
const WARNINGS = new Set(['room.parked', 'room.repaired', 'room.adopted', 'qiscus.paused', 'entry.buried']);

export class DecisionLog {
  readonly #ledger: Ledger;
  readonly #journal: JournalFeed;
  readonly #logger: Logger;
  #last: string | null = null;

  constructor(ledger: Ledger, journal: JournalFeed, logger: Logger) {
    this.#ledger = ledger;
    this.#journal = journal;
    this.#logger = logger;
  }

  /** Writes what was decided since the last time; only the leader may call it. */
  async catchUp(): Promise<void> {
    this.#last ??= await this.#ledger.noteLogged('');
    for (let page = 0; page < MOST_PAGES; page++) {
      const { records, next } = await this.#journal.page(this.#last, RECORDS_AT_ONCE);
      const newest = next ?? records.at(-1)?.id;
      if (newest === undefined) return;
      for (const record of records) this.#write(record);
      this.#last = await this.#ledger.noteLogged(newest);
    }
  }

  /** Somebody else leads now. */
  forget(): void {
    this.#last = null;
  }

  #write(record: JournalRecord): void {
    const line: Record<string, string> = { event: record.event, journal: record.id };
    for (const field of LOGGED) {
      const value = record.fields[field];
      if (value) line[field] = value;
    }
    if (record.event === 'call.sent') this.#logger.debug(line, record.event);
    else if (WARNINGS.has(record.event)) this.#logger.warn(line, record.event);
    else this.#logger.info(line, record.event);
  }
}
