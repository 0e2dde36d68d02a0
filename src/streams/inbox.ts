/**
 * The inbox: one stream entry per webhook, appended before it is answered.
 *
 * 1. `submit` appends durably, then waits for the outcome if asked to.
 * 2. Nothing is kept in memory when Redis is away: the sender gets STORE_UNAVAILABLE within 250 ms.
 * 3. Above 80 % of Redis's memory only resolves are taken in: they make room.
 */
import type { ChainableCommander } from 'ioredis';
import { ServiceError } from '../errors';
import type { Intake, Outcome, Webhook } from '../ledger/model';
import type { RedisClient } from '../redis/client';
import { text } from '../redis/reply';
import type { Store } from '../redis/store';
import type { Waiters } from './waiters';

/** How long replicas may take, ms; the sender hears of a failure within 250 ms. */
const REPLICAS_WITHIN_MS = 150;

interface Waiting {
  resolve: (id: string) => void;
  reject: (error: unknown) => void;
}

/** Fields and values of an entry; empty ones are left out. */
export function entryOf(webhook: Webhook, request: string): string[] {
  const fields = ['kind', webhook.kind, 'room', webhook.roomId, 'request', request];
  const add = (name: string, value: string | number | null) => {
    if (value !== null && value !== '') fields.push(name, String(value));
  };
  add('service', webhook.finishedService);
  if (webhook.kind === 'allocation') {
    add('channel', webhook.channelId);
    add('source', webhook.source);
    add('name', webhook.customerName);
  } else {
    add('agent', webhook.claimedAgentId);
  }
  return fields;
}

export class Inbox implements Intake {
  readonly #ingest: RedisClient;
  readonly #appends: Appends;
  readonly #store: Pick<Store, 'keys' | 'scripts' | 'isNearlyFull'>;
  readonly #waiters: Waiters;
  readonly #minReplicas: number;

  /** @param minReplicas replicas that must have a webhook before it counts as stored */
  constructor(
    ingest: RedisClient,
    store: Pick<Store, 'keys' | 'scripts' | 'isNearlyFull'>,
    waiters: Waiters,
    minReplicas: number,
  ) {
    this.#ingest = ingest;
    this.#appends = new Appends(ingest, store.keys.inbox);
    this.#store = store;
    this.#waiters = waiters;
    this.#minReplicas = minReplicas;
  }

  async submit(webhook: Webhook, request: string, waitMs: number): Promise<Outcome> {
    if (webhook.kind === 'allocation' && this.#store.isNearlyFull()) {
      throw new ServiceError(
        'STORE_UNAVAILABLE',
        'Redis is nearly full: new chats are not taken in now. Try again later.',
      );
    }
    const outcome = waitMs > 0 ? this.#waiters.wait(request, waitMs) : null;
    let entry: string;
    try {
      entry = await this.#append(webhook, entryOf(webhook, request));
      if (this.#minReplicas > 0) await this.#replicated();
    } catch (cause) {
      this.#waiters.cancel(request);
      throw new ServiceError('STORE_UNAVAILABLE', 'The webhook could not be stored. Send it again in a moment.', {
        cause,
      });
    }
    return (await outcome) ?? { state: 'accepted', entry };
  }

  async #append(webhook: Webhook, fields: string[]): Promise<string> {
    try {
      return await this.#appends.add(fields);
    } catch (error) {
      const full = error instanceof Error && error.message.startsWith('OOM');
      if (!full || webhook.kind !== 'resolved') throw error;
      return text((await this.#store.scripts.run('append_entry', ...fields))[1]);
    }
  }

  async #replicated(): Promise<void> {
    const replicas = await this.#ingest.wait(this.#minReplicas, REPLICAS_WITHIN_MS);
    if (replicas < this.#minReplicas) throw new Error(`only ${replicas} replicas have it`);
  }
}

/**
 * Sends the webhooks of one turn of the event loop as one pipeline. Any number of pipelines may be under way, where
 * ioredis's own auto-pipelining waits for the one before; it also costs more than twice as much per webhook (measured).
 */
class Appends {
  readonly #ingest: RedisClient;
  readonly #key: string;
  #batch: { pipeline: ChainableCommander; waiting: Waiting[] } | null = null;

  constructor(ingest: RedisClient, key: string) {
    this.#ingest = ingest;
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
    return { pipeline: this.#ingest.pipeline(), waiting: [] };
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
