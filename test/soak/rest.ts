/**
 * Signs that a soak came to rest with nothing lost: first still, with open chats, then empty. Names what is not so.
 *
 * 1. Still: no webhook unread, no call under way.
 * 2. Empty: nobody holds anything, nothing waits; every chat that was begun was finished, every room is known.
 * 3. Both times the invariant checker agrees, the journal replayed gives our books, and they equal those of Qiscus.
 * 4. Every acknowledged webhook had one entry in the inbox, and every entry one journal record; the streams are small again.
 */
import type { Traffic } from '../../src/qiscus/sandbox/traffic';
import { brokenWhenQuiet } from '../support/invariants';
import { until } from '../support/wait';
import { readRedis } from './sample';
import type { Scene } from './scene';
import type { Timekeeper } from './times';

const WITHIN_MS = 120_000;
/** What an empty stream may still take: one node. */
const EMPTY_STREAM_BYTES = 16 * 1024;

type Quiet = Pick<Scene, 'client' | 'keys' | 'sandbox'>;

/** Lets everything come to rest, in each of its steps for so long at most. @returns every broken promise, in words; empty: all were kept */
export async function comeToRest(
  scene: Quiet,
  traffic: Traffic,
  times: Timekeeper,
  withinMs = WITHIN_MS,
): Promise<string[]> {
  const { client, keys, sandbox } = scene;
  const broken: string[] = [];
  const settle = async (what: string, isThere: () => Promise<boolean>) => {
    let found: string[] = [];
    const check = async () => {
      if (!(await isThere())) return false;
      // Violations are told as they come, with the records before them.
      const truth = { ...sandbox.state(), violations: [] };
      const rooms = truth.rooms.map(({ id }) => id);
      found = await brokenWhenQuiet(client, keys, truth, rooms);
      return found.length === 0;
    };
    const late = await until(check, { what, withinMs }).catch((error: Error) => error);
    if (late instanceof Error) broken.push(late.message, ...found);
  };

  await settle('still, and our books equal those of Qiscus', async () => {
    const { inbox, outbox, load } = await readRedis(client, keys);
    const held = sandbox.agents.list().reduce((sum, { count }) => sum + count, 0);
    return inbox + outbox === 0 && load === held;
  });
  await traffic.rest(AbortSignal.timeout(withinMs));
  await settle('empty', async () => {
    const { inbox, outbox, line, load } = await readRedis(client, keys);
    return inbox + outbox + line + load === 0;
  });
  const { rooms } = await readRedis(client, keys);

  const { opened, returned, finished, replies } = traffic.counts;
  if (finished !== opened + returned) broken.push(`${opened + returned} chats begun, ${finished} finished`);
  if (opened !== rooms) broken.push(`${opened} rooms at Qiscus, ${rooms} in our books`);
  const accepted = (replies[200] ?? 0) + (replies[202] ?? 0);
  // 503 says that it may have been stored; anything else must not happen.
  const unsure = replies[503] ?? 0;
  const sent = Object.values(replies).reduce((sum, count) => sum + count, 0);
  if (accepted + unsure < sent) broken.push(`strange answers to webhooks: ${JSON.stringify(replies)}`);
  const entries = Number(await streamInfo(scene, keys.inbox, 'entries-added'));
  await until(() => times.answered >= entries, { what: 'every record read' }).catch(() => undefined);
  if (entries < accepted || entries > accepted + unsure || times.answered !== entries)
    broken.push(`${accepted} webhooks acknowledged, ${entries} entries, ${times.answered} records that answer one`);
  for (const key of [keys.inbox, keys.outbox]) {
    const bytes = Number(await client.call('MEMORY', 'USAGE', key));
    if (bytes > EMPTY_STREAM_BYTES) broken.push(`${key} is empty and takes ${bytes} bytes`);
  }
  return broken;
}

async function streamInfo({ client }: Quiet, key: string, name: string): Promise<unknown> {
  const info = await client.xinfo('STREAM', key);
  return Array.isArray(info) ? info[info.indexOf(name) + 1] : null;
}
