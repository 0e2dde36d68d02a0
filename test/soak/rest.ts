/**
 * Signs that a soak came to rest with nothing lost: first still, with open chats, then empty. Names what is not so.
 *
 * 1. Still: no webhook unread, no call under way, and every agent holds the same rooms in our books as at Qiscus.
 * 2. Empty: nobody holds anything, nothing waits; every chat that was begun was finished, every room is known.
 * 3. The invariant checker agrees both times.
 * 4. Every acknowledged webhook had one entry in the inbox, and every entry one journal record; the streams are small again.
 */
import { Desk } from '../../src/ledger/desk';
import type { Traffic } from '../../src/qiscus/sandbox/traffic';
import { Scripts } from '../../src/redis/scripts';
import { brokenInvariants, readSnapshot } from '../support/invariants';
import { until } from '../support/wait';
import { readRedis } from './sample';
import type { Scene } from './scene';
import type { Timekeeper } from './times';

const WITHIN_MS = 120_000;
/** What an empty stream may still take: one node. */
const EMPTY_STREAM_BYTES = 16 * 1024;

/** Lets everything come to rest. @returns every broken promise, in words; empty: all were kept */
export async function comeToRest(scene: Scene, traffic: Traffic, times: Timekeeper): Promise<string[]> {
  const { client, keys } = scene;
  const desk = new Desk(new Scripts(client, keys), Date.now);
  const broken: string[] = [];
  const settle = async (what: string, condition: () => Promise<boolean>) => {
    const late = await until(condition, { what, withinMs: WITHIN_MS }).catch((error: Error) => error);
    if (late instanceof Error) broken.push(late.message, ...(await differences(scene)));
    const snapshot = await readSnapshot({ client, keys, desk });
    broken.push(...brokenInvariants(snapshot, []).map((line) => `${what}: ${line}`));
    return snapshot;
  };

  await settle('still, and our books equal those of Qiscus', async () => {
    const { inbox, outbox } = await readRedis(client, keys);
    return inbox + outbox === 0 && (await differences(scene)).length === 0;
  });
  await traffic.rest(AbortSignal.timeout(WITHIN_MS));
  const { rooms } = await settle('empty', async () => {
    const { inbox, outbox, line, load } = await readRedis(client, keys);
    return inbox + outbox + line + load === 0 && (await desk.listAgents()).every((agent) => agent.load === 0);
  });

  const { opened, returned, finished, replies } = traffic.counts;
  if (finished !== opened + returned) broken.push(`${opened + returned} chats begun, ${finished} finished`);
  if (opened !== rooms.size) broken.push(`${opened} rooms at Qiscus, ${rooms.size} in our books`);
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

/** Where our books and Qiscus's differ: who holds what. */
async function differences({ client, keys, sandbox }: Scene): Promise<string[]> {
  const ours = new Set(await client.zrange(keys.held, '0', '-1'));
  const theirs = new Set(sandbox.agents.list().flatMap(({ id, rooms }) => rooms.map((room) => `${id}\0${room}`)));
  const spell = (member: string) => member.replace('\0', ' holds ');
  return [
    ...[...theirs.difference(ours)].map((member) => `only at Qiscus ${spell(member)}`),
    ...[...ours.difference(theirs)].map((member) => `only in our books ${spell(member)}`),
  ];
}

async function streamInfo({ client }: Scene, key: string, name: string): Promise<unknown> {
  const info = await client.xinfo('STREAM', key);
  return Array.isArray(info) ? info[info.indexOf(name) + 1] : null;
}
