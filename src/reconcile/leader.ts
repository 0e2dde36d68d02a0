/**
 * What one process does for all: the clock, the takeover of abandoned intents, the roster.
 *
 * 1. Holds a lease while it lives; when it dies another process has it within LEASE_MS.
 * 2. Every tick: what is due by time. Every few seconds: intents whose dispatcher died. Every period: Qiscus's agents.
 * 3. `stop` gives the lease back.
 */
import type { Logger } from 'pino';
import type { Config } from '../config';
import { TAKEOVERS_BEFORE_PARKING } from '../dispatch/policy';
import type { Ledger } from '../ledger/index';
import type { LedgerDesk } from '../ledger/model';
import type { Qiscus } from '../qiscus/model';
import { syncAgents } from './agents';

const TICK_MS = 200;
const LEASE_MS = 5_000;
const RECLAIM_EVERY_MS = 2_000;
const HOUR_MS = 3_600_000;
const KEEP_MARK_MS = 7 * 24 * HOUR_MS;

export class Leader {
  readonly #ledger: Ledger;
  readonly #desk: LedgerDesk;
  readonly #qiscus: Qiscus;
  readonly #config: Config;
  readonly #nowMs: () => number;
  readonly #holder: string;
  readonly #log: Logger;
  #stopped = false;
  #leads = false;
  readonly #ready = Promise.withResolvers<void>();
  #running: Promise<void> = Promise.resolve();
  #syncing: Promise<void> | null = null;
  #reclaimAtMs = 0;
  #syncAtMs = 0;

  /** @param holder unique per process */
  constructor(
    ledger: Ledger,
    desk: LedgerDesk,
    qiscus: Qiscus,
    config: Config,
    nowMs: () => number,
    holder: string,
    log: Logger,
  ) {
    this.#ledger = ledger;
    this.#desk = desk;
    this.#qiscus = qiscus;
    this.#config = config;
    this.#nowMs = nowMs;
    this.#holder = holder;
    this.#log = log;
  }

  /** Whether this process leads now: only the leader writes the decision log. */
  get leads(): boolean {
    return this.#leads;
  }

  /** Resolves when the agents were read once, well or not, or somebody else leads. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
    if (this.#leads) await this.#ledger.takeLease(this.#holder, 0).catch(() => undefined);
    this.#leads = false;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      try {
        this.#leads = await this.#ledger.takeLease(this.#holder, LEASE_MS);
        if (this.#leads) await this.#lead();
        else this.#ready.resolve();
      } catch (error) {
        this.#leads = false;
        this.#log.debug({ event: 'leader.failed', reason: String(error) }, 'a tick of the leader failed');
      }
      await Bun.sleep(TICK_MS);
    }
  }

  async #lead(): Promise<void> {
    const { allocation, journal, outboxClaimMs, rosterSyncSeconds } = this.#config;
    for (let more = true; more && !this.#stopped; ) {
      const tick = await this.#ledger.advanceClock({
        // Unset time: off.
        fallbackAgentId: allocation.fallbackAfterSeconds === null ? null : allocation.fallbackAgentId,
        fallbackAfterMs: (allocation.fallbackAfterSeconds ?? 0) * 1_000,
        waitMaxMs: allocation.waitMaxHours * HOUR_MS,
        keepMarkMs: KEEP_MARK_MS,
        journalMs: journal.days * 24 * HOUR_MS,
        journalEntries: journal.maxEntries,
      });
      more = tick.more;
    }
    const nowMs = this.#nowMs();
    if (nowMs >= this.#reclaimAtMs) {
      this.#reclaimAtMs = nowMs + RECLAIM_EVERY_MS;
      await this.#ledger.reclaim(outboxClaimMs, TAKEOVERS_BEFORE_PARKING);
    }
    if (nowMs >= this.#syncAtMs && !this.#syncing) {
      this.#syncAtMs = nowMs + rosterSyncSeconds * 1_000;
      this.#syncing = this.#sync().finally(() => {
        this.#syncing = null;
        this.#ready.resolve();
      });
    }
  }

  /** A slow Qiscus must not stop the clock, so this runs beside the ticks. */
  async #sync(): Promise<void> {
    try {
      const reading = await syncAgents(
        this.#qiscus,
        this.#ledger,
        this.#desk,
        this.#nowMs,
        this.#config.countLagSeconds * 1_000,
      );
      await this.#ledger.spendCalls(1, this.#config.qiscus.ratePerSecond);
      if (reading.kind !== 'agents') {
        this.#log.warn(
          { event: 'roster.unread', reason: reading.kind },
          'the agents could not be read from Qiscus; the last view is kept',
        );
      }
    } catch (error) {
      this.#log.warn({ event: 'roster.failed', err: error }, 'the agents could not be brought into the ledger');
    }
  }
}
