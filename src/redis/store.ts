/**
 * The connections of one process, which all its apps share.
 *
 * 1. Opens one connection per purpose.
 * 2. `of` gives one app its keys and scripts on them.
 * 3. Says when Redis is lost and when it is back; watches the memory of every node, and says when it gets short. `close` ends all connections at once.
 */
import type { Logger } from 'pino';
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
/** Share of its memory above which a Redis takes no new chats. */
export const NEARLY_FULL = 0.8;

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
  /**
   * @param appLog told when a newer version works on the app's ledger
   * @param dryRun its dry run's keys
   */
  of(appId: string, appLog?: Pick<Logger, 'warn'>, dryRun?: boolean): Promise<Store>;
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
    async of(appId, appLog, dryRun = false) {
      const keys = keysOf(appId, dryRun);
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

/** What this node uses of its memory, and what it may use, bytes; 0: as much as there is. */
export async function readMemory(node: RedisClient): Promise<{ used: number; most: number }> {
  const info = await node.info('memory');
  const read = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
  return { used: read('used_memory'), most: read('maxmemory') };
}

/** Is this node nearly full? */
export async function readNearlyFull(node: RedisClient): Promise<boolean> {
  const { used, most } = await readMemory(node);
  return most > 0 && used > NEARLY_FULL * most;
}
