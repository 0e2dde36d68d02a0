/**
 * How many webhooks a second are accepted durably (token checked, validated, XADD answered), against a bare server that
 * only parses them.
 *
 * 1. Every server is a process of its own; one client process, 64 connections, one request under way on each.
 * 2. The role `api` alone without waiting, with Redis's AOF at `everysec` and at `always`.
 * 3. The roles `api` and `worker` together, waiting for the outcome (the default) against answering at once.
 * 4. The inbox is emptied between rounds.
 */
import { Redis } from 'ioredis';
import { keysOf } from '../../src/redis/keys';
import body from '../fixtures/webhook-caa-documented-2025-channel-completed.json';
import { startTestRedis } from '../support/redis';
import { APP_ID, environment, spawnService, WEBHOOK_TOKEN } from '../support/service';
import { until } from '../support/wait';
import { alternate, type Reading, reading } from './measure';
import { type Order, type Result, ROOM } from './poster';
import { startChild } from './processes';

const CONNECTIONS = 64;
/** A busy machine may stand still for long enough that some get a 503; they count for nothing, and are told of. */
const MOST_REFUSED = 0.05;
const WEBHOOK = JSON.stringify({ ...body, app_id: APP_ID, app_code: APP_ID, room_id: ROOM });
const PATH = `/api/v1/webhook/agent_allocation/${WEBHOOK_TOKEN}`;

export async function measureWebhook(quick: boolean): Promise<Reading[]> {
  const runMs = quick ? 1_000 : 2_000;
  const rounds = quick ? 3 : 7;
  const redis = await startTestRedis({ settings: { 'auto-aof-rewrite-percentage': '0' } });
  const control = new Redis(redis.port, '127.0.0.1');
  const keys = keysOf(APP_ID);
  const poster = await startChild<Order, Result>('poster.ts');
  const bare = await startChild<never, never>('baselines/bare.ts');
  // Nobody answers there: no agent is ever online, so every room waits in line.
  const env = (waitMs: number) => environment(redis.url, 'http://127.0.0.1:9', { WEBHOOK_WAIT_MS: String(waitMs) });
  const quickApi = await spawnService(env(0), 'api');
  const portOf = (url: string) => Number(new URL(url).port);

  let refusals = 0;
  async function rate(port: number): Promise<number> {
    const { accepted, refused, tookMs } = await poster.ask({
      port,
      requests: [{ path: PATH, body: WEBHOOK }],
      connections: CONNECTIONS,
      runMs,
    });
    refusals += refused;
    if (refused > accepted * MOST_REFUSED) throw new Error(`${refused} of ${accepted + refused} webhooks were refused`);
    return (accepted * 1_000) / tookMs;
  }
  async function rateOfApi(port: number, appendfsync: 'everysec' | 'always'): Promise<number> {
    await control.config('SET', 'appendfsync', appendfsync);
    const found = await rate(port);
    await control.xtrim(keys.inbox, 'MAXLEN', 0);
    return found;
  }

  try {
    const bareRate = () => rate(Number(bare.hello));
    const alone = {
      bare: bareRate,
      everysec: () => rateOfApi(portOf(quickApi.url), 'everysec'),
      always: () => rateOfApi(portOf(quickApi.url), 'always'),
    };
    await alternate(1, alone); // warm up
    const rates = await alternate(rounds, alone);

    await control.config('SET', 'appendfsync', 'everysec');
    const waitingApi = await spawnService(env(1_000), 'api');
    const worker = await spawnService(env(0), 'worker');
    const rateWithWorker = (port: number) => async () => {
      const found = await rate(port);
      await until(async () => (await control.xlen(keys.inbox)) === 0, { what: 'the inbox is empty', withinMs: 60_000 });
      await control.xtrim(keys.journal, 'MAXLEN', 0);
      return found;
    };
    const together = {
      atOnce: rateWithWorker(portOf(quickApi.url)),
      waiting: rateWithWorker(portOf(waitingApi.url)),
    };
    await alternate(1, together); // warm up
    const pair = await alternate(rounds, together);
    await Promise.all([worker, waitingApi].map((one) => one.kill('SIGTERM')));

    const note = (text: string) => (refusals > 0 ? `${text}; in all ${refusals} webhooks refused` : text);
    return [
      reading('webhook.everysec', rates.everysec, rates.bare, note('role api, 64 connections')),
      reading('webhook.always', rates.always, rates.bare, note('role api, 64 connections')),
      reading('webhook.waiting', pair.waiting, pair.atOnce, note('roles api and worker, AOF everysec')),
    ];
  } finally {
    await quickApi.kill('SIGTERM');
    await Promise.all([bare.stop(), poster.stop()]);
    control.disconnect();
    await redis.stop();
  }
}
