/**
 * The connections of one process, which all its apps share, and the gate that Redis passes at start.
 *
 * 1. Opens one connection per purpose.
 * 2. `of` gives one app its keys and scripts on them.
 * 3. Refuses (in production) or warns when Redis may lose or evict what was acknowledged; warns when it is known to be unsafe.
 * 4. Says when Redis is lost and when it is back; watches the memory of every node, and says when it gets short. `close` ends all connections at once.
 */
import type { Logger } from 'pino';
import { ConfigError } from '../config';
import { ServiceError } from '../errors';
import {
  addressOf,
  close,
  connect,
  mastersOf,
  ownerOf,
  type Purpose,
  type RedisAddress,
  type RedisClient,
} from './client';
import { type Keys, keysOf } from './keys';
import { Scripts } from './scripts';

const MEMORY_LOOK_EVERY_MS = 1_000;
const NEARLY_FULL = 0.8;

/** Redis as one app sees it. */
export interface Store {
  keys: Keys;
  command: RedisClient;
  scripts: Scripts;
  isNearlyFull(): boolean;
}

export interface Connections {
  command: RedisClient;
  /** One more connection; closed with the rest. */
  open(purpose: Purpose): Promise<RedisClient>;
  /** @param appLog told when a newer version works on the app's ledger */
  of(appId: string, appLog?: Pick<Logger, 'warn'>): Promise<Store>;
  close(): void;
}

/** @throws ServiceError when Redis does not answer within 10 s. */
export async function openConnections(
  address: RedisAddress,
  log: Pick<Logger, 'warn'> | null = null,
): Promise<Connections> {
  const clients: RedisClient[] = [];
  const open = async (purpose: Purpose) => {
    try {
      const client = await connect(address, purpose);
      clients.push(client);
      return client;
    } catch (cause) {
      throw new ServiceError('STORE_UNAVAILABLE', 'Redis cannot be reached: check REDIS_URL and that Redis runs.', {
        cause,
      });
    }
  };
  const command = await open('command');
  let closing = false;
  let lost = false;
  command.on('close', () => {
    if (closing || lost) return;
    lost = true;
    log?.warn({ event: 'redis.lost' }, 'the connection to Redis was lost; webhooks are refused until it is back');
  });
  command.on('ready', () => {
    if (!lost) return;
    lost = false;
    log?.warn({ event: 'redis.back' }, 'Redis is back');
  });
  const full = new Set<string>();
  const look = setInterval(() => {
    for (const node of mastersOf(command)) {
      const place = addressOf(node);
      readNearlyFull(node).then(
        (isFull) => {
          if (isFull === full.has(place)) return;
          if (isFull) full.add(place);
          else full.delete(place);
          const what = isFull ? 'Redis is above 80 % of its memory: new chats are refused' : 'Redis has room again';
          log?.warn({ event: isFull ? 'redis.nearly_full' : 'redis.has_room' }, what);
        },
        () => undefined,
      );
    }
  }, MEMORY_LOOK_EVERY_MS);
  return {
    command,
    open,
    async of(appId, appLog) {
      const keys = keysOf(appId);
      const owner = await ownerOf(command, keys.inbox);
      const isNearlyFull = () => full.size > 0 && full.has(owner());
      const scripts = new Scripts(command, keys, ({ format, message }) =>
        appLog?.warn({ event: 'format.newer', format }, message),
      );
      return { keys, command, scripts, isNearlyFull };
    },
    close() {
      closing = true;
      clearInterval(look);
      for (const client of clients) close(client);
    },
  };
}

/** Is this node nearly full? */
export async function readNearlyFull(node: RedisClient): Promise<boolean> {
  const info = await node.info('memory');
  const read = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
  const most = read('maxmemory');
  return most > 0 && read('used_memory') > NEARLY_FULL * most;
}

/** What each setting must be for "acknowledged" to mean "kept". */
const DURABLE = { appendonly: 'yes', appendfsync: 'always', 'maxmemory-policy': 'noeviction' } as const;

/** First patch of each line without the Lua escape CVE-2025-49844. 7.0 is mended by distributions only, under its old number. */
const SAFE = {
  redis: { '7.0': 15, '7.2': 11, '7.4': 6, '8.0': 4, '8.2': 2 },
  valkey: { '7.2': 11, '8.0': 6, '8.1': 4 },
} as const;

/** The version to move to when the server that gave this INFO is known to be unsafe, else null. */
export function saferVersion(info: string): string | null {
  const kind = info.includes('valkey_version:') ? 'valkey' : 'redis';
  const [, line = '', patch] = new RegExp(`^${kind}_version:(\\d+\\.\\d+)\\.(\\d+)`, 'm').exec(info) ?? [];
  const floor = Object.entries(SAFE[kind]).find(([known]) => known === line)?.[1];
  return floor !== undefined && Number(patch) < floor ? `${line}.${floor}` : null;
}

/**
 * Checks version and durability of Redis; of a cluster, every master.
 * @throws ConfigError when the address names a node of a cluster as if it stood alone; ServiceError for Redis before 7.0; and in production, unless `allowWeak`, when it may lose acknowledged webhooks.
 */
export async function checkDurability(
  client: RedisClient,
  rules: { production: boolean; allowWeak: boolean },
  log: Logger,
): Promise<void> {
  for (const node of mastersOf(client)) await checkNode(node, client, rules, log);
}

const NODE_OF_CLUSTER =
  'REDIS_URL names a node of a Redis Cluster as if it stood alone: write redis+cluster://host:port,… (TLS: rediss+cluster://…)';

/** @param client of which it is a node; itself where Redis stands alone */
async function checkNode(
  node: RedisClient,
  client: RedisClient,
  rules: { production: boolean; allowWeak: boolean },
  log: Logger,
): Promise<void> {
  const info = await node.info('server');
  if (node === client && /^(redis|server)_mode:cluster/m.test(info)) throw new ConfigError([NODE_OF_CLUSTER]);
  const version = /^redis_version:(\d+)\.(\d+)/m.exec(info);
  if (version && Number(version[1]) < 7) {
    throw new ServiceError('STORE_UNAVAILABLE', 'Redis 7.0 or newer (or Valkey 8) is needed.');
  }
  const safer = saferVersion(info);
  if (safer !== null) {
    log.warn(
      { event: 'redis.outdated', safer },
      `This Redis has known holes in its Lua: update it to ${safer} or newer.`,
    );
  }
  const weak: string[] = [];
  for (const [name, wanted] of Object.entries(DURABLE)) {
    const answer = await readSetting(node, name);
    if (answer === null)
      log.warn({ event: 'redis.unchecked', setting: name }, 'Redis does not tell this setting; check it yourself');
    else if (answer !== wanted) weak.push(`${name} is ${answer}, should be ${wanted}`);
  }
  if (weak.length === 0) return;
  const message = `Redis may lose what was acknowledged: ${weak.join('; ')}.`;
  if (rules.production && !rules.allowWeak) {
    throw new ServiceError(
      'STORE_UNAVAILABLE',
      `${message} Change it in redis.conf, or accept it with ALLOW_WEAK_DURABILITY=true.`,
    );
  }
  log.warn({ event: 'redis.weak', weak }, message);
}

/** null when the server forbids CONFIG, as managed ones do. */
async function readSetting(client: RedisClient, name: string): Promise<string | null> {
  try {
    const answer = await client.call('CONFIG', 'GET', name);
    return Array.isArray(answer) && typeof answer[1] === 'string' ? answer[1] : null;
  } catch {
    return null;
  }
}
