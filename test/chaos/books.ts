/**
 * Compares our books with Qiscus's, when all is quiet: everything in Redis, and everything in the sandbox's truth.
 */
import type { Redis } from 'ioredis';
import { Desk } from '../../src/ledger/desk';
import type { Sandbox } from '../../src/qiscus/sandbox';
import { keysOf } from '../../src/redis/keys';
import { Scripts } from '../../src/redis/scripts';
import { brokenInvariants, readSnapshot } from '../support/invariants';
import { APP_ID } from '../support/service';

/**
 * Every difference and every broken invariant by name; empty when the books are equal and nothing is on its way.
 * @param acknowledged rooms whose allocation was answered 2xx
 */
export async function differences(client: Redis, sandbox: Sandbox, acknowledged: Iterable<string>): Promise<string[]> {
  const keys = keysOf(APP_ID);
  const [inbox, outbox, pending, dead] = await Promise.all([
    client.xlen(keys.inbox),
    client.xlen(keys.outbox),
    client.xpending(keys.outbox, 'dispatch'),
    client.hlen(keys.dead),
  ]);
  const found: string[] = [];
  if (inbox > 0) found.push(`inbox: ${inbox}`);
  if (outbox > 0) found.push(`outbox: ${outbox}`);
  if (pending[0] !== 0) found.push(`pending: ${pending[0]}`);
  if (dead > 0) found.push(`dead letters: ${dead}`);
  // The rest may change while it is read, as long as something is on its way.
  if (found.length > 0) return found;

  const now = await readSnapshot({ client, keys, desk: new Desk(new Scripts(client, keys), Date.now) });
  found.push(...brokenInvariants(now, acknowledged));
  const there = new Map(sandbox.state().rooms.map((room) => [room.id, room]));
  for (const [id, ours] of now.rooms) {
    const agents = there.get(id)?.agents ?? [];
    const holds = ours.state === 'assigned' ? [String(ours.agentId)] : [];
    if (ours.state === 'reserved') found.push(`reserved: ${id}`);
    if (holds.join() !== agents.join()) found.push(`room ${id}: ours [${holds}] Qiscus [${agents}]`);
  }
  for (const agent of sandbox.agents.list()) {
    const ours = now.agents.get(agent.id);
    if (ours?.load !== agent.count || ours.outside !== 0) {
      found.push(`agent ${agent.id}: ours ${ours?.load}, of it outside ${ours?.outside}; Qiscus ${agent.count}`);
    }
  }
  return found;
}
