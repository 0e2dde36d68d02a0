/**
 * Appends to one stream, those of one turn of the event loop as one pipeline.
 *
 * Any number of pipelines may be under way. ioredis's own auto-pipelining holds everything back until the one before is
 * answered: on a silent Redis the second webhook then waited for two time-outs, and was refused after twice the time.
 */
import type { ChainableCommander } from 'ioredis';
import type { RedisClient } from '../redis/client';

interface Waiting {
  resolve: (id: string) => void;
  reject: (error: unknown) => void;
}

export class Appends {
  readonly #client: RedisClient;
  readonly #key: string;
  #batch: { pipeline: ChainableCommander; waiting: Waiting[] } | null = null;

  constructor(client: RedisClient, key: string) {
    this.#client = client;
    this.#key = key;
  }

  /** Resolves with the entry's id. @throws what Redis or the connection said of this entry */
  add(fields: string[]): Promise<string> {
    this.#batch ??= this.#begin();
    const { pipeline, waiting } = this.#batch;
    pipeline.xadd(this.#key, '*', ...fields);
    return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
  }

  #begin() {
    setImmediate(() => void this.#send());
    return { pipeline: this.#client.pipeline(), waiting: [] };
  }

  async #send(): Promise<void> {
    if (!this.#batch) return;
    const { pipeline, waiting } = this.#batch;
    this.#batch = null;
    try {
      const answers = (await pipeline.exec()) ?? [];
      for (const [i, { resolve, reject }] of waiting.entries()) {
        const [error, id] = answers[i] ?? [new Error('Redis gave no answer')];
        if (error) reject(error);
        else resolve(String(id));
      }
    } catch (error) {
      for (const { reject } of waiting) reject(error);
    }
  }
}
