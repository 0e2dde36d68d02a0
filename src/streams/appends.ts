/**
 * Appends to one inbox, all of one turn of the event loop by one script: a command of ioredis costs three times what a
 * call inside a script does.
 *
 * 1. Any number of turns may be under way. ioredis's own auto-pipelining holds everything back until the one before
 *    is answered: on a silent Redis the second webhook then waited for two time-outs, and was refused after twice the time.
 * 2. With `minReplicas` each ends with WAIT, which counts who has what this very connection wrote. It holds up the
 *    connection, so the next turn is sent only when the one before is answered; what cannot be sent in time is refused
 *    unsent. Otherwise, without replicas, a backlog would be written long after its senders were refused.
 */
import type { RedisClient } from '../redis/client';
import { FORMAT } from '../redis/format';
import { list, text } from '../redis/reply';
import { loadScript, type Reply } from '../redis/scripts';
import type { Doorbell } from './doorbell';

/** How long replicas may take, ms: less than the connection's own limit, so that theirs is the answer. */
export const REPLICAS_WITHIN_MS = 100;

/** How long an append may wait to be sent, ms: with the connection's own limit it stays below 250. */
const SENT_WITHIN_MS = 75;

/** Appends at once; more are refused. A turn has at most a thousand, and Redis does nothing else meanwhile (20 ms). */
const MOST = 5_000;

const SCRIPT = loadScript('append_entries');

/** What is wrong when WAIT counted so many; null: nothing. */
export function lackOf(replicas: unknown, minReplicas: number): Error | null {
  return Number(replicas) < minReplicas ? new Error(`only ${replicas} replicas have it`) : null;
}

interface Waiting {
  resolve: (id: string) => void;
  reject: (error: unknown) => void;
}

interface Batch {
  /** Of all entries, one after the other. */
  values: string[];
  waiting: Waiting[];
  /** Refuses the batch unsent, when another is under way. */
  patience: ReturnType<typeof setTimeout> | null;
}

export class Appends {
  readonly #client: RedisClient;
  readonly #key: string;
  readonly #minReplicas: number;
  readonly #bell: Pick<Doorbell, 'ring'> | null;
  #batch: Batch | null = null;
  #held = false;

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
    const patience = this.#held ? setTimeout(() => this.#refuse(), SENT_WITHIN_MS) : null;
    if (!this.#held) setImmediate(() => void this.#send());
    return { values: [], waiting: [], patience };
  }

  #refuse(): void {
    for (const { reject } of this.#batch?.waiting ?? []) reject(new Error('replicas are slow: not sent'));
    this.#batch = null;
  }

  async #send(): Promise<void> {
    if (!this.#batch) return;
    const { values, waiting, patience } = this.#batch;
    if (patience) clearTimeout(patience);
    this.#batch = null;
    this.#held = this.#minReplicas > 0;
    try {
      const ids = (await this.#run('evalsha', SCRIPT.sha, values)) ?? (await this.#run('eval', SCRIPT.source, values));
      for (const [i, { resolve }] of waiting.entries()) resolve(text(ids?.[i + 1]));
    } catch (error) {
      for (const { reject } of waiting) reject(error);
    }
    if (!this.#held) return;
    this.#held = false;
    await this.#send();
  }

  /** One script and what has to follow it on the same connection. @returns its reply; null when Redis does not know the script: nothing was run */
  async #run(how: 'evalsha' | 'eval', script: string, values: string[]): Promise<Reply[] | null> {
    const pipeline = this.#client.pipeline();
    pipeline[how](script, 1, this.#key, FORMAT, ...values);
    if (this.#minReplicas > 0) pipeline.wait(this.#minReplicas, REPLICAS_WITHIN_MS);
    const answered = pipeline.exec();
    // Before it is answered: who takes entries mostly finds them there already, and loses no round trip.
    this.#bell?.ring(this.#key);
    const [appended, waited] = (await answered) ?? [];
    if (!appended) throw new Error('Redis gave no answer');
    const [error, reply] = appended;
    if (how === 'evalsha' && error?.message.includes('NOSCRIPT')) return null;
    if (error) throw error;
    const answer = list(reply as Reply);
    this.#bell?.ring(this.#key, text(answer.at(-1)));
    if (this.#minReplicas > 0) {
      const lack = waited?.[0] ?? lackOf(waited?.[1], this.#minReplicas);
      if (lack) throw lack;
    }
    return answer;
  }
}
