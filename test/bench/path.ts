/**
 * The whole path, webhook to confirmed, against the same job on BullMQ: rooms a second, and what Redis has to do for one.
 *
 * 1. Each side is one process with a Redis of its own (AOF everysec) and a Qiscus of its own; both answer webhooks at once.
 * 2. 256 chats are open at a time and a slot is free for each: what BullMQ likes best, nothing has to wait. Each room is
 *    two webhooks, a chat that begins and a chat that ends.
 * 3. Commands by INFO commandstats, which counts those inside of scripts too.
 */
import { Redis } from 'ioredis';
import { alternate, median, type Reading, reading } from './measure';
import { openScenes, type Scene } from './scene';

const AGENTS = 100;
const LIMIT = 20;
const OPEN = 256;

interface Work {
  /** Commands, and of those the scripts. */
  commands: number;
  scripts: number;
  /** Redis's CPU, µs. */
  cpuUs: number;
}

async function workOf(redis: Redis): Promise<Work> {
  const [stats, cpu] = [await redis.info('commandstats'), await redis.info('cpu')];
  const calls = (pattern: RegExp) => [...stats.matchAll(pattern)].reduce((sum, [, count]) => sum + Number(count), 0);
  const seconds = (name: string) => Number(new RegExp(`^used_cpu_${name}:([\\d.]+)`, 'm').exec(cpu)?.[1]);
  return {
    commands: calls(/^cmdstat_[^:]+:calls=(\d+)/gm),
    scripts: calls(/^cmdstat_(?:evalsha|eval|fcall)(?:_ro)?:calls=(\d+)/gm),
    cpuUs: (seconds('user') + seconds('sys')) * 1e6,
  };
}

export async function measurePath(quick: boolean): Promise<Reading[]> {
  const rooms = quick ? 3_000 : 8_000;
  const env = { WEBHOOK_WAIT_MS: '0', RECONCILE_SECONDS: '3600' };
  const { scenes, stop } = await openScenes({
    service: { serve: 'service', agents: AGENTS, limit: LIMIT, env },
    bullmq: { serve: 'bullmq', agents: AGENTS, limit: LIMIT },
  });
  const watches: Redis[] = [];
  try {
    let again = 0;
    const works: Record<string, Work[]> = { service: [], bullmq: [] };
    const side = (name: 'service' | 'bullmq', { city, port, redisPort }: Scene) => {
      const watch = new Redis(redisPort, '127.0.0.1');
      watches.push(watch);
      return async () => {
        const before = await workOf(watch);
        const { assigned, tookMs, violations, refused } = await city.ask({ do: 'flow', rooms, open: OPEN, port });
        const after = await workOf(watch);
        if (violations > 0 || assigned !== rooms) {
          throw new Error(`${name}: ${assigned} of ${rooms} rooms assigned, ${violations} violations`);
        }
        again += refused;
        const each = (key: keyof Work) => (after[key] - before[key]) / rooms;
        works[name]?.push({ commands: each('commands'), scripts: each('scripts'), cpuUs: each('cpuUs') });
        return (assigned * 1_000) / tookMs;
      };
    };
    const sides = { service: side('service', scenes.service), bullmq: side('bullmq', scenes.bullmq) };
    await alternate(1, sides); // warm up
    for (const list of Object.values(works)) list.length = 0;
    const rates = await alternate(quick ? 2 : 5, sides);
    const of = (name: string, key: keyof Work) => (works[name] ?? []).map((work) => work[key]);
    const pair = (key: keyof Work) =>
      ['service', 'bullmq'].map((name) => median(of(name, key)).toFixed(key === 'cpuUs' ? 0 : 1)).join(' and ');
    return [
      reading(
        'path.rooms',
        rates.service,
        rates.bullmq,
        `${AGENTS} agents, ${OPEN} chats open, each begins and ends${again > 0 ? `; ${again} webhooks sent twice` : ''}`,
      ),
      reading(
        'path.commands',
        of('service', 'commands'),
        of('bullmq', 'commands'),
        `scripts ${pair('scripts')}, Redis's CPU ${pair('cpuUs')} µs a room`,
      ),
    ];
  } finally {
    for (const watch of watches) watch.disconnect();
    await stop();
  }
}
