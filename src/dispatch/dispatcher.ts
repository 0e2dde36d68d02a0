/**
 * Turns intents into calls of Qiscus and reports what came of them.
 *
 * 1. Takes intents when poked (webhooks are being applied, a reservation of somebody else was journalled, a call ended that
 *    others waited for), as many as rate and concurrency allow.
 * 2. Calls Qiscus in parallel; each answer becomes an action (policy.ts) and one report to the ledger.
 * 3. A report that cannot be made is tried again; if the process dies, the intent is taken over by another. One that a script
 *    raises at (a record cannot be read) is tried more and more rarely, and left when it would be taken over.
 * 4. `stop` takes nothing more and waits for the calls under way, until the deadline; the rest stays pending.
 */
import type { Logger } from 'pino';
import type { Intent, Ledger } from '../ledger/index';
import type { JournalRecord } from '../ledger/model';
import type { Trouble } from '../ledger/trouble';
import type { Qiscus } from '../qiscus/model';
import { NewerFormat } from '../redis/format';
import { type Action, afterReading, answerOf, decide, UNKNOWNS_BEFORE_PARKING } from './policy';

/** Records after which there may be an intent to take; a repeated webhook may make its room's call anew. */
const WAKING = new Set(
  'room.reserved room.questioned call.due call.reclaimed entry.repeated qiscus.recovered'.split(' '),
);
const LOOK_AGAIN_WHEN_BUSY_MS = 50;
const PAUSE_AFTER_ERROR_MS = 200;
const LONGEST_PAUSE_MS = 10_000;
const MOST_AT_ONCE = 64;

export interface DispatchLimits {
  /** Calls under way, all processes together. */
  concurrency: number;
  /** Calls a second, all processes together. */
  ratePerSecond: number;
  /** Longest time for one call of Qiscus, ms. */
  timeoutMs: number;
  /** An intent without a report for so long is taken over, ms; above `timeoutMs`. */
  claimMs: number;
}

export class Dispatcher {
  readonly #ledger: Ledger;
  readonly #qiscus: Pick<Qiscus, 'assignAgent' | 'readRoom'>;
  readonly #limits: DispatchLimits;
  readonly #nowMs: () => number;
  readonly #recreateGroups: () => Promise<void>;
  readonly #trouble: Trouble;
  readonly #log: Logger;
  /** An intent takes up to two calls; together they end before it is taken over. */
  readonly #longestMs: number;
  readonly #calls = new Set<Promise<void>>();
  /** Reservations whose call is under way: room and token. */
  readonly #underWay = new Set<string>();
  /** Calls that ended, and whose confirmation is on its way: what is asked of Redis now comes after it. */
  readonly #confirming = new Set<Intent>();
  /** Is something left that only the end of a call lets us take? */
  #short = false;
  #stopped = false;
  readonly #stopping = Promise.withResolvers<void>();
  #taking: Promise<void> | null = null;
  #poked = false;
  #alarm: ReturnType<typeof setTimeout> | null = null;

  constructor(
    ledger: Ledger,
    qiscus: Pick<Qiscus, 'assignAgent' | 'readRoom'>,
    limits: DispatchLimits,
    nowMs: () => number,
    recreateGroups: () => Promise<void>,
    trouble: Trouble,
    log: Logger,
  ) {
    this.#ledger = ledger;
    this.#qiscus = qiscus;
    this.#limits = limits;
    const { timeoutMs, claimMs } = limits;
    this.#longestMs = Math.min(2 * timeoutMs, Math.floor((timeoutMs + claimMs) / 2));
    this.#nowMs = nowMs;
    this.#recreateGroups = recreateGroups;
    this.#trouble = trouble;
    this.#log = log;
  }

  /** Looks at one journal record: is there a call to make? */
  see(record: JournalRecord): void {
    const { event, fields } = record;
    // Mostly it was taken in the same moment in which it was made.
    if (event === 'room.reserved' && this.#underWay.has(`${fields.room} ${fields.token}`)) return;
    if (WAKING.has(event) || fields.questioned) this.poke();
  }

  /** Looks for intents now. Cheap; any number of pokes during a look make one more look. */
  poke(): void {
    this.#poked = true;
    if (!this.#taking && !this.#stopped) this.#taking = this.#take();
  }

  /** @param deadlineMs how long calls under way may still take */
  async stop(deadlineMs: number): Promise<void> {
    this.#stopped = true;
    this.#stopping.resolve();
    if (this.#alarm) clearTimeout(this.#alarm);
    await Promise.race([this.#ended(), Bun.sleep(deadlineMs)]);
  }

  /** What is being taken belongs to us already: its calls begin, and end, before the stop. */
  async #ended(): Promise<void> {
    await this.#taking;
    await Promise.allSettled(this.#calls);
  }

  async #take(): Promise<void> {
    while (this.#poked && !this.#stopped) {
      this.#poked = false;
      try {
        await this.#takeOnce();
      } catch (error) {
        await this.#recover(error);
      }
    }
    this.#taking = null;
  }

  async #takeOnce(): Promise<void> {
    const want = Math.min(MOST_AT_ONCE, this.#limits.concurrency - this.#calls.size + this.#confirming.size);
    this.#short = want <= 0;
    if (this.#short) return;
    const { concurrency, ratePerSecond } = this.#limits;
    const taken = await this.#ledger.takeIntents(want, concurrency, ratePerSecond, this.#longestMs);
    if (taken.kind === 'wait') return this.#pokeIn(taken.ms);
    if (taken.kind === 'busy') {
      this.#short = true;
      return this.#pokeIn(LOOK_AGAIN_WHEN_BUSY_MS);
    }
    for (const intent of taken.intents) this.#begin(intent);
    if (taken.more) this.#poked = true;
  }

  #pokeIn(ms: number): void {
    if (this.#alarm) clearTimeout(this.#alarm);
    this.#alarm = setTimeout(() => this.poke(), ms);
  }

  #begin(intent: Intent): void {
    const reservation = `${intent.roomId} ${intent.token}`;
    this.#underWay.add(reservation);
    const call = this.#run(intent).finally(() => {
      this.#calls.delete(call);
      this.#underWay.delete(reservation);
      this.#confirming.delete(intent);
      if (this.#short) this.poke();
    });
    this.#calls.add(call);
  }

  async #run(intent: Intent): Promise<void> {
    await (intent.kind === 'question' ? this.#ask(intent) : this.#assign(intent));
  }

  /**
   * Does anybody hold this room? The list and the room's record name nobody, but the call itself tells: with
   * `max_agent=1` it is taken when the room was free, and refused when somebody is in.
   */
  async #ask(intent: Intent): Promise<void> {
    const left = this.#timer();
    void this.#ledger.spendCalls(1, this.#limits.ratePerSecond).catch(() => undefined);
    const reading = await this.#qiscus.readRoom(intent.roomId, left());
    const over = reading.kind === 'room' && reading.resolved;
    const outcome = over
      ? ({ kind: 'resolved' } as const)
      : await this.#qiscus.assignAgent(intent.roomId, intent.agentId, left());
    const { answer, about } = answerOf(outcome, reading);
    await this.#untilHeard(intent, () => this.#ledger.answer(intent, answer, about));
  }

  async #assign(intent: Intent): Promise<void> {
    const left = this.#timer();
    const outcome = await this.#qiscus.assignAgent(intent.roomId, intent.agentId);
    let action = decide(outcome, intent, Math.random());
    if (action.do === 'read') {
      void this.#ledger.spendCalls(1, this.#limits.ratePerSecond).catch(() => undefined);
      action = afterReading(await this.#qiscus.readRoom(intent.roomId, left()), action.reason, intent.refusals);
    }
    await this.#untilHeard(intent, () => this.#tell(intent, action));
  }

  /** Starts the time of one intent; the function that it returns tells what is left of it, ms. */
  #timer(): () => number {
    const begun = performance.now();
    return () => this.#longestMs - (performance.now() - begun);
  }

  /**
   * Reports until it is heard: a repeat is fenced, so it changes nothing. Where a newer version works it stays unsaid: a
   * process of that one takes the intent over. So it does where the script raises until then.
   */
  async #untilHeard({ roomId }: Intent, report: () => Promise<unknown>): Promise<void> {
    const begun = performance.now();
    for (let pauseMs = PAUSE_AFTER_ERROR_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      try {
        await report();
        return;
      } catch (error) {
        if (this.#stopped || error instanceof NewerFormat) return;
        if (!this.#trouble.raised(error, 'report', roomId)) await this.#recover(error);
        else if (performance.now() - begun + pauseMs > this.#limits.claimMs) return;
        else await this.#pause(pauseMs);
      }
    }
  }

  /** Sleeps for so long, or until the stop. */
  async #pause(ms: number): Promise<void> {
    const over = Promise.withResolvers<void>();
    const timer = setTimeout(over.resolve, ms);
    await Promise.race([over.promise, this.#stopping.promise]);
    clearTimeout(timer);
  }

  #tell(intent: Intent, action: Action): Promise<unknown> {
    switch (action.do) {
      case 'confirm':
        return this.#ledger.confirm(intent, action.reason, () => {
          this.#confirming.add(intent);
          // When all that go with it are counted.
          queueMicrotask(() => this.#short && this.poke());
        });
      case 'close':
        return this.#ledger.refuse(intent, action.reason, 'close');
      case 'park':
        return this.#ledger.refuse(intent, action.reason, 'park', 0, action.doubt);
      case 'later':
        return this.#ledger.refuse(intent, action.reason, 'later', this.#nowMs() + action.delayMs, action.doubt);
      case 'defer':
        return this.#ledger.defer(intent, action.reason, {
          kind: action.kind,
          sent: action.sent,
          dueMs: this.#nowMs() + action.delayMs,
          pauseMs: action.pauseMs,
          limit: UNKNOWNS_BEFORE_PARKING,
        });
      case 'read':
        return Promise.reject(new Error('a reading is not an outcome'));
    }
  }

  async #recover(error: unknown): Promise<void> {
    const message = error instanceof Error ? error.message : String(error);
    this.#trouble.raised(error, 'outbox');
    this.#log.debug({ event: 'outbox.unread', reason: message }, 'the outbox could not be read or written');
    if (message.includes('NOGROUP')) await this.#recreateGroups().catch(() => undefined);
    else await Bun.sleep(PAUSE_AFTER_ERROR_MS);
    this.#poked = true;
  }
}
