/**
 * Appends to one stream, those of one turn of the event loop as one pipeline.
 *
 * 1. Any number of pipelines may be under way. ioredis's own auto-pipelining holds everything back until the one before
 *    is answered: on a silent Redis the second webhook then waited for two time-outs, and was refused after twice the time.
 * 2. With `minReplicas` each pipeline ends with WAIT, which counts who has what this very connection wrote. It holds up the
 *    connection, so the next pipeline is sent only when the one before is answered; what cannot be sent in time is refused
 *    unsent. Otherwise, without replicas, a backlog would be written long after its senders were refused.
 */
import type { ChainableCommander } from 'ioredis';
import type { RedisClient } from '../redis/client';
import type { Doorbell } from './doorbell';

/** How long replicas may take, ms: less than the connection's own limit, so that theirs is the answer. */
export const REPLICAS_WITHIN_MS = 100;

/** How long an append may wait to be sent, ms: with the connection's own limit it stays below 250. */
const SENT_WITHIN_MS = 75;

/** What is wrong when WAIT counted so many; null: nothing. */
export function lackOf(replicas: unknown, minReplicas: number): Error | null {
  return Number(replicas) < minReplicas ? new Error(`only ${replicas} replicas have it`) : null;
}

interface Waiting {
  resolve: (id: string) => void;
  reject: (error: unknown) => void;
}

interface Batch {
  pipeline: ChainableCommander;
  waiting: Waiting[];
  /** Refuses the batch unsent, when another is under way. */
  patience: ReturnType<typeof setTimeout> | null;
}

export class Appends {
  readonly #client: RedisClient;
  readonly #key: string;
  readonly #minReplicas: number;
  readonly #bell: Pick<Doorbell, 'publish'> | null;
  #batch: Batch | null = null;
  #held = false;

  /** @param minReplicas replicas that must have an entry before it counts as appended */
  constructor(client: RedisClient, key: string, minReplicas = 0, bell: Pick<Doorbell, 'publish'> | null = null) {
    this.#client = client;
    this.#key = key;
    this.#minReplicas = minReplicas;
    this.#bell = bell;
  }

  /** Resolves with the entry's id. @throws what Redis or the connection said of this entry, or that replicas lack it */
  add(fields: string[]): Promise<string> {
    this.#batch ??= this.#begin();
    const { pipeline, waiting } = this.#batch;
    pipeline.xadd(this.#key, '*', ...fields);
    return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
  }

  #begin(): Batch {
    const patience = this.#held ? setTimeout(() => this.#refuse(), SENT_WITHIN_MS) : null;
    if (!this.#held) setImmediate(() => void this.#send());
    return { pipeline: this.#client.pipeline(), waiting: [], patience };
  }

  #refuse(): void {
    for (const { reject } of this.#batch?.waiting ?? []) reject(new Error('replicas are slow: not sent'));
    this.#batch = null;
  }

  async #send(): Promise<void> {
    if (!this.#batch) return;
    const { pipeline, waiting, patience } = this.#batch;
    if (patience) clearTimeout(patience);
    this.#batch = null;
    this.#held = this.#minReplicas > 0;
    try {
      if (this.#minReplicas > 0) pipeline.wait(this.#minReplicas, REPLICAS_WITHIN_MS);
      const answers = (await pipeline.exec()) ?? [];
      const waited = this.#minReplicas > 0 ? (answers.pop() ?? [new Error('Redis gave no answer')]) : null;
      const alone = waited && (waited[0] ?? lackOf(waited[1], this.#minReplicas));
      const newest = answers.findLast(([error]) => !error)?.[1];
      if (newest) this.#bell?.publish(this.#key, String(newest));
      for (const [i, { resolve, reject }] of waiting.entries()) {
        const [error, id] = answers[i] ?? [new Error('Redis gave no answer')];
        if (error ?? alone) reject(error ?? alone);
        else resolve(String(id));
      }
    } catch (error) {
      for (const { reject } of waiting) reject(error);
    }
    if (!this.#held) return;
    this.#held = false;
    await this.#send();
  }
}
