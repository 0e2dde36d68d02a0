/**
 * Appends to one inbox, all of one turn of the event loop by one script: a command of ioredis costs three times what a
 * call inside a script does.
 *
 * 1. Any number of turns may be under way. ioredis's own auto-pipelining holds everything back until the one before
 *    is answered: on a silent Redis the second webhook then waited for two time-outs, and was refused after twice the time.
 * 2. With `minReplicas` an entry counts as appended when so many replicas have it (replicated.ts).
 */
import type { RedisClient } from '../redis/client';
import { FORMAT } from '../redis/format';
import { text } from '../redis/reply';
import { loadScript } from '../redis/scripts';
import type { Doorbell } from './doorbell';
import { appendTo } from './replicated';

/** Appends at once; more are refused. A turn has at most a thousand, and Redis does nothing else meanwhile (20 ms). */
const MOST = 5_000;

const SCRIPT = loadScript('append_entries');

interface Waiting {
  resolve: (id: string) => void;
  reject: (error: unknown) => void;
}

interface Batch {
  /** Of all entries, one after the other. */
  values: string[];
  waiting: Waiting[];
}

export class Appends {
  readonly #client: RedisClient;
  readonly #key: string;
  readonly #minReplicas: number;
  readonly #bell: Pick<Doorbell, 'ring'> | null;
  #batch: Batch | null = null;

  /** @param minReplicas replicas that must have an entry before it counts as appended */
  constructor(client: RedisClient, key: string, minReplicas = 0, bell: Pick<Doorbell, 'ring'> | null = null) {
    this.#client = client;
    this.#key = key;
    this.#minReplicas = minReplicas;
    this.#bell = bell;
  }

  /**
   * Resolves with the entry's id.
   * @param values of one entry, as lua/prelude/entries.lua takes them
   * @throws what Redis or the connection said of the entries of this turn, or that replicas lack them
   */
  add(values: string[]): Promise<string> {
    this.#batch ??= this.#begin();
    const batch = this.#batch;
    if (batch.waiting.length >= MOST) return Promise.reject(new Error('too many at once: not sent'));
    batch.values.push(...values);
    return new Promise((resolve, reject) => batch.waiting.push({ resolve, reject }));
  }

  #begin(): Batch {
    setImmediate(() => void this.#send());
    return { values: [], waiting: [] };
  }

  async #send(): Promise<void> {
    if (!this.#batch) return;
    const { values, waiting } = this.#batch;
    this.#batch = null;
    try {
      const append = { script: SCRIPT, key: this.#key, args: [FORMAT, ...values] };
      const answered = appendTo(this.#client, append, this.#minReplicas);
      // Before it is answered: who takes entries mostly finds them there already, and loses no round trip.
      this.#bell?.ring(this.#key);
      const { reply, lack } = await answered;
      this.#bell?.ring(this.#key, text(reply.at(-1)));
      if (lack) throw lack;
      for (const [i, { resolve }] of waiting.entries()) resolve(text(reply[i + 1]));
    } catch (error) {
      for (const { reject } of waiting) reject(error);
    }
  }
}
