/**
 * What one process does for all: the clock, the takeover of abandoned intents, and the comparison with Qiscus.
 *
 * 1. Holds a lease while it lives; when it dies another process has it within LEASE_MS.
 * 2. Every tick: what is due by time, and the decision log. Every few seconds: intents whose dispatcher died.
 * 3. Agents every period, sooner while rooms wait and at once when Qiscus refuses one; rooms every period; the resolve
 *    webhook now and then; parts of the journal's snapshot; what people should be told (watch.ts). These run beside the
 *    ticks, one of a kind at a time: a slow Qiscus never stops the clock.
 * 4. Of an app where nothing happens, waits or is due, the ticks are slow: a thousand such cost next to nothing.
 * 5. `stop` gives the lease back.
 */
import type { Logger } from 'pino';
import { type AppConfig, publicUrls } from '../config';
import { TAKEOVERS_BEFORE_PARKING } from '../dispatch/policy';
import type { Ledger } from '../ledger/index';
import type { JournalRecord, LedgerDesk } from '../ledger/model';
import type { Qiscus, QiscusFailure } from '../qiscus/model';
import { REMEDIES } from '../qiscus/remedies';
import { NewerFormat } from '../redis/format';
import { syncAgents } from './agents';
import type { DecisionLog } from './decisions';
import type { DryRun } from './dry-run';
import { RoomSweep } from './rooms';
import { Watch } from './watch';
import { findWebhook } from './webhook';

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
/** Parts of a snapshot in a row: about 1,500 rooms a second, so that a large one does not hold up the others. */
const PARTS_IN_A_ROW = 32;
/** While rooms wait the agents are read this many times as often, but not more than once a second. */
const HASTE = 5;
const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;
const KEEP_MARK_MS = 7 * 24 * HOUR_MS;
/** Share of the calls between two sweeps that single rooms may take. */
const READING_SHARE = 0.5;

export interface LeaderParts {
  ledger: Ledger;
  desk: LedgerDesk;
  qiscus: Qiscus;
  decisions: DecisionLog;
  /** null: this is no dry run. */
  dryRun: DryRun | null;
  config: AppConfig;
  nowMs: () => number;
  /** Unique per leader. */
  holder: string;
  /** Also of what no webhook and no call finds to be lost. */
  recreateGroups: () => Promise<void>;
  log: Logger;
}

export class Leader {
  readonly #parts: LeaderParts;
  readonly #sweep: RoomSweep;
  readonly #watch: Watch;
  readonly #ready = Promise.withResolvers<void>();
  #stopped = false;
  #leads = false;
  #running: Promise<void> = Promise.resolve();
  #advancedMs: number | undefined;
  #reclaimedMs: number | undefined;
  #waiting = 0;
  #nextDueMs = 0;
  /** When something happened last; the process's own time. */
  #activeAt = performance.now();
  /** Ends the rest between two ticks. */
  #wake = () => {};
  /** When each kind of comparison began last, ms; absent: never. */
  readonly #begunMs = new Map<string, number>();
  readonly #underWay = new Set<string>();
  #refused = false;

  constructor(parts: LeaderParts) {
    this.#parts = parts;
    const { qiscus, ledger, desk, nowMs, config, log } = parts;
    const rules = {
      maxAgeMs: config.allocation.sweepMaxAgeHours * HOUR_MS,
      lagMs: config.countLagSeconds * SECOND_MS,
      mostReadings: Math.ceil(config.qiscus.ratePerSecond * config.reconcileSeconds * READING_SHARE),
      dryRun: config.dryRun,
    };
    this.#sweep = new RoomSweep(qiscus, ledger, nowMs, rules, () => this.#turn(), log);
    this.#watch = new Watch(ledger, desk, config.alerts);
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
    if (record.event === 'room.refused') this.#refused = true;
    if (record.event === 'webhook.registered') this.#begunMs.delete('webhook');
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
    this.#sweep.forget();
    this.#watch.forget();
    this.#ready.resolve();
  }

  async #lead(): Promise<void> {
    const { config, ledger, decisions, dryRun, nowMs } = this.#parts;
    const idle = this.#isIdle();
    if (!idle || this.#isDue(this.#advancedMs, IDLE_CLOCK_MS)) {
      this.#advancedMs = nowMs();
      await this.#advanceClock();
      await decisions.catchUp();
      await dryRun?.catchUp();
    }
    if (this.#isDue(this.#reclaimedMs, idle ? IDLE_CLOCK_MS : RECLAIM_EVERY_MS)) {
      this.#reclaimedMs = nowMs();
      await ledger.reclaim(config.outboxClaimMs, TAKEOVERS_BEFORE_PARKING);
    }
    this.#every('roster', this.#rosterPeriodMs(), () => this.#readAgents());
    this.#every('sweep', config.reconcileSeconds * SECOND_MS, () => this.#compareRooms());
    this.#every('snapshot', SNAPSHOT_EVERY_MS, () => this.#snapshotJournal());
    this.#every('alerts', idle ? 3 * WATCH_EVERY_MS : WATCH_EVERY_MS, () => this.#watch.look());
    this.#every('webhook', CHECK_WEBHOOK_EVERY_MS, () => this.#checkWebhook());
  }

  async #advanceClock(): Promise<void> {
    const { allocation, journal } = this.#parts.config;
    for (let more = true; more && !this.#stopped; ) {
      const tick = await this.#parts.ledger.advanceClock({
        // Unset time: off.
        fallbackAgentId: allocation.fallbackAfterSeconds === null ? null : allocation.fallbackAgentId,
        fallbackAfterMs: (allocation.fallbackAfterSeconds ?? 0) * SECOND_MS,
        waitMaxMs: allocation.waitMaxHours * HOUR_MS,
        keepMarkMs: KEEP_MARK_MS,
        journalMs: journal.days * 24 * HOUR_MS,
        journalEntries: journal.maxEntries,
      });
      more = tick.more;
      this.#waiting = tick.waiting;
      this.#nextDueMs = tick.nextDueMs;
    }
  }

  /** Goes on with the journal's snapshot, whoever began it. */
  async #snapshotJournal(): Promise<void> {
    const { ledger, config } = this.#parts;
    const keepMs = config.journal.days * 24 * HOUR_MS;
    for (let part = 0; part < PARTS_IN_A_ROW && this.#leads && !this.#stopped; part++) {
      if ((await ledger.snapshotJournal(keepMs, config.journal.maxEntries)) !== 'more') return;
    }
  }

  #rosterPeriodMs(): number {
    const periodMs = this.#parts.config.rosterSyncSeconds * SECOND_MS;
    const soonestMs = Math.min(periodMs, SECOND_MS);
    if (this.#refused) return soonestMs;
    return this.#waiting > 0 ? Math.max(soonestMs, periodMs / HASTE) : periodMs;
  }

  /** Is the period since then over? Also when the clock went back: waiting for its old time could take hours. */
  #isDue(lastMs: number | undefined, periodMs: number): boolean {
    const sinceMs = lastMs === undefined ? periodMs : this.#parts.nowMs() - lastMs;
    return sinceMs >= periodMs || sinceMs < 0;
  }

  /** Runs `job` when its period is over and its last run has ended. */
  #every(kind: string, periodMs: number, job: () => Promise<void>): void {
    const { nowMs, log } = this.#parts;
    if (this.#underWay.has(kind) || !this.#isDue(this.#begunMs.get(kind), periodMs)) return;
    this.#begunMs.set(kind, nowMs());
    this.#underWay.add(kind);
    const what = `the ${kind} could not be brought into the ledger`;
    job()
      .catch((err) => this.#stopped || log.warn({ event: `${kind}.failed`, err }, what))
      .finally(() => this.#underWay.delete(kind));
  }

  async #readAgents(): Promise<void> {
    const { qiscus, ledger, desk, dryRun, nowMs, config, log } = this.#parts;
    this.#refused = false;
    try {
      const lagMs = config.countLagSeconds * SECOND_MS;
      const reading = await syncAgents(qiscus, ledger, desk, nowMs, lagMs, () => this.#turn(), dryRun === null);
      if (reading.kind !== 'agents') {
        log.warn({ event: 'roster.unread', ...reading }, `the agents could not be read; ${REMEDIES[reading.kind]}`);
        await this.#note(reading);
      } else await dryRun?.noteLoads(reading.agents);
    } finally {
      this.#ready.resolve();
    }
  }

  /** Waits until a call beside the outbox may be made, and counts it: all of ours go through here. */
  async #turn(): Promise<void> {
    const { ledger, config } = this.#parts;
    for (;;) {
      if (this.#stopped) throw new Error('stopped');
      const waitMs = await ledger.takeTurn(config.qiscus.ratePerSecond);
      if (waitMs === 0) return;
      await Bun.sleep(Math.min(waitMs, TICK_MS));
    }
  }

  /** A word about us concerns every call; a list that failed says nothing about calls for rooms. */
  async #note(failure: QiscusFailure): Promise<void> {
    if (failure.kind === 'failed') return;
    await this.#parts.ledger.noteQiscus(failure.kind, failure.kind === 'slowed' ? (failure.retryAfterMs ?? 0) : 0);
  }

  async #compareRooms(): Promise<void> {
    const { dryRun, log } = this.#parts;
    const { failure, served, ...report } = await this.#sweep.sweep();
    if (report.adopted + report.repaired > 0)
      // A dry run may well get no webhooks at all.
      log[dryRun ? 'info' : 'warn']({ event: 'sweep.repaired', ...report }, 'webhooks were lost; repaired');
    if (!failure) return dryRun?.readThere(served, () => this.#turn());
    log.warn({ event: 'sweep.unread', ...failure }, `the rooms could not be compared; ${REMEDIES[failure.kind]}`);
    await this.#note(failure);
  }

  async #checkWebhook(): Promise<void> {
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
}
