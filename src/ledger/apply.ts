/**
 * Applies the inbox of one app.
 *
 * 1. When rung, takes and applies entries, 64 at a time, until it is empty; the script keeps order and exactly-once, so any
 *    number of processes may do so. Each batch waits for its turn among the apps of this process.
 * 2. Between rings a look: is the inbox empty?
 * 3. An entry that makes the script raise is taken alone, and buried at its fifth delivery.
 * 4. Creates a lost group anew. `stop` lets the call under way finish.
 */
import type { Logger } from 'pino';
import { isOlder } from '../ids';
import type { RedisClient } from '../redis/client';
import { raisedByScript } from '../redis/errors';
import type { Doorbell, Listener } from '../streams/doorbell';
import { ENTRIES_AT_ONCE, type Ledger } from './index';
import type { Turns } from './turns';

const DELIVERIES_BEFORE_BURIAL = 5;
const PAUSE_AFTER_ERROR_MS = 200;

export interface ApplierParts {
  ledger: Ledger;
  command: RedisClient;
  inboxKey: string;
  bell: Pick<Doorbell, 'on'>;
  /** The same for all apps of a process. */
  turns: Turns;
  /** Called in the moment in which entries are being taken: what follows from them can be asked for at once. */
  onTaking: () => void;
  recreateGroups: () => Promise<void>;
  log: Logger;
}

export class Applier implements Listener {
  readonly #parts: ApplierParts;
  /** What it was rung for: entries up to this id; '': anything; null: nothing that it has not taken. */
  #news: string | null = null;
  /** The newest entry that it applied. */
  #applied = '0-0';
  /** The last call failed. */
  #unsure = false;
  #stopped = false;
  #running: Promise<void> | null = null;
  #unlisten = () => {};

  constructor(parts: ApplierParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#unlisten = this.#parts.bell.on(this.#parts.inboxKey, this);
    this.rung();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#unlisten();
    await this.#running;
  }

  /** Takes what there is, in this very call if nobody is before it. Rings during a take make one more. */
  rung(upTo = ''): void {
    if (upTo === '' || this.#news === null || (this.#news !== '' && isOlder(this.#news, upTo))) this.#news = upTo;
    if (!this.#stopped && !this.#running && this.#hasNews()) this.#running = this.#run();
  }

  /** Applied entries are deleted from the inbox. */
  async look(): Promise<void> {
    if ((await this.#parts.command.xlen(this.#parts.inboxKey)) > 0) this.rung();
  }

  #hasNews(): boolean {
    return this.#news === '' || (this.#news !== null && isOlder(this.#applied, this.#news));
  }

  async #run(): Promise<void> {
    while (this.#hasNews() && !this.#stopped) {
      try {
        await this.#takeOnce();
      } catch (error) {
        if (!this.#stopped) await this.#recover(error);
      }
    }
    this.#running = null;
  }

  async #takeOnce(): Promise<void> {
    const { ledger, turns, command, inboxKey, onTaking } = this.#parts;
    this.#news = null;
    // Without a turn: a Redis that is silent must not take those of other apps again and again.
    if (this.#unsure) await command.xlen(inboxKey);
    this.#unsure = false;
    const taken = await turns.take(() => {
      const answer = ledger.takeEntries('new');
      onTaking();
      return answer;
    });
    if (taken.kind === 'taken' && taken.count > 0) this.#applied = taken.upTo;
    if (taken.kind === 'pending') await turns.take(() => this.#takePending());
    if (taken.kind !== 'taken' || taken.count === ENTRIES_AT_ONCE) this.#news = '';
  }

  async #takePending(): Promise<void> {
    const { ledger, log } = this.#parts;
    try {
      await ledger.takeEntries('pending');
    } catch (error) {
      if (!raisedByScript(error)) throw error;
      const buried = await ledger.buryEntry(DELIVERIES_BEFORE_BURIAL, 'the webhook could not be applied');
      if (buried.kind === 'buried') {
        log.error({ event: 'entry.buried', entry: buried.entry, err: error }, 'a webhook went to the dead letters');
      }
    }
  }

  async #recover(error: unknown): Promise<void> {
    const { log, recreateGroups } = this.#parts;
    const message = error instanceof Error ? error.message : String(error);
    if (message.includes('NOGROUP')) {
      log.warn({ event: 'group.lost' }, 'a consumer group was gone; created anew from the beginning');
      await recreateGroups().catch(() => undefined);
      this.#news = '';
      return;
    }
    // A script that raised left its entries pending; the next round takes them one at a time.
    if (raisedByScript(error)) log.error({ event: 'entry.failed', err: error }, 'webhooks could not be applied');
    else log.debug({ event: 'inbox.unread', reason: message }, 'the inbox could not be read');
    this.#unsure = true;
    await Bun.sleep(PAUSE_AFTER_ERROR_MS);
    this.#news = null;
    // What this does not see is found by a later look.
    await this.look().catch(() => undefined);
  }
}
