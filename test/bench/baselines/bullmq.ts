/**
 * The same job on BullMQ, as its documentation would have it: HTTP adds a job, a worker chooses and calls Qiscus.
 *
 * 1. The choice is made under a lock: a zset counts each agent's rooms, a hash says who has which room, a list holds the
 *    rooms for which nobody is free. The lock is one of Redis (other workers), behind one of this process, so that its
 *    64 jobs do not spin on it; it is taken in the same round trip as the reading, and given back with the writing.
 * 2. Qiscus is called outside of the lock. A job that fails is tried again with backoff, for the same agent.
 * 3. Settings as BullMQ's pages on production and concurrency say: jobs removed when done, a short event stream, a producer
 *    that fails fast. Tried on two cores and no faster: ioredis's auto-pipelining, Bun's own Redis client, HTTP and worker
 *    in two processes, 16 or 256 jobs at a time.
 * Arguments: port of Redis, address of Qiscus, app id, secret, limit.
 */
import { randomBytes } from 'node:crypto';
import { type Job, Queue, Worker } from 'bullmq';
import { type ChainableCommander, Redis } from 'ioredis';
import '../../../src/redis/tracing';
import { endedRoom, qiscusAt, takeWebhooks } from './qiscus';

const CONCURRENCY = 64;
const LOCK_MS = 5_000;
const SPIN_MS = 5;
const [port = '', address = '', appId = '', secret = '', limit = ''] = process.argv.slice(2);
const qiscus = qiscusAt(address, appId, secret);
const open = (enableOfflineQueue: boolean) =>
  new Redis({ port: Number(port), host: '127.0.0.1', maxRetriesPerRequest: null, enableOfflineQueue });

const store = open(true);
const UNLOCK = String(
  await store.script(
    'LOAD',
    "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0",
  ),
);
const [LOCK, LOADS, HOLDERS, WAITING] = ['lock', 'loads', 'holders', 'waiting'];
for (const { id } of await qiscus.agents()) await store.zadd(LOADS, 'NX', 0, id);

let turn: Promise<unknown> = Promise.resolve();

/** Runs `change` with what `read` found, nobody else between the two; its writes and the lock's return are one step. */
function locked<T>(
  read: (step: ChainableCommander) => ChainableCommander,
  change: (found: unknown[], step: ChainableCommander) => T,
): Promise<T> {
  const work = async (): Promise<T> => {
    const token = randomBytes(12).toString('base64url');
    for (;;) {
      const [got, ...found] = await values(read(store.pipeline().set(LOCK, token, 'PX', LOCK_MS, 'NX')));
      if (got === 'OK') {
        const writes = store.pipeline();
        const answer = change(found, writes);
        await values(writes.evalsha(UNLOCK, 1, LOCK, token));
        return answer;
      }
      await Bun.sleep(SPIN_MS * (0.5 + Math.random()));
    }
  };
  const result = turn.then(work);
  turn = result.catch(() => undefined);
  return result;
}

async function values(step: ChainableCommander): Promise<unknown[]> {
  return ((await step.exec()) ?? []).map(([error, value]) => {
    if (error) throw error;
    return value;
  });
}

/** The agent for a room: its own, if a try before this one chose already; null: it waits. */
const choose = (room: string) =>
  locked(
    (step) => step.hget(HOLDERS, room).zrange(LOADS, '0', '0', 'WITHSCORES'),
    ([holder, least], step) => {
      if (typeof holder === 'string') return holder;
      const [agent, load] = least as string[];
      if (agent === undefined || Number(load) >= Number(limit)) {
        step.rpush(WAITING, room);
        return null;
      }
      step.zincrby(LOADS, 1, agent);
      step.hset(HOLDERS, room, agent);
      return agent;
    },
  );

/** Frees the slot of a room, or gives it to the room that waits longest, which it returns with its agent. */
const release = (room: string) =>
  locked(
    (step) => step.hget(HOLDERS, room).lindex(WAITING, 0),
    ([holder, next], step) => {
      if (typeof holder !== 'string') {
        step.lrem(WAITING, 1, room);
        return null;
      }
      step.hdel(HOLDERS, room);
      if (typeof next !== 'string') {
        step.zincrby(LOADS, -1, holder);
        return null;
      }
      step.lpop(WAITING);
      step.hset(HOLDERS, next, holder);
      return { room: next, agent: holder };
    },
  );

interface Work {
  room: string;
}

const queue = new Queue<Work, void, 'allocate' | 'resolve'>('rooms', {
  connection: open(false),
  defaultJobOptions: {
    removeOnComplete: true,
    removeOnFail: 1_000,
    attempts: 5,
    backoff: { type: 'exponential', delay: 200 },
  },
  streams: { events: { maxLen: 100 } },
});
const worker = new Worker<Work, void, 'allocate' | 'resolve'>(
  'rooms',
  async ({ name, data: { room } }: Job<Work>) => {
    if (name === 'allocate') {
      const agent = await choose(room);
      if (agent !== null) await qiscus.assign(room, agent);
      return;
    }
    const next = await release(room);
    if (next) await queue.add('allocate', { room: next.room }, { jobId: `again-${next.room}` });
  },
  { connection: open(true), concurrency: CONCURRENCY },
);
worker.on('error', (error) => console.error(error));
await Promise.all([queue.waitUntilReady(), worker.waitUntilReady()]);

takeWebhooks(async (body) => {
  const ended = endedRoom(body);
  const room = ended ?? String(body.room_id);
  const name = ended === null ? 'allocate' : 'resolve';
  await queue.add(name, { room }, { jobId: `${name}-${room}` });
  return Response.json({ status: 'accepted' }, { status: 202 });
});
