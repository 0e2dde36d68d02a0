/** The consumer groups of inbox and outbox. Created from the very beginning: what was applied is gone from the streams. */
import type { RedisClient } from '../redis/client';
import type { Keys } from '../redis/keys';

/**
 * Creates both groups where they are missing: at start, and after NOGROUP (stream deleted, failover to an empty node).
 * From `0`, never `$`: that would skip what waits.
 */
export async function ensureGroups(client: RedisClient, keys: Keys): Promise<void> {
  for (const [key, group] of [
    [keys.inbox, 'ledger'],
    [keys.outbox, 'dispatch'],
  ] as const) {
    try {
      await client.xgroup('CREATE', key, group, '0', 'MKSTREAM');
    } catch (error) {
      if (!(error instanceof Error && error.message.includes('BUSYGROUP'))) throw error;
    }
  }
}
