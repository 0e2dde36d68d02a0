/**
 * One process of the service, of its real parts, on a connection that may break and with a clock of its own.
 *
 * 1. `boot` starts it as worker.ts does: groups, limit, dispatcher, the loop that applies the inbox.
 * 2. The leader's duties (clock, takeover, agents, rooms) are steps: any process may do them at any time, two at once even,
 *    which is more than the lease allows.
 * 3. `die` ends it as kill -9 does: no code of it runs on.
 */
import type { Logger } from 'pino';
import { Dispatcher } from '../../../src/dispatch/dispatcher';
import { ServiceError } from '../../../src/errors';
import { Applier } from '../../../src/ledger/apply';
import { Desk } from '../../../src/ledger/desk';
import { Ledger } from '../../../src/ledger/index';
import type { Webhook } from '../../../src/ledger/model';
import { Trouble } from '../../../src/ledger/trouble';
import { Turns } from '../../../src/ledger/turns';
import type { Qiscus, QiscusFailure, RosterReading } from '../../../src/qiscus/model';
import { syncAgents } from '../../../src/reconcile/agents';
import { RoomSweep } from '../../../src/reconcile/rooms';
import type { RedisClient } from '../../../src/redis/client';
import type { Keys } from '../../../src/redis/keys';
import { Scripts } from '../../../src/redis/scripts';
import { ensureGroups } from '../../../src/streams/groups';
import { Inbox } from '../../../src/streams/inbox';
import { Waiters } from '../../../src/streams/waiters';
import type { Air } from './air';
import { Alarms, asProcess } from './time';
import { type Traffic, Wire } from './wire';

export const LIMIT = 2;
export const CONCURRENCY = 4;
const RATE_PER_SECOND = 10_000;
const LAG_MS = 10_000;
const HOUR_MS = 3_600_000;
/** Times of the configuration, by its defaults. */
const LIMITS = { concurrency: CONCURRENCY, ratePerSecond: RATE_PER_SECOND, timeoutMs: 10_000, claimMs: 45_000 };
const CLOCK_RULES = {
  fallbackAgentId: null,
  fallbackAfterMs: 0,
  waitMaxMs: 72 * HOUR_MS,
  keepMarkMs: 168 * HOUR_MS,
  journalMs: 168 * HOUR_MS,
  journalEntries: 1e6,
};

/** Rings are steps of the life, not the bell's. */
const UNHEARD = { on: () => () => {}, ring: () => {} };

export interface ProcessParts {
  name: string;
  redis: RedisClient;
  keys: Keys;
  traffic: Traffic;
  air: Air;
  /** The time of the world; the process's own may be another. */
  worldMs: () => number;
  log: Logger;
  /** Hears of what failed for another reason than a lost connection or group. */
  onProblem: (problem: string) => void;
}

export class Process {
  readonly wire: Wire;
  readonly name: string;
  /** How far its clock is ahead of the world's, ms. */
  skewMs = 0;
  readonly #parts: ProcessParts;
  readonly #alarms: Alarms;
  readonly #scripts: Scripts;
  #ledger: Ledger;
  readonly #desk: Desk;
  /** For all calls but the dispatcher's. */
  readonly #lists: Qiscus;
  #inbox: Inbox;
  /** null: it has not started yet. */
  #applier: Applier | null = null;
  #dispatcher: Dispatcher;
  #sweep: RoomSweep;
  /** Are its lists of agents and rooms held in the air? */
  #readsSlowly = false;

  constructor(parts: ProcessParts) {
    this.name = parts.name;
    this.#parts = parts;
    this.#alarms = new Alarms(parts.worldMs);
    this.wire = new Wire(parts.redis, parts.traffic, () => {
      this.#alarms.clear();
      parts.air.orphan(parts.name);
    });
    this.#scripts = new Scripts(this.wire.client, parts.keys);
    this.#desk = new Desk(this.#scripts, this.#nowMs);
    this.#lists = parts.air.qiscusFor(parts.name, () => this.#readsSlowly);
    [this.#ledger, this.#inbox, this.#dispatcher, this.#sweep] = this.#assemble();
  }

  readonly #nowMs = () => this.#parts.worldMs() + this.skewMs;

  /** Starts it, again if it runs: then it dies first. */
  boot(): void {
    if (this.wire.alive) this.wire.cut();
    this.wire.begin();
    [this.#ledger, this.#inbox, this.#dispatcher, this.#sweep] = this.#assemble();
    const { keys, log } = this.#parts;
    const onTaking = () => this.#dispatcher.poke();
    const parts = { bell: UNHEARD, turns: new Turns(), onTaking, recreateGroups: this.#recreateGroups, log };
    const applier = new Applier({ ledger: this.#ledger, command: this.wire.client, inboxKey: keys.inbox, ...parts });
    this.#applier = null;
    this.#do(async () => {
      await this.#recreateGroups();
      await this.#ledger.setInitialLimit(LIMIT);
      this.#applier = applier;
      applier.start();
      this.#dispatcher.poke();
    });
  }

  /** Everything that remembers: nothing of it outlives the process. */
  #assemble(): [Ledger, Inbox, Dispatcher, RoomSweep] {
    const { air, keys, name, log } = this.#parts;
    const ledger = new Ledger(this.#scripts, this.#nowMs);
    const store = { keys, scripts: this.#scripts, isNearlyFull: () => false };
    const rules = { maxAgeMs: 24 * HOUR_MS, lagMs: LAG_MS, mostReadings: 100 };
    const calls = air.qiscusFor(name, () => true);
    return [
      ledger,
      new Inbox(this.wire.client, store, new Waiters(), 0, UNHEARD),
      new Dispatcher(ledger, calls, LIMITS, this.#nowMs, this.#recreateGroups, new Trouble(log), log),
      new RoomSweep(this.#lists, ledger, this.#nowMs, rules, this.#turn, log),
    ];
  }

  readonly #recreateGroups = () =>
    ensureGroups(this.wire.client, this.#parts.keys, { scripts: this.#scripts, nowMs: this.#nowMs });

  /** As the leader: a call beside the outbox waits for its turn; here it is given up instead. */
  readonly #turn = async () => {
    if ((await this.#ledger.takeTurn(RATE_PER_SECOND)) > 0) throw new Error('not now');
  };

  /** Rings what is due by now. False: nothing was. */
  ringDue(): boolean {
    return this.#alarms.ringDue();
  }

  /** Begins a job of the process; what comes of it, if it lives, is told by `onProblem` or `done`. */
  #do(job: () => Promise<unknown>, done: () => void = () => {}): void {
    if (!this.wire.alive) return;
    asProcess(this.#alarms, () => {
      job().then(done, (error: unknown) => {
        // What an operator may be told is an answer, not a fault.
        if (error instanceof ServiceError && error.code !== 'INTERNAL' && error.code !== 'STORE_UNAVAILABLE') return;
        const text = error instanceof Error ? `${error.message} ${error.cause ?? ''}` : String(error);
        if (!/Connection is closed|NOGROUP|not now/.test(text)) this.#parts.onProblem(`${this.name}: ${text}`);
      });
    });
  }

  /** Takes a webhook in, and answers `onAck` when it would answer 2xx. */
  submit(webhook: Webhook, request: string, onAck: () => void): void {
    this.#do(() => this.#inbox.submit(webhook, request, 0), onAck);
  }

  /** The bell rings for the inbox. */
  apply(): void {
    this.#do(async () => this.#applier?.rung());
  }

  dispatch(): void {
    this.#do(async () => this.#dispatcher.poke());
  }

  reclaim(): void {
    this.#do(() => this.#ledger.reclaim(0, 8));
  }

  advanceClock(): void {
    this.#do(async () => {
      while ((await this.#ledger.advanceClock(CLOCK_RULES)).more);
    });
  }

  /** @param slowly the answer is held in the air, and may be old when it is applied */
  readAgents(slowly: boolean): void {
    this.#readsSlowly = slowly;
    this.#do(async () =>
      this.#note(await syncAgents(this.#lists, this.#ledger, this.#desk, this.#nowMs, LAG_MS, this.#turn)),
    );
  }

  compareRooms(slowly: boolean): void {
    this.#readsSlowly = slowly;
    this.#do(async () => {
      const { failure } = await this.#sweep.sweep();
      if (failure?.kind === 'slowed') await this.#note(failure);
    });
  }

  /** As the leader: a word of Qiscus about us concerns every call. */
  async #note(reading: RosterReading | QiscusFailure): Promise<void> {
    if (reading.kind === 'denied') await this.#ledger.noteQiscus('denied', 0);
    if (reading.kind === 'slowed') await this.#ledger.noteQiscus('slowed', reading.retryAfterMs ?? 0);
  }

  /** An operator's hand, by this process's HTTP side. */
  hand(job: (desk: Desk, qiscus: Qiscus) => Promise<unknown>): void {
    this.#do(() => job(this.#desk, this.#lists));
  }
}
