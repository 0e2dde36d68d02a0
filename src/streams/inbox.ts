/**
 * The inbox: one stream entry per webhook, appended before it is answered.
 *
 * 1. `submit` appends durably, then waits for the outcome if asked to.
 * 2. Nothing is kept in memory when Redis is away: the sender gets STORE_UNAVAILABLE within 250 ms.
 * 3. No more than its allowance of a second is taken in, so that one app's flood does not fill Redis for the others.
 * 4. Above 80 % of Redis's memory only resolves are taken in: they make room.
 */
import { ServiceError } from '../errors';
import type { Intake, Outcome, Webhook } from '../ledger/model';
import type { RedisClient } from '../redis/client';
import { FORMAT } from '../redis/format';
import { text } from '../redis/reply';
import { loadScript } from '../redis/scripts';
import type { Store } from '../redis/store';
import { Allowance } from './allowance';
import { Appends } from './appends';
import type { Doorbell } from './doorbell';
import { appendTo } from './replicated';
import type { Waiters } from './waiters';

const WHEN_FULL = loadScript('append_entry');

/**
 * What lua/prelude/entries.lua takes for one webhook: kind, room, request, service, channel, source, name, agent; '' for
 * unknown.
 */
export function valuesOf(webhook: Webhook, request: string): string[] {
  const { kind, roomId, finishedService } = webhook;
  const service = finishedService === null ? '' : String(finishedService);
  if (kind === 'resolved') return [kind, roomId, request, service, '', '', '', webhook.claimedAgentId ?? ''];
  return [
    kind,
    roomId,
    request,
    service,
    webhook.channelId ?? '',
    webhook.source ?? '',
    webhook.customerName ?? '',
    webhook.candidateAgentId ?? '',
  ];
}

export class Inbox implements Intake {
  readonly #ingest: RedisClient;
  readonly #appends: Appends;
  readonly #store: Pick<Store, 'keys' | 'isNearlyFull'>;
  readonly #waiters: Waiters;
  readonly #minReplicas: number;
  readonly #bell: Pick<Doorbell, 'ring'>;
  readonly #allowance: Allowance | null;

  /**
   * @param minReplicas replicas that must have a webhook before it counts as stored
   * @param perSecond webhooks taken in a second at most; null: as many as come
   */
  constructor(
    ingest: RedisClient,
    store: Pick<Store, 'keys' | 'isNearlyFull'>,
    waiters: Waiters,
    minReplicas: number,
    bell: Pick<Doorbell, 'ring'>,
    perSecond: number | null = null,
  ) {
    this.#ingest = ingest;
    this.#bell = bell;
    this.#appends = new Appends(ingest, store.keys.inbox, minReplicas, bell);
    this.#store = store;
    this.#waiters = waiters;
    this.#minReplicas = minReplicas;
    this.#allowance = perSecond === null ? null : new Allowance(perSecond);
  }

  async submit(webhook: Webhook, request: string, waitMs: number): Promise<Outcome> {
    if (this.#allowance?.spend() === false) {
      throw new ServiceError('TOO_MANY_WEBHOOKS', 'This app sends more webhooks than it may: try again in a second.');
    }
    if (webhook.kind === 'allocation' && this.#store.isNearlyFull()) {
      throw new ServiceError(
        'STORE_UNAVAILABLE',
        'Redis is nearly full: new chats are not taken in now. Try again later.',
      );
    }
    const outcome = waitMs > 0 ? this.#waiters.wait(request, waitMs) : null;
    let entry: string;
    try {
      entry = await this.#append(webhook, valuesOf(webhook, request));
    } catch (cause) {
      this.#waiters.cancel(request);
      throw new ServiceError('STORE_UNAVAILABLE', 'The webhook could not be stored. Send it again in a moment.', {
        cause,
      });
    }
    return (await outcome) ?? { state: 'accepted', entry };
  }

  async #append(webhook: Webhook, values: string[]): Promise<string> {
    try {
      return await this.#appends.add(values);
    } catch (error) {
      const full = error instanceof Error && error.message.startsWith('OOM');
      if (!full || webhook.kind !== 'resolved') throw error;
      const key = this.#store.keys.inbox;
      const append = { script: WHEN_FULL, key, args: [FORMAT, ...values] };
      const { reply, lack } = await appendTo(this.#ingest, append, this.#minReplicas);
      const entry = text(reply[1]);
      this.#bell.ring(key, entry);
      if (lack) throw lack;
      return entry;
    }
  }
}
