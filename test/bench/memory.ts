/**
 * What a room in line costs: Redis's memory before and after 100,000 rooms went in line, nothing else kept.
 *
 * The journal is bounded by its own settings, so it is emptied before the second look; what one record costs is shown.
 */
import { close, connect, type RedisClient } from '../../src/redis/client';
import { startTestRedis } from '../support/redis';
import { Office } from './ledger';
import type { Figure } from './measure';

const MOST_BYTES = 300;

async function usedBytes(client: RedisClient): Promise<number> {
  return Number(/^used_memory:(\d+)/m.exec(await client.info('memory'))?.[1]);
}

export async function measureMemory(quick: boolean): Promise<Figure[]> {
  const rooms = quick ? 20_000 : 100_000;
  const redis = await startTestRedis();
  const client = await connect(redis.url, 'command');
  try {
    const office = new Office(client, 'memory');
    await office.open(1, 0);
    const before = await usedBytes(client);
    await office.queue(rooms);
    const withJournal = await usedBytes(client);
    const records = await client.xlen(office.keys.journal);
    await office.clear();
    const after = await usedBytes(client);
    const waiting = await client.zcard(office.keys.line);
    if (waiting !== rooms) throw new Error(`${waiting} of ${rooms} rooms are in line`);
    const bytes = (after - before) / rooms;
    return [
      {
        suite: 'memory',
        what: 'a room in line, against the budget',
        measured: bytes,
        baseline: MOST_BYTES,
        unit: 'bytes',
        ratio: bytes / MOST_BYTES,
        target: { atMost: 1 },
        note: `${rooms.toLocaleString('en')} rooms; beside it ${Math.round((withJournal - after) / records)} bytes a journal record`,
      },
    ];
  } finally {
    close(client);
    await redis.stop();
  }
}
