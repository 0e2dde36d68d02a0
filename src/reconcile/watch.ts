/**
 * The leader's look at what people should be told.
 *
 * 1. Every process hears the journal, leading or not (heard.ts). Whoever leads leaves what it heard as notes in the ledger,
 *    once a minute, for one that was not there.
 * 2. `look` reads the health, applies the rules (alerts.ts), and notes what holds (lua/note_alerts.lua): there it is decided
 *    what is news, so that another leader tells nothing twice. The decision log says it.
 * Holds no timer: the leader calls it.
 */
import type { Ledger } from '../ledger/index';
import type { JournalRecord, LedgerDesk } from '../ledger/model';
import type { AlertCode } from '../ledger/verdicts';
import { type Alert, type AlertRules, alertsIn, LASTS_MS } from './alerts';
import { Heard } from './heard';

const MINUTE_MS = 60_000;
/** A condition must be away for so long before people are told that it is over: what comes and goes is one alert (but for silences). */
const CALM_MS = 5 * MINUTE_MS;

export class Watch {
  readonly #ledger: Pick<Ledger, 'noteAlerts'>;
  readonly #desk: Pick<LedgerDesk, 'readHealth'>;
  readonly #config: AlertRules;
  readonly #heard = new Heard();
  /** Since when a condition holds without a break. */
  readonly #heldSinceMs = new Map<AlertCode, number>();
  #savedMs = 0;

  constructor(ledger: Pick<Ledger, 'noteAlerts'>, desk: Pick<LedgerDesk, 'readHealth'>, config: AlertRules) {
    this.#ledger = ledger;
    this.#desk = desk;
    this.#config = config;
  }

  /** Hears one journal record. */
  see(record: JournalRecord): void {
    this.#heard.hear(record);
  }

  /** Somebody else leads now: what held until then may not have held meanwhile. */
  forget(): void {
    this.#heldSinceMs.clear();
  }

  /** @throws ServiceError STORE_UNAVAILABLE */
  async look(): Promise<void> {
    const health = await this.#desk.readHealth();
    const nowMs = health.atMs;
    this.#heard.recall(health.watch);
    const found = alertsIn(health, this.#heard, this.#config);
    const standing = health.alerts.map(({ code }) => code);
    const lasting = this.#lasting(found, nowMs);
    const told = found.filter((alert) => standing.includes(alert.code) || lasting.includes(alert));
    const notes = this.#heard.notes();
    const isDue = notes !== health.watch && Math.abs(nowMs - this.#savedMs) >= MINUTE_MS;
    if (told.length + standing.length === 0 && !isDue) return;
    this.#savedMs = nowMs;
    const alerts = told.map(({ code, count, room }) => ({ code, count, roomId: room?.id ?? null }));
    await this.#ledger.noteAlerts(alerts, this.#config.alerts.repeatMinutes * MINUTE_MS, CALM_MS, notes);
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
}
