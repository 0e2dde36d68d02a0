/** The consumer groups of inbox and outbox. Created from the very beginning: what was applied is gone from the streams. */
import type { RedisClient } from '../redis/client';
import type { Keys } from '../redis/keys';
import { text } from '../redis/reply';
import type { Scripts } from '../redis/scripts';

/**
 * Creates both groups where they are missing: at start, and after NOGROUP (stream deleted, failover to an empty node).
 * From `0`, never `$`: that would skip what waits.
 * @param restore how to queue the calls anew that went with the outbox; before its group, so that a crash in between is
 *   found again. Without it they stay lost.
 */
export async function ensureGroups(
  client: RedisClient,
  keys: Keys,
  restore?: { scripts: Scripts; nowMs: () => number },
): Promise<void> {
  if (restore && !(await hasGroup(client, keys.outbox, 'dispatch'))) {
    let cursor = '';
    do cursor = text((await restore.scripts.run('restore_intents', restore.nowMs(), cursor))[2]);
    while (cursor !== '');
  }
  for (const [key, group] of [
    [keys.inbox, 'ledger'],
    [keys.outbox, 'dispatch'],
  ] as const) {
    // A Redis that is full refuses to create one, also where it is there: then nobody could start, and let chats end.
    if (await hasGroup(client, key, group)) continue;
    try {
      await client.xgroup('CREATE', key, group, '0', 'MKSTREAM');
    } catch (error) {
      if (!(error instanceof Error && error.message.includes('BUSYGROUP'))) throw error;
    }
  }
}

async function hasGroup(client: RedisClient, key: string, group: string): Promise<boolean> {
  try {
    const groups = (await client.xinfo('GROUPS', key)) as unknown[][];
    return groups.some((fields) => fields.includes(group));
  } catch (error) {
    if (error instanceof Error && error.message.includes('no such key')) return false;
    throw error;
  }
}
