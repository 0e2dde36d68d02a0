/**
 * What the leader reads at Qiscus, and brings into the ledger: agents, rooms, the resolve webhook.
 *
 * 1. Every call waits for its turn, beside those of the outbox. What a call says about us counts for all.
 * 2. A reading that fails is logged with its remedy, once an outage; the next one comes in any case. Holds no timer: the leader calls.
 */
import type { Logger } from 'pino';
import { type AppConfig, publicUrls } from '../config';
import type { Ledger } from '../ledger/index';
import type { JournalRecord, LedgerDesk } from '../ledger/model';
import type { Qiscus, QiscusFailure } from '../qiscus/model';
import { REMEDIES } from '../qiscus/remedies';
import { syncAgents } from './agents';
import { Comebacks } from './comebacks';
import type { DryRun } from './dry-run';
import { RoomSweep } from './rooms';
import { findWebhook } from './webhook';

/** Share of the calls between two sweeps that single rooms may take. */
const READING_SHARE = 0.5;
/** Share of all calls that looks for customers who came back may take. */
const LOOK_SHARE = 0.1;
const LOOKS_EVERY_MS = 5_000;
/** The longest that a call waits before it asks again whether it may be made. */
const ASK_AGAIN_MS = 200;
const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;

export interface ComparisonParts {
  ledger: Ledger;
  desk: LedgerDesk;
  qiscus: Qiscus;
  /** null: this is no dry run. */
  dryRun: DryRun | null;
  config: AppConfig;
  nowMs: () => number;
  log: Logger;
}

export class Comparisons {
  readonly #parts: ComparisonParts;
  readonly #isStopped: () => boolean;
  readonly #sweep: RoomSweep;
  readonly #comebacks: Comebacks;
  /** Of what could not be read the last time, what was the matter. */
  readonly #unread = new Map<string, QiscusFailure['kind']>();
  /** Nobody is looked for before; the process's own time. */
  #restUntil = 0;

  constructor(parts: ComparisonParts, isStopped: () => boolean) {
    this.#parts = parts;
    this.#isStopped = isStopped;
    const { qiscus, ledger, nowMs, config, log } = parts;
    const rules = {
      maxAgeMs: config.allocation.sweepMaxAgeHours * HOUR_MS,
      lagMs: config.countLagSeconds * SECOND_MS,
      mostReadings: Math.ceil(config.qiscus.ratePerSecond * config.reconcileSeconds * READING_SHARE),
      dryRun: config.dryRun,
    };
    this.#comebacks = new Comebacks(rules.lagMs);
    this.#sweep = new RoomSweep(qiscus, ledger, nowMs, rules, () => this.#turn(), log);
  }

  /** Somebody else leads now, or may have led meanwhile: what was seen before proves nothing. */
  forget(): void {
    this.#sweep.forget();
    this.#comebacks.forget();
    this.#unread.clear();
  }

  /** Hears one journal record. */
  see(record: JournalRecord): void {
    this.#comebacks.hear(record);
  }

  /** Who is there, online, and with how many customers. */
  async agents(): Promise<void> {
    const { qiscus, ledger, desk, dryRun, nowMs, config } = this.#parts;
    const lagMs = config.countLagSeconds * SECOND_MS;
    const reading = await syncAgents(qiscus, ledger, desk, nowMs, lagMs, () => this.#turn(), dryRun === null);
    if (reading.kind === 'agents') {
      this.#unread.delete('roster.unread');
      return dryRun?.noteLoads(reading.agents);
    }
    this.#warn('roster.unread', reading, 'the agents could not be read');
    await this.#note(reading);
  }

  /** Who holds which room, and which rooms nobody holds. */
  async rooms(): Promise<void> {
    const { dryRun, log } = this.#parts;
    const { failure, served, ...report } = await this.#sweep.sweep();
    if (report.adopted + report.repaired > 0)
      // A dry run may well get no webhooks at all.
      log[dryRun ? 'info' : 'warn']({ event: 'sweep.repaired', ...report }, 'webhooks were lost; repaired');
    if (!failure) {
      this.#unread.delete('sweep.unread');
      return dryRun?.readThere(served, () => this.#turn());
    }
    this.#warn('sweep.unread', failure, 'the rooms could not be compared');
    // Rooms may be kept from us where calls are not (some accounts list them for an admin's token only). If it is us whom
    // Qiscus refuses, the list of agents tells soon enough.
    if (failure.kind === 'slowed') await this.#note(failure);
  }

  /** Which of the rooms whose webhooks looked late wait at Qiscus again? One look for all that are due. */
  async comebacks(): Promise<void> {
    const due = performance.now() < this.#restUntil ? null : this.#comebacks.take(this.#parts.nowMs());
    if (due === null) return;
    const { calls, failure } = await this.#sweep.look(due.roomIds, due.sinceMs);
    const { ratePerSecond } = this.#parts.config.qiscus;
    this.#restUntil = performance.now() + Math.max(LOOKS_EVERY_MS, (calls / ratePerSecond / LOOK_SHARE) * SECOND_MS);
    // The next sweep finds them.
    if (failure?.kind === 'slowed') await this.#note(failure);
  }

  /** Does Qiscus call us when a room is resolved? */
  async webhook(): Promise<void> {
    const { qiscus, ledger, desk, config, log } = this.#parts;
    await this.#turn();
    const registered = await qiscus.readResolveWebhook();
    if (registered === null) return;
    const ours = publicUrls(config)?.markAsResolved ?? (await desk.readSettings()).markAsResolved?.url ?? null;
    const finding = findWebhook(registered, ours);
    await ledger.noteWebhook(finding);
    if (finding !== 'ok') {
      log.warn(
        { event: 'webhook.wrong', finding },
        'Qiscus does not tell us when a room is resolved: set the URL with POST /api/v1/settings/set_mark_as_resolved',
      );
    }
  }

  /** Waits until a call beside the outbox may be made, and counts it: all of ours go through here. */
  async #turn(): Promise<void> {
    const { ledger, config } = this.#parts;
    for (;;) {
      if (this.#isStopped()) throw new Error('stopped');
      const waitMs = await ledger.takeTurn(config.qiscus.ratePerSecond);
      if (waitMs === 0) return;
      await Bun.sleep(Math.min(waitMs, ASK_AGAIN_MS));
    }
  }

  /** A failure is news once, not at every try: that it lasts is told by an alert. */
  #warn(event: string, failure: QiscusFailure, what: string): void {
    const level = this.#unread.get(event) === failure.kind ? 'debug' : 'warn';
    this.#unread.set(event, failure.kind);
    this.#parts.log[level]({ event, ...failure }, `${what}; ${REMEDIES[failure.kind]}`);
  }

  /** A word about us concerns every call; a list that failed says nothing about calls for rooms. */
  async #note(failure: QiscusFailure): Promise<void> {
    if (failure.kind === 'failed') return;
    await this.#parts.ledger.noteQiscus(failure.kind, failure.kind === 'slowed' ? (failure.retryAfterMs ?? 0) : 0);
  }
}
