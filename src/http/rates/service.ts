/**
 * What happened a minute, of one app: counts, and how long rooms waited, for the past hour.
 *
 * 1. Begins when first asked: an app that nobody looks at costs nothing. It reads the past hour's records in pages, then
 *    listens; between the two nothing is missed and nothing counted twice.
 * 2. Follows the journal alone, by the records' ids, which are times of one clock: every process gives the same answer.
 * 3. Keeps counts and histograms of an hour; older minutes are forgotten. A customer's wait counts once a session, when an
 *    agent first has the room.
 * Ends with the app. When the past cannot be read, the next asking goes on where it stopped.
 */
import type { QiscusApp } from '../../apps/app';
import { idMs, isOlder } from '../../ids';
import { confirmationMsOf, endsSession, outcomeOf, repairOf, waitOf } from '../../ledger/meaning';
import type { JournalRecord } from '../../ledger/model';
import { Histogram } from './histogram';

/** Longer than an hour is what Prometheus is for. */
export const MOST_MINUTES = 60;
const MINUTE_MS = 60_000;
const PAGE = 500;
/** The first to ask waits so long for the past, ms; then the answer is what is known. */
const PATIENCE_MS = 2_000;

export interface Minute {
  atMs: number;
  arrived: number;
  reserved: number;
  assigned: number;
  resolved: number;
  repaired: number;
  /** Arrival until an agent first has it. */
  wait: Histogram;
  /** Reserved to assigned, of every confirmation. */
  assign: Histogram;
}

const newMinute = (atMs: number): Minute => ({
  atMs,
  arrived: 0,
  reserved: 0,
  assigned: 0,
  resolved: 0,
  repaired: 0,
  wait: new Histogram(),
  assign: new Histogram(),
});

const minuteOf = (ms: number): number => ms - (ms % MINUTE_MS);

/** Does a session begin? A parked room that its customer revives has begun before. */
function isArrival({ event, fields }: JournalRecord): boolean {
  if (event === 'room.adopted') return true;
  const placed = event === 'room.waiting' || (event === 'room.reserved' && fields.entry !== undefined);
  return placed && fields.session !== 'revived';
}

/** The arithmetic: records in, minutes out. */
export class Minutes {
  readonly #minutes = new Map<number, Minute>();

  /** Counts one record; they come in order. */
  count(record: JournalRecord): void {
    const { id, event, fields } = record;
    if (fields.room === undefined || outcomeOf(record) === null) return;
    const atMs = idMs(id);
    const minute = this.#at(minuteOf(atMs));
    if (isArrival(record)) minute.arrived++;
    if (endsSession(record)) minute.resolved++;
    if (repairOf(record) !== null) minute.repaired++;
    if (event === 'room.reserved') minute.reserved++;
    if (event === 'room.assigned') minute.assigned++;
    const wait = waitOf(record);
    if (wait !== null) minute.wait.add(wait.ms);
    const confirmationMs = confirmationMsOf(record);
    if (confirmationMs !== null) minute.assign.add(confirmationMs);
  }

  /** The minute of `nowMs` and those before it, oldest first. @param count 1 to MOST_MINUTES */
  last(count: number, nowMs: number): Minute[] {
    const newest = minuteOf(nowMs);
    return Array.from({ length: count }, (_, i) => {
      const atMs = newest - (count - 1 - i) * MINUTE_MS;
      return this.#minutes.get(atMs) ?? newMinute(atMs);
    });
  }

  #at(atMs: number): Minute {
    const known = this.#minutes.get(atMs);
    if (known) return known;
    const minute = newMinute(atMs);
    this.#minutes.set(atMs, minute);
    for (const old of this.#minutes.keys()) if (old <= atMs - MOST_MINUTES * MINUTE_MS) this.#minutes.delete(old);
    return minute;
  }
}

/** One app's minutes, kept up to date. */
export class Rates {
  readonly #app: Pick<QiscusApp, 'feed' | 'gone'>;
  readonly #minutes = new Minutes();
  /** The newest record that was counted, or where to begin. */
  #last: string;
  #live = false;
  /** Records that were told while a page was read: the page may not have them. */
  #early: JournalRecord[] = [];
  #reading: Promise<void> | null = null;

  constructor(app: Pick<QiscusApp, 'feed' | 'gone'>, nowMs: number) {
    this.#app = app;
    this.#last = `${minuteOf(nowMs) - (MOST_MINUTES - 1) * MINUTE_MS}-0`;
    const unsubscribe = app.feed.subscribe((record) => {
      if (this.#live) this.#count(record);
      else if (this.#reading) this.#early.push(record);
    });
    app.gone.addEventListener('abort', unsubscribe);
  }

  /** `complete` false: the past is not all read yet. @param count 1 to MOST_MINUTES */
  async read(count: number, nowMs: number): Promise<{ complete: boolean; minutes: Minute[] }> {
    if (!this.#live) {
      this.#reading ??= this.#readPast().finally(() => {
        this.#reading = null;
      });
      await Promise.race([this.#reading, Bun.sleep(PATIENCE_MS)]);
    }
    return { complete: this.#live, minutes: this.#minutes.last(count, nowMs) };
  }

  async #readPast(): Promise<void> {
    while (!this.#live && !this.#app.gone.aborted) {
      this.#early = [];
      const page = await this.#app.feed.page(this.#last, PAGE).catch(() => null);
      // Redis is away, which others say.
      if (page === null) break;
      for (const record of page.records) this.#count(record);
      if (page.next === null) {
        for (const record of this.#early) this.#count(record);
        this.#live = true;
      } else this.#last = page.next;
    }
    this.#early = [];
  }

  #count(record: JournalRecord): void {
    if (!isOlder(this.#last, record.id)) return;
    this.#last = record.id;
    this.#minutes.count(record);
  }
}
