/**
 * What rooms in line cost: Redis's memory, and the time to place one more.
 *
 * 1. The line is filled to a million rooms; the journal is bounded by its own settings, so it is emptied on the way.
 * 2. Then the same number of rooms is placed in turn at the end of that line and in an empty office.
 * 3. Without AOF: it has no part in the memory, and would write gigabytes.
 */
import { close, type RedisClient } from '../../src/redis/client';
import { startTestRedis } from '../support/redis';
import { alternate, type Reading, reading } from './measure';
import { Office, patientClient } from './office';

const MOST_BYTES = 300;
const MOST_MB = 350;
/** Of these the memory of one room is told. */
const LOOK_AT = 100_000;

async function usedBytes(client: RedisClient): Promise<number> {
  return Number(/^used_memory:(\d+)/m.exec(await client.info('memory'))?.[1]);
}

export async function measureMemory(quick: boolean): Promise<Reading[]> {
  const rooms = quick ? LOOK_AT : 1_000_000;
  const part = 20_000;
  const redis = await startTestRedis({ settings: { appendonly: 'no' } });
  const client = await patientClient(redis.port);
  try {
    const office = new Office(client, 'memory');
    await office.open(1, 0);
    const before = await usedBytes(client);
    let [roomBytes, recordBytes] = [0, 0];
    for (let placed = part; placed <= rooms; placed += part) {
      await office.queue(part);
      const withJournal = await usedBytes(client);
      const records = await client.xlen(office.keys.journal);
      await office.clear();
      if (placed !== LOOK_AT) continue;
      const after = await usedBytes(client);
      roomBytes = (after - before) / placed;
      recordBytes = (withJournal - after) / records;
    }
    const usedMb = (await usedBytes(client)) / 1e6;
    const waiting = await client.zcard(office.keys.line);
    if (waiting !== rooms) throw new Error(`${waiting} of ${rooms} rooms are in line`);

    const entries = quick ? 3_200 : 6_400;
    const costs = await alternate(quick ? 4 : 8, {
      last: async () => 1e6 / (await office.queue(entries)),
      first: async (round) => {
        const empty = new Office(client, `first-${round}`);
        await empty.open(1, 0);
        return 1e6 / (await empty.queue(entries));
      },
    });
    const found: Reading[] = [
      {
        id: 'memory.room',
        measured: roomBytes,
        baseline: MOST_BYTES,
        ratio: roomBytes / MOST_BYTES,
        note: `${LOOK_AT.toLocaleString('en')} rooms; beside it ${Math.round(recordBytes)} bytes a journal record`,
      },
      reading('memory.last', costs.last.slice(1), costs.first.slice(1), `behind ${rooms.toLocaleString('en')} rooms`),
    ];
    if (!quick) {
      found.push({
        id: 'memory.million',
        measured: usedMb,
        baseline: MOST_MB,
        ratio: usedMb / MOST_MB,
        note: 'all of used_memory, the journal emptied',
      });
    }
    return found;
  } finally {
    close(client);
    await redis.stop();
  }
}
