/**
 * How fast the ledger decides, against Redis appending the same webhooks and doing nothing else.
 *
 * 1. The inbox is filled beforehand; only `takeEntries`, 64 at a time, is on the clock (office.ts says what is in it).
 * 2. The same with other numbers of agents, channels and divisions, each in keys of its own, in alternating rounds.
 */
import { close, type RedisClient } from '../../src/redis/client';
import { keysOf } from '../../src/redis/keys';
import { entryOf } from '../support/entry';
import { startTestRedis } from '../support/redis';
import { alternate, type Reading, reading } from './measure';
import { appendTogether, FEW_CHANNELS, MANY_CHANNELS, Office, patientClient, placed, resolved } from './office';

const PIPELINE = 16;

/** The baseline: the same webhooks appended, 16 to a pipeline; entries per second. */
async function appendPlain(client: RedisClient, count: number): Promise<number> {
  const key = keysOf('bench-plain').inbox;
  const entries = Array.from({ length: count }, (_, nth) =>
    entryOf(
      nth % 2 ? resolved(String(274_000_000 + nth)) : placed(String(274_000_000 + nth), '101'),
      `Zm9vYmFyYmF6.${nth}`,
    ),
  );
  const startMs = performance.now();
  for (let at = 0; at < count; at += PIPELINE) await appendTogether(client, key, entries.slice(at, at + PIPELINE));
  const rate = (count * 1_000) / (performance.now() - startMs);
  await client.del(key);
  return rate;
}

export async function measureLedger(quick: boolean): Promise<Reading[]> {
  const many = quick ? 10_000 : 100_000;
  const entries = quick ? 6_400 : 12_800;
  const redis = await startTestRedis({ settings: { 'auto-aof-rewrite-percentage': '0' } });
  const client = await patientClient(redis.port);
  try {
    const office = async (name: string, agents: number, waiting: number, layout = FEW_CHANNELS) => {
      const made = new Office(client, name, layout);
      await made.open(agents, waiting);
      return async () => {
        await made.fill(entries);
        const rate = await made.applyAll();
        await made.check();
        await made.clear();
        return rate;
      };
    };
    const sides = {
      plain: () => appendPlain(client, entries * 4),
      usual: await office('usual', 1_000, 1_000),
      fewAgents: await office('few-agents', 10, 1_000),
      manyAgents: await office('many-agents', many, 1_000),
      fewChannels: await office('few-channels', 2_000, 4_000),
      manyChannels: await office('many-channels', 2_000, 4_000, MANY_CHANNELS),
    };
    await alternate(1, sides); // warm up
    const rates = await alternate(quick ? 3 : 5, sides);
    const cost = (side: keyof typeof sides) => rates[side].map((rate) => 1e6 / rate);
    return [
      reading('ledger.xadd', rates.usual, rates.plain, '1,000 agents, 1,000 waiting; half placements, half releases'),
      reading(
        'ledger.agents',
        cost('manyAgents'),
        cost('fewAgents'),
        `${many.toLocaleString('en')} agents; 1,000 waiting`,
      ),
      reading('ledger.channels', cost('manyChannels'), cost('fewChannels'), '2,000 agents, 4,000 waiting'),
    ];
  } finally {
    close(client);
    await redis.stop();
  }
}
