/**
 * Compares our books with Qiscus's, when all is quiet: every invariant, the journal replayed, and no trace of trouble left.
 */
import type { Redis } from 'ioredis';
import type { Sandbox } from '../../src/qiscus/sandbox';
import { keysOf } from '../../src/redis/keys';
import { readBooks } from '../support/books';
import { brokenWhenQuiet } from '../support/invariants';
import { APP_ID } from '../support/service';

/**
 * Every difference and every broken invariant by name; empty when the books are equal and nothing is on its way.
 * @param acknowledged rooms whose allocation was answered 2xx
 */
export async function differences(client: Redis, sandbox: Sandbox, acknowledged: Iterable<string>): Promise<string[]> {
  const keys = keysOf(APP_ID);
  const [inbox, outbox, dead] = await Promise.all([
    client.xlen(keys.inbox),
    client.xlen(keys.outbox),
    client.hlen(keys.dead),
  ]);
  const found: string[] = [];
  if (inbox > 0) found.push(`inbox: ${inbox}`);
  if (outbox > 0) found.push(`outbox: ${outbox}`);
  if (dead > 0) found.push(`dead letters: ${dead}`);
  // The rest may change while it is read, as long as something is on its way.
  if (found.length > 0) return found;

  found.push(...(await brokenWhenQuiet(client, keys, sandbox.state(), acknowledged)));
  for (const [id, { outside }] of (await readBooks(client, keys)).agents)
    if (outside !== 0) found.push(`agent ${id}: ${outside} of its rooms we know nothing of`);
  return found;
}
