/**
 * What only time shows: when the last allocation webhook came, and what was repaired within the last hour, minute by minute.
 *
 * 1. Hears the journal (`hear`), or the notes of whoever leads (`recall`): who heard both knows the later and the larger.
 * 2. `notes` is it all as text, for the next leader and for those who only read (alerts.ts).
 */
import { repairOf, webhookKindOf } from '../ledger/meaning';
import type { JournalRecord } from '../ledger/model';

const MINUTE_MS = 60_000;
const MINUTES_KEPT = 60;

const minuteOf = (ms: number): number => Math.floor(ms / MINUTE_MS);

export class Heard {
  #allocationMs: number | null = null;
  /** Repairs by minute since the epoch. */
  readonly #repairs = new Map<number, number>();

  /** What a leader left. @param notes '' when nothing */
  static of(notes: string): Heard {
    const heard = new Heard();
    heard.recall(notes);
    return heard;
  }

  hear(record: JournalRecord): void {
    if (webhookKindOf(record) === 'allocation') this.#allocationMs = Math.max(this.#allocationMs ?? 0, record.atMs);
    if (repairOf(record) === null) return;
    const minute = minuteOf(record.atMs);
    this.#repairs.set(minute, (this.#repairs.get(minute) ?? 0) + 1);
    // Also where somebody else leads, and nobody asks.
    this.#dropOld(record.atMs);
  }

  /** Takes over what is not known here. */
  recall(notes: string): void {
    const [allocation = '', ...minutes] = notes.split(' ');
    if (Number(allocation) > 0) this.#allocationMs = Math.max(this.#allocationMs ?? 0, Number(allocation));
    for (const text of minutes) {
      const [minute = Number.NaN, count = 0] = text.split(':').map(Number);
      if (count > (this.#repairs.get(minute) ?? 0)) this.#repairs.set(minute, count);
    }
  }

  /** For how long no allocation webhook has come, ms. Where nothing is known of any, the silence begins now. */
  silentMs(nowMs: number): number {
    this.#allocationMs = Math.min(this.#allocationMs ?? nowMs, nowMs);
    return nowMs - this.#allocationMs;
  }

  /** Differences from Qiscus that were mended within the last hour. */
  repairs(nowMs: number): number {
    this.#dropOld(nowMs);
    return [...this.#repairs.values()].reduce((total, count) => total + count, 0);
  }

  /** `<ms of the last allocation> <minute>:<repairs> …`, the newest minutes last. */
  notes(): string {
    const minutes = [...this.#repairs].sort(([a], [b]) => a - b).map(([minute, count]) => `${minute}:${count}`);
    return [this.#allocationMs ?? 0, ...minutes].join(' ');
  }

  /** Minutes to come are from before the clock was set back. */
  #dropOld(nowMs: number): void {
    for (const minute of this.#repairs.keys()) {
      if (minute <= minuteOf(nowMs) - MINUTES_KEPT || minute > minuteOf(nowMs)) this.#repairs.delete(minute);
    }
  }
}
