/**
 * Processes that stand still with calls in hand for longer than OUTBOX_CLAIM_MS, and then go on as if nothing had been
 * (SIGSTOP, SIGCONT: to everybody else the same as a long pause of the runtime or a blocked event loop).
 *
 * Others take their calls over; rooms are served, resolved, and come back meanwhile; what the woken process says is fenced.
 *
 * PROOF_SIZE=full: 40 rounds, else 4; CHAOS_ROUNDS says another number.
 */
import { afterEach, expect, test } from 'bun:test';
import { Redis } from 'ioredis';
import type { Sandbox } from '../../src/qiscus/sandbox';
import { keysOf } from '../../src/redis/keys';
import { tried } from '../support/evidence';
import { startTestRedis } from '../support/redis';
import {
  APP_ID,
  environment,
  type ServiceProcess,
  spawnService,
  startTestSandbox,
  WEBHOOK_TOKEN,
} from '../support/service';
import { sized } from '../support/size';
import { until } from '../support/wait';
import { differences } from './books';

const ROUNDS = sized(4, 40, 'CHAOS_ROUNDS');
const ROOMS = 12;
const LIMIT = 5;
const LATENCY_MS = 400;
/** A call takes LATENCY_MS; its holder stands still for longer than the claim time. */
const BRISK = {
  QISCUS_MAX_CUSTOMER: String(LIMIT),
  QISCUS_TIMEOUT_MS: '1000',
  QISCUS_CONCURRENCY: '64',
  OUTBOX_CLAIM_MS: '1200',
  WEBHOOK_WAIT_MS: '0',
  COUNT_LAG_SECONDS: '1',
  RECONCILE_SECONDS: '3600',
};

const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (let step = undo.pop(); step; step = undo.pop()) await step();
});

async function start(env: Record<string, string>, role: 'api' | 'worker'): Promise<ServiceProcess> {
  const service = await spawnService(env, role);
  undo.push(() => service.kill('SIGKILL'));
  return service;
}

const inChats = (sandbox: Sandbox) => sandbox.agents.list().flatMap(({ rooms }) => rooms);

test(
  '[F39 F68] a worker stands still with all its calls in hand, and wakes in the next session: fenced, nothing twice',
  async () => {
    const redis = await startTestRedis({ kind: 'standalone' });
    undo.push(() => redis.stop());
    const sandbox = await startTestSandbox({ cap: LIMIT, latencyMs: LATENCY_MS });
    undo.push(() => sandbox.stop());
    const env = environment(redis.url, sandbox.url, BRISK);
    const api = await start(env, 'api');
    const workers = [await start(env, 'worker'), await start(env, 'worker')] as const;
    sandbox.setDelivery({ baseUrl: api.url, webhookToken: WEBHOOK_TOKEN });
    const client = new Redis(redis.url);
    undo.push(async () => client.disconnect());
    const fenced = async () => {
      const journal = await client.xrange(keysOf(APP_ID).journal, '-', '+');
      return journal.filter(([, fields]) => fields.includes('call.fenced')).length;
    };
    await until(async () => (await client.hlen(keysOf(APP_ID).agents)) === 6, { what: 'the agents known' });

    const rooms: string[] = [];
    let sessions = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const [holder, other] = round % 2 === 0 ? workers : ([workers[1], workers[0]] as const);
      process.kill(other.pid, 'SIGSTOP');
      const calls = () => sandbox.state().calls.assign_agent ?? 0;
      const before = calls();
      const opened = Array.from({ length: ROOMS }, (_, i) => `${round}-${i}`);
      await Promise.all(opened.map((roomId) => sandbox.rooms.create({ roomId })));
      rooms.push(...opened);
      sessions += ROOMS;
      await until(() => calls() > before, { what: 'calls under way' });
      process.kill(holder.pid, 'SIGSTOP');
      const fencedBefore = await fenced();
      process.kill(other.pid, 'SIGCONT');
      const served = (wanted: string[]) => () => wanted.every((roomId) => inChats(sandbox).includes(roomId));
      const confirmed = async () => (await client.xlen(keysOf(APP_ID).outbox)) === 0;
      await until(served(opened), { what: `round ${round} served`, withinMs: 30_000 });
      await until(confirmed, { what: `round ${round} confirmed`, withinMs: 30_000 });
      // The chats end, and half of the customers are back before the sleeper wakes.
      const back = opened.filter((_, i) => i % 2 === 0);
      for (const roomId of inChats(sandbox)) await sandbox.rooms.resolve(roomId);
      for (const roomId of back) await sandbox.rooms.message(roomId);
      sessions += back.length;
      await until(served(back), { what: `round ${round}: who came back served`, withinMs: 30_000 });
      process.kill(holder.pid, 'SIGCONT');
      await until(async () => (await fenced()) > fencedBefore, {
        what: `round ${round}: late reports fenced`,
        withinMs: 20_000,
      });
    }

    let broken: string[] = [];
    const isQuiet = async () => {
      broken = await differences(client, sandbox, rooms);
      return broken.length === 0;
    };
    await until(isQuiet, { what: 'our books and those of Qiscus equal', withinMs: 20_000 }).catch(() => undefined);
    expect(broken).toEqual([]);
    const { assigns, violations } = sandbox.state();
    expect(violations).toEqual([]);
    const perSession = new Set(assigns.map(({ roomId, serviceId }) => `${roomId} ${serviceId}`));
    expect([assigns.length, perSession.size]).toEqual([sessions, sessions]);
    console.log(JSON.stringify({ test: 'frozen', rounds: ROUNDS, sessions, fenced: await fenced() }));
    for (const id of ['F39', 'F68']) tried(ROUNDS, id);
  },
  60_000 + ROUNDS * 30_000,
);
