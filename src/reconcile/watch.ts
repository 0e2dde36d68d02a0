/**
 * The leader's look at what people should be told.
 *
 * 1. Every process hears the journal, leading or not: when the last allocation webhook came, and what was repaired in the
 *    last hour. Whoever leads leaves these as notes in the ledger, once a minute, for one that was not there.
 * 2. `look` reads the health, applies the rules (alerts.ts), and notes what holds (lua/note_alerts.lua): there it is decided
 *    what is news, so that another leader tells nothing twice. The decision log says it.
 * Holds no timer: the leader calls it.
 */
import type { AppConfig } from '../config';
import type { Ledger } from '../ledger/index';
import { repairOf, webhookKindOf } from '../ledger/meaning';
import type { JournalRecord, LedgerDesk } from '../ledger/model';
import type { AlertCode } from '../ledger/verdicts';
import { type Alert, alertsIn, LASTS_MS } from './alerts';

const MINUTE_MS = 60_000;
const MINUTES_KEPT = 60;
/** A condition must be away for so long before its alert is over: the line's head changes, a breaker is tried. */
const CALM_MS = 5 * MINUTE_MS;

const minuteOf = (ms: number): number => Math.floor(ms / MINUTE_MS);

export class Watch {
  readonly #ledger: Pick<Ledger, 'noteAlerts'>;
  readonly #desk: Pick<LedgerDesk, 'readHealth'>;
  readonly #rules: AppConfig['alerts'];
  readonly #nowMs: () => number;
  #allocationMs: number | null = null;
  /** Repairs by minute since the epoch. */
  readonly #repairs = new Map<number, number>();
  /** Since when a condition holds without a break. */
  readonly #heldSinceMs = new Map<AlertCode, number>();
  #savedMs = 0;

  constructor(
    ledger: Pick<Ledger, 'noteAlerts'>,
    desk: Pick<LedgerDesk, 'readHealth'>,
    rules: AppConfig['alerts'],
    nowMs: () => number,
  ) {
    this.#ledger = ledger;
    this.#desk = desk;
    this.#rules = rules;
    this.#nowMs = nowMs;
  }

  /** Hears one journal record. */
  see(record: JournalRecord): void {
    if (webhookKindOf(record) === 'allocation') this.#allocationMs = Math.max(this.#allocationMs ?? 0, record.atMs);
    if (repairOf(record) === null) return;
    const minute = minuteOf(record.atMs);
    this.#repairs.set(minute, (this.#repairs.get(minute) ?? 0) + 1);
    // Also where somebody else leads, and nobody looks.
    this.#dropOld(record.atMs);
  }

  /** Somebody else leads now: what held until then may not have held meanwhile. */
  forget(): void {
    this.#heldSinceMs.clear();
  }

  /** @throws ServiceError STORE_UNAVAILABLE */
  async look(): Promise<void> {
    const nowMs = this.#nowMs();
    const health = await this.#desk.readHealth();
    this.#recall(health.watch);
    // Nothing known of webhooks: the silence begins with us.
    this.#allocationMs = Math.min(this.#allocationMs ?? nowMs, nowMs);
    this.#dropOld(nowMs);
    const repairs = [...this.#repairs.values()].reduce((total, count) => total + count, 0);
    const found = alertsIn({ health, repairs, silentMs: nowMs - this.#allocationMs }, this.#rules);
    const standing = health.alerts.map(({ code }) => code);
    const lasting = this.#lasting(found, nowMs);
    const told = found.filter((alert) => standing.includes(alert.code) || lasting.includes(alert));
    const notes = this.#notes();
    const isDue = notes !== health.watch && Math.abs(nowMs - this.#savedMs) >= MINUTE_MS;
    if (told.length + standing.length === 0 && !isDue) return;
    this.#savedMs = nowMs;
    await this.#ledger.noteAlerts(told, this.#rules.repeatMinutes * MINUTE_MS, CALM_MS, notes);
  }

  /** Minutes to come are from before the clock was set back. */
  #dropOld(nowMs: number): void {
    for (const minute of this.#repairs.keys()) {
      if (minute <= minuteOf(nowMs) - MINUTES_KEPT || minute > minuteOf(nowMs)) this.#repairs.delete(minute);
    }
  }

  /** Those whose condition has held for as long as it must. */
  #lasting(found: Alert[], nowMs: number): Alert[] {
    for (const code of this.#heldSinceMs.keys()) {
      if (!found.some((alert) => alert.code === code)) this.#heldSinceMs.delete(code);
    }
    return found.filter(({ code }) => {
      const sinceMs = Math.min(this.#heldSinceMs.get(code) ?? nowMs, nowMs);
      this.#heldSinceMs.set(code, sinceMs);
      return nowMs - sinceMs >= (LASTS_MS[code] ?? 0);
    });
  }

  /** `<ms of the last allocation> <minute>:<repairs> …`, the newest minutes last. */
  #notes(): string {
    const minutes = [...this.#repairs].sort(([a], [b]) => a - b).map(([minute, count]) => `${minute}:${count}`);
    return [this.#allocationMs ?? 0, ...minutes].join(' ');
  }

  /** Takes over what is not known here; who heard both knows the larger number. */
  #recall(notes: string): void {
    const [allocation = '', ...minutes] = notes.split(' ');
    if (Number(allocation) > 0) this.#allocationMs = Math.max(this.#allocationMs ?? 0, Number(allocation));
    for (const text of minutes) {
      const [minute = Number.NaN, count = 0] = text.split(':').map(Number);
      if (count > (this.#repairs.get(minute) ?? 0)) this.#repairs.set(minute, count);
    }
  }
}
