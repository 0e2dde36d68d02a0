/**
 * The decision log: one line per journal record, written by whoever leads.
 *
 * 1. Goes on where the last leader was, so that no decision is missing after a crash; the last moment may come twice, in
 *    the logs of two processes.
 * 2. Writes what this process's reader of the journal heard, which costs nothing more; what it did not hear is read.
 * 3. The journal holds neither names nor secrets; what a line shows of it is listed here.
 */
import type { Logger } from 'pino';
import { isOlder } from '../ids';
import type { Ledger } from '../ledger/index';
import { isNothingLost } from '../ledger/meaning';
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
/** Whom it concerns reads them in a channel, far from any documentation. */
const WARNINGS = {
  'room.parked': 'a room is parked and needs a person',
  'qiscus.paused': 'Qiscus is not called for a while: it refuses us, does not answer, or asks us to slow down',
  'entry.buried': 'a webhook could not be worked on and is set aside as a dead letter',
};
const LOST = {
  'room.repaired': 'a resolve webhook was lost: the room was found to be over',
  'room.adopted': 'an allocation webhook was lost: the room was found waiting',
};

export class DecisionLog {
  readonly #ledger: Ledger;
  readonly #journal: JournalFeed;
  readonly #logger: Logger;
  readonly #warnings: ReadonlyMap<string, string>;
  /** The newest record that was written. */
  #last = '0-0';
  /** The same while it is not noted in Redis. */
  #unnoted: string | null = null;
  #heard: JournalRecord[] = [];
  /** All records after this one were heard, in order; null: not known yet. */
  #wholeAfter: string | null = null;
  #unlisten: (() => void) | null = null;

  /** @param dryRun it may well get no webhooks at all: that one was lost is nobody's worry */
  constructor(ledger: Ledger, journal: JournalFeed, logger: Logger, dryRun = false) {
    this.#ledger = ledger;
    this.#journal = journal;
    this.#logger = logger;
    this.#warnings = new Map(Object.entries(dryRun ? WARNINGS : { ...WARNINGS, ...LOST }));
  }

  /** Writes what was decided since the last time; only the leader may call it. */
  async catchUp(): Promise<void> {
    if (!this.#unlisten) {
      const noted = await this.#ledger.noteLogged('');
      this.#last = this.#unnoted && isOlder(noted, this.#unnoted) ? this.#unnoted : noted;
      this.#unlisten = this.#journal.subscribe((record) => this.#hear(record));
    }
    const isWhole = this.#wholeAfter !== null && !isOlder(this.#last, this.#wholeAfter);
    if (isWhole) await this.#log(this.#heard.splice(0));
    for (let page = 0; page < MOST_PAGES; page++) {
      const { records, next } = await this.#journal.page(this.#last, RECORDS_AT_ONCE);
      await this.#log(records, next);
      if (next === null) {
        this.#wholeAfter ??= this.#last;
        return;
      }
    }
  }

  /** Somebody else leads now, or may have led meanwhile. */
  forget(): void {
    this.#unlisten?.();
    this.#unlisten = null;
    this.#heard = [];
    this.#wholeAfter = null;
  }

  #hear(record: JournalRecord): void {
    if (this.#heard.length === MOST_HEARD) {
      this.#wholeAfter = this.#heard.at(-1)?.id ?? null;
      this.#heard = [];
    }
    this.#heard.push(record);
  }

  /** @param upTo a newer record, when some that are left out follow */
  async #log(records: JournalRecord[], upTo: string | null = null): Promise<void> {
    const fresh = records.filter(({ id }) => isOlder(this.#last, id));
    for (const record of fresh) this.#write(record);
    const newest = upTo ?? fresh.at(-1)?.id;
    if (newest === undefined) return;
    this.#last = this.#unnoted = newest;
    await this.#ledger.noteLogged(newest);
    this.#unnoted = null;
  }

  #write(record: JournalRecord): void {
    const line: Record<string, string> = { event: record.event, journal: record.id };
    for (const field of LOGGED) {
      const value = record.fields[field];
      if (value) line[field] = value;
    }
    const alert = alertLine(record);
    const warning = isNothingLost(record.fields) ? undefined : this.#warnings.get(record.event);
    if (alert) this.#logger[alert.level](line, alert.text);
    else if (warning !== undefined) this.#logger.warn(line, warning);
    else if (record.event === 'call.sent') this.#logger.debug(line, record.event);
    else this.#logger.info(line, record.event);
  }
}
