/**
 * Every key of the service. `caa:v1:{<app id>}:<noun>`: the tag puts all keys of one Qiscus app into one slot, so that a
 * script may use them together, and spreads many apps over a Redis Cluster. A dry run has keys of its own, in the same slot
 * (`dry:` before the noun): it neither disturbs nor is believed by the service that goes live later.
 */

/** The noun of each key, its Redis type, and what it is. Scripts name them in their headers. */
export const KEY_NOUNS = {
  inbox: 'stream: webhooks accepted and not yet applied',
  outbox: 'stream: intents for the dispatchers',
  journal: 'stream: one record per inbox entry and per change',
  rooms: 'hash: room -> packed record',
  line: 'zset: rooms in line, by channel and place',
  heads: 'zset: first room of each channel, by place',
  agents: 'hash: agent -> packed record',
  ready: 'zset: agents online and unpaused, by group and load',
  groups: 'hash: agents of the same channels and limit',
  held: 'zset: who holds what',
  recent: 'zset: confirmed rooms given back a moment ago',
  later: 'zset: rooms whose next step is due at a time',
  parked: 'zset: rooms that need a person or their next webhook',
  ended: 'zset: resolved rooms, swept when old',
  meta: 'hash: counters, the default limit, the drain mark',
  qiscus: 'hash: breaker and rate, shared by all dispatchers',
  dead: 'hash: webhooks that could not be applied',
  compared: 'hash: what a dry run found out about the allocation beside it',
  lease: 'text: who leads',
} as const;

export type KeyNoun = keyof typeof KEY_NOUNS;
export type Keys = Record<KeyNoun, string>;

/**
 * Builds the keys of one app.
 * @param dryRun those of its dry run
 * @throws Error when the app id holds a brace (it would break the hash tag) or is empty.
 */
export function keysOf(appId: string, dryRun = false): Keys {
  if (!/^[^{}\s]{1,128}$/.test(appId))
    throw new Error('an app id must be 1 to 128 characters without braces or spaces');
  const place = dryRun ? 'dry:' : '';
  const entries = Object.keys(KEY_NOUNS).map((noun) => [noun, `caa:v1:{${appId}}:${place}${noun}`]);
  return Object.fromEntries(entries) as Keys;
}

/** The Pub/Sub channel of the doorbell, one for all apps; records.lua makes the same name of a key. */
export const BELL = 'caa:v1:bell';
