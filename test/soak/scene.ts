/**
 * What a soak runs on: Redis with `appendfsync always`, a sandbox Qiscus with many agents, and the service as processes.
 *
 * 1. One api and two workers. One worker stays; the other is restarted now and then, and is the first to lead, so that its
 *    first restart hands the lease over.
 * 2. Periods are short and the journal is small, so that everything that grows by design has its full size soon.
 *
 * `stop` ends all of it, also what was started before a step failed.
 */
import { Redis } from 'ioredis';
import { type Keys, keysOf } from '../../src/redis/keys';
import { startTestRedis } from '../support/redis';
import {
  APP_ID,
  caller,
  environment,
  type ServiceProcess,
  spawnService,
  startTestSandbox,
  WEBHOOK_TOKEN,
} from '../support/service';
import { until } from '../support/wait';

export interface SceneOptions {
  agents: number;
  /** Most rooms per agent. */
  limit: number;
  journalEntries: number;
  seed: number;
}

export type Scene = Awaited<ReturnType<typeof openScene>>;

const AGENT_CHANNELS = [['5603'], ['5603', '272'], null];

/** Starts everything; resolves when the service knows all agents. */
export async function openScene(options: SceneOptions) {
  const undo: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (let step = undo.pop(); step; step = undo.pop()) await step();
  };
  try {
    return { ...(await assemble(options, undo)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function assemble({ agents, limit, journalEntries, seed }: SceneOptions, undo: (() => Promise<unknown>)[]) {
  const redis = await startTestRedis({ appendfsync: 'always' });
  undo.push(() => redis.stop());
  const sandbox = await startTestSandbox({ cap: limit, latencyMs: 20, countLagMs: 500, seed });
  undo.push(() => sandbox.stop());
  for (const { id } of sandbox.agents.list()) sandbox.agents.remove(id);
  for (let n = 0; n < agents; n++)
    sandbox.agents.create({ id: `agent-${n}`, channelIds: AGENT_CHANNELS[n % AGENT_CHANNELS.length] });

  const env = environment(redis.url, sandbox.url, {
    QISCUS_MAX_CUSTOMER: String(limit),
    QISCUS_TIMEOUT_MS: '2000',
    OUTBOX_CLAIM_MS: '5000',
    ROSTER_SYNC_SECONDS: '2',
    RECONCILE_SECONDS: '5',
    COUNT_LAG_SECONDS: '1',
    JOURNAL_MAX_ENTRIES: String(journalEntries),
    LOG_LEVEL: 'warn',
  });
  const processes: ServiceProcess[] = [];
  const start = async (role: 'api' | 'worker') => {
    const started = await spawnService(env, role);
    processes.push(started);
    undo.push(() => started.kill('SIGTERM'));
    return started;
  };
  const api = await start('api');
  let restarted = await start('worker');
  const worker = await start('worker');
  sandbox.setDelivery({ baseUrl: api.url, webhookToken: WEBHOOK_TOKEN });

  /** A patient one: a busy machine must not end the soak. */
  const open = () => {
    const client = new Redis({ host: '127.0.0.1', port: redis.port });
    undo.push(async () => client.disconnect());
    return client;
  };
  const keys: Keys = keysOf(APP_ID);
  const client = open();
  const http = caller(api.url);
  await until(async () => ((await http.get('/agents')).body.agents as unknown[]).length === agents, {
    what: 'the service knows all agents',
  });
  return {
    redis,
    sandbox,
    keys,
    client,
    /** Nothing else uses it. */
    blocking: open(),
    api,
    /** The worker that stays. */
    worker,
    restarted: () => restarted,
    /** Ends the other worker by SIGTERM and starts a new one; the code with which the old one ended. */
    async restart(): Promise<number> {
      const code = await restarted.kill('SIGTERM');
      restarted = await start('worker');
      return code;
    },
    /** What all processes printed. */
    printed: () => processes.map((one) => one.output()).join('\n'),
  };
}
