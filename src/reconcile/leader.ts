/**
 * What one process does for all: the clock, the takeover of abandoned intents, and the comparison with Qiscus.
 *
 * 1. Holds a lease while it lives; when it dies another process has it within LEASE_MS.
 * 2. Every tick: what is due by time (upkeep.ts), and the decision log. Every few seconds: intents whose dispatcher died.
 * 3. Agents every period, sooner while rooms wait and at once when Qiscus refuses one; rooms every period, some of them
 *    sooner (comebacks.ts); the resolve webhook now and then (comparisons.ts); parts of the journal's snapshot; what people
 *    should be told (watch.ts). These run beside the ticks, one of a kind at a time (periods.ts): a slow Qiscus never stops
 *    the clock.
 * 4. Of an app where nothing happens, waits or is due, the ticks are slow: a thousand such cost next to nothing.
 * 5. `stop` gives the lease back.
 */
import { TAKEOVERS_BEFORE_PARKING } from '../dispatch/policy';
import type { JournalRecord } from '../ledger/model';
import type { Trouble } from '../ledger/trouble';
import { NewerFormat } from '../redis/format';
import { type ComparisonParts, Comparisons } from './comparisons';
import type { DecisionLog } from './decisions';
import { Periods } from './periods';
import { advanceClock, snapshotJournal } from './upkeep';
import { Watch } from './watch';

const TICK_MS = 200;
/** Nothing happened for so long, nothing waits, nothing is due: idle. */
const IDLE_AFTER_MS = 10_000;
/** Then the lease is renewed (and tried for) this often; three times before it lapses. */
const IDLE_TICK_MS = 1_500;
/** And this often a look is taken whether anything is due after all. */
const IDLE_CLOCK_MS = 5_000;
const LEASE_MS = 5_000;
const RECLAIM_EVERY_MS = 2_000;
const WATCH_EVERY_MS = 10_000;
const CHECK_WEBHOOK_EVERY_MS = 300_000;
const SNAPSHOT_EVERY_MS = 1_000;
/** While rooms wait the agents are read this many times as often, but not more than once a second. */
const HASTE = 5;
const SECOND_MS = 1_000;

export interface LeaderParts extends ComparisonParts {
  decisions: DecisionLog;
  /** Unique per leader. */
  holder: string;
  /** Also of what no webhook and no call finds to be lost. */
  recreateGroups: () => Promise<void>;
  trouble: Trouble;
}

export class Leader {
  readonly #parts: LeaderParts;
  readonly #periods: Periods;
  readonly #comparisons: Comparisons;
  readonly #watch: Watch;
  readonly #ready = Promise.withResolvers<void>();
  #stopped = false;
  #leads = false;
  #running: Promise<void> = Promise.resolve();
  #waiting = 0;
  #nextDueMs = 0;
  /** When something happened last; the process's own time. */
  #activeAt = performance.now();
  /** Ends the rest between two ticks. */
  #wake = () => {};
  /** Did Qiscus refuse an agent since they were read last? */
  #refused = false;

  constructor(parts: LeaderParts) {
    this.#parts = parts;
    const { ledger, desk, nowMs, config, log } = parts;
    const isStopped = () => this.#stopped;
    this.#periods = new Periods(nowMs, isStopped, log);
    this.#comparisons = new Comparisons(parts, isStopped);
    this.#watch = new Watch(ledger, desk, config);
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
    this.#wake();
    await this.#running;
    if (this.#leads) await this.#parts.decisions.catchUp().catch(() => undefined);
    if (this.#leads) await this.#parts.ledger.takeLease(this.#parts.holder, 0).catch(() => undefined);
    this.#leads = false;
  }

  /** Looks at one journal record: a refusal tells that our view of the agents may be old; a new webhook is looked at. */
  see(record: JournalRecord): void {
    if (this.#isIdle()) this.#wake();
    this.#activeAt = performance.now();
    this.#watch.see(record);
    this.#comparisons.see(record);
    if (record.event === 'room.refused') this.#refused = true;
    if (record.event === 'webhook.registered') this.#periods.hurry('webhook');
  }

  async #run(): Promise<void> {
    const { ledger, holder, recreateGroups, log } = this.#parts;
    while (!this.#stopped) {
      try {
        this.#leads = await ledger.takeLease(holder, LEASE_MS);
        if (this.#leads) await this.#lead();
        else this.#follow();
      } catch (error) {
        this.#leads = false;
        // Somebody else may lead before we hear of it.
        this.#parts.decisions.forget();
        // Whoever is newer leads.
        if (error instanceof NewerFormat) await ledger.takeLease(holder, 0).catch(() => undefined);
        log.debug({ event: 'leader.failed', reason: String(error) }, 'a tick of the leader failed');
        if (String(error).includes('NOGROUP')) await recreateGroups().catch(() => undefined);
      }
      await this.#rest();
    }
  }

  async #rest(): Promise<void> {
    if (this.#stopped) return;
    const woken = Promise.withResolvers<void>();
    const rosterMs = this.#parts.config.rosterSyncSeconds * SECOND_MS;
    const timer = setTimeout(woken.resolve, this.#isIdle() ? Math.min(IDLE_TICK_MS, rosterMs) : TICK_MS);
    this.#wake = woken.resolve;
    await woken.promise;
    clearTimeout(timer);
  }

  #isIdle(): boolean {
    return this.#waiting === 0 && this.#nextDueMs === 0 && performance.now() - this.#activeAt >= IDLE_AFTER_MS;
  }

  #follow(): void {
    // Whoever leads knows what waits.
    this.#waiting = 0;
    this.#nextDueMs = 0;
    this.#parts.decisions.forget();
    this.#parts.dryRun?.forget();
    this.#comparisons.forget();
    this.#watch.forget();
    this.#ready.resolve();
  }

  async #lead(): Promise<void> {
    const { config, ledger, decisions, dryRun, trouble } = this.#parts;
    const goesOn = () => this.#leads && !this.#stopped;
    const idle = this.#isIdle();
    if (this.#periods.begins('clock', idle ? IDLE_CLOCK_MS : 0)) {
      await trouble.despite('clock', async () => {
        const { waiting, nextDueMs } = await advanceClock(ledger, config, goesOn);
        this.#waiting = waiting;
        this.#nextDueMs = nextDueMs;
      });
      await decisions.catchUp();
      await dryRun?.catchUp();
    }
    if (this.#periods.begins('takeover', idle ? IDLE_CLOCK_MS : RECLAIM_EVERY_MS)) {
      await trouble.despite('takeover', () => ledger.reclaim(config.outboxClaimMs, TAKEOVERS_BEFORE_PARKING));
    }
    this.#periods.every('roster', this.#rosterPeriodMs(), () => this.#readAgents());
    this.#periods.every('sweep', config.reconcileSeconds * SECOND_MS, () => this.#comparisons.rooms());
    this.#periods.every('comebacks', 0, () => this.#comparisons.comebacks());
    this.#periods.every('snapshot', SNAPSHOT_EVERY_MS, () => snapshotJournal(ledger, config, goesOn));
    this.#periods.every('alerts', idle ? 3 * WATCH_EVERY_MS : WATCH_EVERY_MS, () => this.#watch.look());
    this.#periods.every('webhook', CHECK_WEBHOOK_EVERY_MS, () => this.#comparisons.webhook());
  }

  #rosterPeriodMs(): number {
    const periodMs = this.#parts.config.rosterSyncSeconds * SECOND_MS;
    const soonestMs = Math.min(periodMs, SECOND_MS);
    if (this.#refused) return soonestMs;
    return this.#waiting > 0 ? Math.max(soonestMs, periodMs / HASTE) : periodMs;
  }

  async #readAgents(): Promise<void> {
    this.#refused = false;
    await this.#comparisons.agents().finally(() => this.#ready.resolve());
  }
}
