/**
 * One scenario's world: the whole service in this process with short periods, against a sandbox that sends its own webhooks.
 *
 * 1. `worlds()` in a test file starts one Redis for it; each test opens a world of its own on the emptied Redis.
 * 2. Customers, agents and admins act through `sandbox`, as at Qiscus; what we made of it is read over HTTP.
 * 3. After each test our books and Qiscus's come to agree, everything that the world started is stopped, and the journal
 *    is replayed (invariants.ts).
 */
import { afterAll, afterEach, beforeAll, expect } from 'bun:test';
import { Redis } from 'ioredis';
import type { Config } from '../../src/config';
import type { Fault, SandboxConfig } from '../../src/qiscus/sandbox/settings';
import { connect } from '../../src/redis/client';
import { keysOf } from '../../src/redis/keys';
import type { Service } from '../../src/service';
import { brokenAtLast, brokenWhenQuiet } from './invariants';
import { startTestRedis, type TestRedis } from './redis';
import { type Caller, caller, environment, startTestSandbox, startTestService, WEBHOOK_TOKEN } from './service';
import { until } from './wait';

/** After a test: until our books and Qiscus's agree, and everything has stopped. */
const AFTER_MS = 30_000;

export interface WorldOptions {
  /** Who is online; the others of agent_01 … agent_06 are not. Default: agent_01. */
  online?: string[];
  /** Most rooms per agent; also the sandbox's cap, so that an agent above it is a violation. Default 2. */
  limit?: number;
  sandbox?: Partial<SandboxConfig>;
  /** 'api': no worker, until the test starts one. Default: all. */
  role?: 'all' | 'api';
  env?: Record<string, string>;
  change?: (config: Config) => void;
}

export interface WorldAgent {
  id: string;
  online: boolean;
  load: number;
  reserved: number;
  assigned: number;
  outside: number;
}

/** A journal record as the API shows it. */
export interface WorldRecord {
  id: string;
  event: string;
  /** ISO time by the service's clock. */
  at: string;
  fields: Record<string, string>;
}

export type World = Awaited<ReturnType<typeof openWorld>>;

/** Call once at the top of a test file; the function that it returns opens a world for one test. */
export function worlds(): (options?: WorldOptions) => Promise<World> {
  let redis: TestRedis;
  const undo: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    redis = await startTestRedis();
  });
  const open: World[] = [];
  afterEach(async () => {
    const left = open.splice(0);
    try {
      for (const world of left) expect(await world.broken(false)).toEqual([]);
    } finally {
      for (let step = undo.pop(); step; step = undo.pop()) await step();
    }
    for (const world of left) expect(await world.broken(true)).toEqual([]);
  }, AFTER_MS);
  afterAll(() => redis.stop());
  return async (options = {}) => {
    const world = await openWorld(redis, undo, options);
    open.push(world);
    return world;
  };
}

async function openWorld(redis: TestRedis, undo: (() => Promise<void>)[], options: WorldOptions) {
  const { online = ['agent_01'], limit = 2, role = 'all', env = {}, change = () => {} } = options;
  const wipe = new Redis({ host: '127.0.0.1', port: redis.port });
  await wipe.flushall();
  wipe.disconnect();
  const sandbox = await startTestSandbox({ cap: limit, ...options.sandbox });
  undo.push(() => sandbox.stop());
  for (const { id } of sandbox.agents.list()) sandbox.agents.change(id, { available: online.includes(id) });

  const clock = { aheadMs: 0 };
  const environ = environment(redis.url, sandbox.url, { QISCUS_MAX_CUSTOMER: String(limit), ...env });
  /** One more service in this process, on the same Redis and the same sandbox. */
  const start = async (more: Record<string, string> = {}): Promise<Service> => {
    const settle = (config: Config) => {
      config.rosterSyncSeconds = 0.2;
      config.reconcileSeconds = 0.5;
      config.countLagSeconds = 0.3;
      config.http.webhookWaitMs = 600;
      change(config);
    };
    const started = await startTestService({ ...environ, ...more }, settle, () => Date.now() + clock.aheadMs);
    undo.push(() => started.stop());
    return started;
  };
  const service = await start({ ROLE: role });
  const url = service.url ?? '';
  const isDry = environ.DRY_RUN === 'true';
  const keys = keysOf(environ.QISCUS_APP_ID ?? '', isDry);
  const api: Caller = caller(url);
  sandbox.setDelivery({ baseUrl: url, webhookToken: WEBHOOK_TOKEN });

  const agents = async () => (await api.get('/agents')).body.agents as WorldAgent[];
  const agent = async (id: string): Promise<WorldAgent> => {
    const found = (await agents()).find((one) => one.id === id);
    if (!found) throw new Error(`no agent ${id}`);
    return found;
  };
  const state = async (roomId: string) => (await api.room(roomId)).state;
  const explained: string[] = [];
  const world = {
    redis,
    sandbox,
    service,
    url,
    api,
    environ,
    start,
    agents,
    agent,
    state,
    /** In what our books may go on differing from Qiscus's when the test is over, because the test is about that. */
    explained,
    /** Every broken invariant, once our books and Qiscus's have had time to agree; `ended`: those of our books alone. */
    broken: (ended: boolean): Promise<string[]> => {
      const redisUrl = environ.REDIS_URL ?? '';
      // A dry run's books are not meant to be Qiscus's.
      if (!ended && isDry) return Promise.resolve([]);
      if (!ended) return brokenAtLast(redisUrl, keys, sandbox.state, [], explained);
      return connect(redisUrl, 'command').then((client) =>
        brokenWhenQuiet(client, keys, null, []).finally(() => client.disconnect()),
      );
    },
    /** The service's clock runs ahead by so much more from now on. */
    skip: (ms: number) => {
      clock.aheadMs += ms;
    },
    /** Resolves when so many agents are known as online. */
    online: (count: number) =>
      until(async () => (await agents()).filter((one) => one.online).length === count, {
        what: `${count} agents online`,
      }),
    fault: (fault: Fault) => sandbox.faults.add(fault),
    /** Customers open these chats, one after the other; their webhooks are answered when this resolves. */
    chats: async (...roomIds: string[]) => {
      for (const roomId of roomIds) await sandbox.rooms.create({ roomId });
    },
    /** Rooms in line, oldest first. */
    line: async () => ((await api.get('/queue?limit=500')).body.rooms as { room_id: string }[]).map((r) => r.room_id),
    /** Rooms in the order in which Qiscus took them. */
    served: () => sandbox.state().assigns.map(({ roomId }) => roomId),
    inRoom: (roomId: string) => sandbox.rooms.read(roomId).agents,
    violations: () => sandbox.state().violations,
    journal: async (event?: string, roomId?: string): Promise<WorldRecord[]> => {
      const records: WorldRecord[] = [];
      let after = '';
      for (;;) {
        const { body } = await api.get(`/journal?limit=500${after === '' ? '' : `&after=${after}`}`);
        records.push(...(body.records as WorldRecord[]));
        if (body.next === null) break;
        after = String(body.next);
      }
      return records.filter((r) => (!event || r.event === event) && (!roomId || r.fields.room === roomId));
    },
    /** The value of one line of /metrics; 0 when it is not there. */
    metric: async (line: string): Promise<number> => {
      const answer = await fetch(`${url}/metrics`, { headers: { Authorization: `Bearer ${environ.ADMIN_TOKEN}` } });
      const found = (await answer.text()).split('\n').find((text) => text.startsWith(`${line} `));
      return Number(found?.slice(line.length) ?? 0);
    },
    /** What /health/ready says. */
    ready: async () =>
      (await (await fetch(`${url}/health/ready`)).json()) as { failing?: string[]; warnings?: string[] },
    becomes: (roomId: string, wanted: string, withinMs = 10_000) =>
      until(async () => (await state(roomId)) === wanted, { what: `room ${roomId} ${wanted}`, withinMs }),
    loadBecomes: (id: string, load: number, withinMs = 10_000) =>
      until(async () => (await agent(id)).load === load, { what: `${id} with load ${load}`, withinMs }),
    /** All agents at 0, nothing in line, nothing on its way. */
    quiet: (withinMs = 10_000) =>
      until(
        async () => {
          const { body } = await api.get('/queue');
          const health = await (
            await fetch(`${url}/health/ready`, { headers: { Authorization: `Bearer ${environ.ADMIN_TOKEN}` } })
          ).json();
          const { details } = health as { details?: Record<string, number> };
          const idle = details?.inbox_length === 0 && details.outbox_length === 0;
          return idle && body.total === 0 && (await agents()).every(({ load }) => load === 0);
        },
        { what: 'nobody holds anything, nothing waits', withinMs },
      ),
  };
  if (role === 'all') await world.online(online.length);
  return world;
}
