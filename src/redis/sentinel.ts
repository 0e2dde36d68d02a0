/**
 * A connection to the master that sentinels name, which follows it for ever.
 *
 * 1. ioredis 6.0.0 gives one up for good when the news of a new master comes just while it asks the sentinels for it: its
 *    failover detector ends the very attempt that would have led there. Such a connection is begun anew.
 * 2. A sentinel that accepts and does not answer holds nobody up: the next one is asked.
 *
 * Ends by `disconnect()`.
 */
import { Redis, type RedisOptions } from 'ioredis';

const AGAIN_MS = 50;
const SENTINEL_WITHIN_MS = 1_000;

export class FollowedMaster extends Redis {
  #closed = false;

  /** @param options with `sentinels` and `name` */
  constructor(options: RedisOptions) {
    super({ ...options, replyMapping: 'legacy', failoverDetector: true, sentinelCommandTimeout: SENTINEL_WITHIN_MS });
    // Without a retryStrategy its owner replaces it.
    if (options.retryStrategy?.(1)) this.on('end', () => setTimeout(() => this.#again(), AGAIN_MS));
  }

  override disconnect(reconnect = false): void {
    if (!reconnect) this.#closed = true;
    super.disconnect(reconnect);
  }

  #again(): void {
    if (!this.#closed) this.connect().catch(() => undefined);
  }
}
