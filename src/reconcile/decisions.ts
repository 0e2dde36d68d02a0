/**
 * The decision log: one line per journal record, written by whoever leads.
 *
 * 1. Goes on where the last leader was, so that no decision is missing after a crash; the last moment may come twice.
 * 2. Writes what this process's reader of the journal heard, which costs nothing more; what it did not hear is read.
 * 3. The journal holds neither names nor secrets; what a line shows of it is listed here.
 */
import type { Logger } from 'pino';
import { isOlder } from '../ids';
import type { Ledger } from '../ledger/index';
import type { JournalFeed, JournalRecord } from '../ledger/model';
import { alertLine } from './alerts';

const RECORDS_AT_ONCE = 500;
/** Records in one tick at most: the clock must go on. */
const MOST_PAGES = 10;
/** Most records kept between two ticks. */
const MOST_HEARD = 5_000;
const LOGGED = [
  'request',
  'room',
  'agent',
  'entry',
  'cause',
  'state',
  'reason',
  'position',
  'load',
  'limit',
  'code',
  'count',
  'about',
] as const;
const WARNINGS = new Set(['room.parked', 'room.repaired', 'room.adopted', 'qiscus.paused', 'entry.buried']);

export class DecisionLog {
  readonly #ledger: Ledger;
  readonly #journal: JournalFeed;
  readonly #logger: Logger;
  /** The newest record that was written. */
  #last: string | null = null;
  #heard: JournalRecord[] = [];
  /** Since it began to listen it has read up to the end: what is newer than that was heard. */
  #isWhole = false;
  #unlisten: (() => void) | null = null;

  constructor(ledger: Ledger, journal: JournalFeed, logger: Logger) {
    this.#ledger = ledger;
    this.#journal = journal;
    this.#logger = logger;
  }

  /** Writes what was decided since the last time; only the leader may call it. */
  async catchUp(): Promise<void> {
    this.#unlisten ??= this.#journal.subscribe((record) => this.#hear(record));
    this.#last ??= await this.#ledger.noteLogged('');
    await this.#log(this.#isWhole ? this.#heard.splice(0) : []);
    for (let page = 0; page < MOST_PAGES; page++) {
      const { records, next } = await this.#journal.page(this.#last, RECORDS_AT_ONCE);
      await this.#log(records, next);
      if (next === null) {
        this.#isWhole = true;
        return;
      }
    }
  }

  /** Somebody else leads now. */
  forget(): void {
    this.#unlisten?.();
    this.#unlisten = null;
    this.#forgetHeard();
    this.#last = null;
  }

  #forgetHeard(): void {
    this.#heard = [];
    this.#isWhole = false;
  }

  #hear(record: JournalRecord): void {
    if (this.#heard.length === MOST_HEARD) this.#forgetHeard();
    this.#heard.push(record);
  }

  /** @param upTo a newer record, when some that are left out follow */
  async #log(records: JournalRecord[], upTo: string | null = null): Promise<void> {
    const last = this.#last ?? '';
    const fresh = records.filter(({ id }) => isOlder(last, id));
    for (const record of fresh) this.#write(record);
    const newest = upTo ?? fresh.at(-1)?.id;
    if (newest !== undefined) this.#last = await this.#ledger.noteLogged(newest);
  }

  #write(record: JournalRecord): void {
    const line: Record<string, string> = { event: record.event, journal: record.id };
    for (const field of LOGGED) {
      const value = record.fields[field];
      if (value) line[field] = value;
    }
    const alert = alertLine(record);
    if (alert) this.#logger[alert.level](line, alert.text);
    else if (record.event === 'call.sent') this.#logger.debug(line, record.event);
    else if (WARNINGS.has(record.event)) this.#logger.warn(line, record.event);
    else this.#logger.info(line, record.event);
  }
}
