/**
 * Jobs that come again and again: when each is due, and that only one of a kind runs at a time.
 *
 * 1. `begins` asks and begins: a job's period counts from its last beginning.
 * 2. `every` runs a job beside everything else; one that fails is logged, and comes again.
 * Holds no timer: whoever owns it looks often enough.
 */
import type { Logger } from 'pino';

export class Periods {
  readonly #nowMs: () => number;
  readonly #isStopped: () => boolean;
  readonly #log: Logger;
  /** When each kind began last, ms; absent: never. */
  readonly #begunMs = new Map<string, number>();
  readonly #underWay = new Set<string>();

  /** @param isStopped then nobody wants to know why a job ended */
  constructor(nowMs: () => number, isStopped: () => boolean, log: Logger) {
    this.#nowMs = nowMs;
    this.#isStopped = isStopped;
    this.#log = log;
  }

  /**
   * Is the period since its last beginning over? Then it begins now. Also when the clock went back: waiting for its old time
   * could take hours. @param periodMs 0: always
   */
  begins(kind: string, periodMs: number): boolean {
    const nowMs = this.#nowMs();
    const sinceMs = nowMs - (this.#begunMs.get(kind) ?? Number.NEGATIVE_INFINITY);
    if (sinceMs >= 0 && sinceMs < periodMs) return false;
    this.#begunMs.set(kind, nowMs);
    return true;
  }

  /** Runs `job` when its period is over and its last run has ended. */
  every(kind: string, periodMs: number, job: () => Promise<void>): void {
    if (this.#underWay.has(kind) || !this.begins(kind, periodMs)) return;
    this.#underWay.add(kind);
    const what = `the ${kind} job failed; it comes again`;
    job()
      .catch((err) => this.#isStopped() || this.#log.warn({ event: `${kind}.failed`, err }, what))
      .finally(() => this.#underWay.delete(kind));
  }

  /** It is due at once. */
  hurry(kind: string): void {
    this.#begunMs.delete(kind);
  }
}
