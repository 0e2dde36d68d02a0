/**
 * The loop that applies the inbox.
 *
 * 1. Sleeps in a blocking read until the inbox holds something; any number of processes may do so.
 * 2. Takes and applies entries, 64 at a time, until it is empty; the script keeps order and exactly-once.
 * 3. An entry that makes the script raise is taken alone, and buried at its fifth delivery.
 * 4. Creates a lost group anew. `stop` lets the call under way finish.
 */
import type { Logger } from 'pino';
import { BLOCK_MS, close, type RedisClient, whenReady } from '../redis/client';
import { ENTRIES_AT_ONCE, type Ledger } from './index';

const DELIVERIES_BEFORE_BURIAL = 5;
const PAUSE_AFTER_ERROR_MS = 200;

export class Applier {
  readonly #ledger: Ledger;
  readonly #blocking: RedisClient;
  readonly #inboxKey: string;
  readonly #recreateGroups: () => Promise<void>;
  readonly #log: Logger;
  #stopped = false;
  #running: Promise<void> = Promise.resolve();

  /** @param blocking a connection that nothing else uses */
  constructor(
    ledger: Ledger,
    blocking: RedisClient,
    inboxKey: string,
    recreateGroups: () => Promise<void>,
    log: Logger,
  ) {
    this.#ledger = ledger;
    this.#blocking = blocking;
    this.#inboxKey = inboxKey;
    this.#recreateGroups = recreateGroups;
    this.#log = log;
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    close(this.#blocking);
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      try {
        if (await this.#takeAll()) await this.#sleepUntilNext();
      } catch (error) {
        if (!this.#stopped) await this.#recover(error);
      }
    }
  }

  /** Applies what there is; true when the inbox was found (nearly) empty. */
  async #takeAll(): Promise<boolean> {
    const taken = await this.#ledger.takeEntries('new');
    if (taken.kind === 'more') return false;
    if (taken.kind === 'pending') {
      await this.#takePending();
      return false;
    }
    return taken.count < ENTRIES_AT_ONCE;
  }

  async #takePending(): Promise<void> {
    try {
      await this.#ledger.takeEntries('pending');
    } catch (error) {
      if (!isScriptError(error)) throw error;
      const buried = await this.#ledger.buryEntry(DELIVERIES_BEFORE_BURIAL, 'the webhook could not be applied');
      if (buried.kind === 'buried') {
        this.#log.error(
          { event: 'entry.buried', entry: buried.entry, err: error },
          'a webhook went to the dead letters',
        );
      }
    }
  }

  /** Answers at once when the inbox is not empty, since applied entries are deleted from it. */
  async #sleepUntilNext(): Promise<void> {
    await this.#blocking.xread('COUNT', 1, 'BLOCK', BLOCK_MS, 'STREAMS', this.#inboxKey, '0-0');
  }

  async #recover(error: unknown): Promise<void> {
    const message = error instanceof Error ? error.message : String(error);
    if (message.includes('NOGROUP')) {
      this.#log.warn({ event: 'group.lost' }, 'a consumer group was gone; created anew from the beginning');
      await this.#recreateGroups().catch(() => undefined);
      return;
    }
    // A script that raised left its entries pending; the next round takes them one at a time.
    if (isScriptError(error)) this.#log.error({ event: 'entry.failed', err: error }, 'webhooks could not be applied');
    else this.#log.debug({ event: 'inbox.unread', reason: message }, 'the inbox could not be read');
    await Bun.sleep(PAUSE_AFTER_ERROR_MS);
    await whenReady(this.#blocking, PAUSE_AFTER_ERROR_MS);
  }
}

/** Did the script itself raise (and not Redis or the connection)? */
function isScriptError(error: unknown): boolean {
  return error instanceof Error && error.message.includes('user_script');
}
