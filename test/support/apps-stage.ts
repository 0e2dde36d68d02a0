/**
 * The stage for many Qiscus apps: one sandbox that plays all of them, api and worker processes with one file of apps, and a
 * day of chats for each app.
 *
 * 1. Each app is asked about, and posted to, at one of the api processes in turn.
 * 2. `reload` gives all apps other settings, by SIGHUP, without a stop.
 * 3. `wrong` compares every app's books with its Qiscus, once nothing is on its way.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Sandbox } from '../../src/qiscus/sandbox';
import { keysOf } from '../../src/redis/keys';
import { type Customers, type CustomersOptions, openChats } from './customers';
import { brokenAtLast } from './invariants';
import {
  ADMIN_TOKEN,
  type Caller,
  caller,
  QISCUS_SECRET,
  type ServiceProcess,
  spawnService,
  startTestSandbox,
  temporaryFolder,
  WEBHOOK_TOKEN,
} from './service';
import { until } from './wait';

export interface AppsStageOptions {
  redisUrl: string;
  apps: number;
  /** Of each api process: settings beside the common ones. */
  apis: Record<string, string>[];
  workers: number;
  /** Most rooms per agent; the sandbox calls more a violation. */
  limit: number;
}

export interface AppsStage {
  sandbox: Sandbox;
  appIds: readonly string[];
  apis: ServiceProcess[];
  workers: ServiceProcess[];
  /** The api process that an app's requests go to, by its place in `apis`. */
  apiOf(appId: string): number;
  api(appId: string): Caller;
  /** Begins a day of this app's chats. */
  day(appId: string, name: string, options?: CustomersOptions): Customers;
  /** One more worker. */
  startWorker(): Promise<void>;
  /** Gives every app these settings beside its own; resolves when all processes have them. */
  reload(settings: Record<string, string>): Promise<void>;
  /** What is not as it must be with one app, by name. */
  wrong(appId: string, acknowledged: Iterable<string>): Promise<string[]>;
  stop(): Promise<void>;
}

export async function openAppsStage(options: AppsStageOptions): Promise<AppsStage> {
  const { redisUrl, limit } = options;
  const appIds = Array.from({ length: options.apps }, (_, n) => `shop-${n}`);
  const [first = '', ...others] = appIds;
  const sandbox = await startTestSandbox({ cap: limit }, first, others);
  const file = join(temporaryFolder(), 'apps.json');
  const write = (settings: Record<string, string>) => {
    const apps = appIds.map((id) => ({ QISCUS_APP_ID: id, QISCUS_SECRET: { env: 'SECRET_OF_ALL' }, ...settings }));
    writeFileSync(file, JSON.stringify({ apps }));
  };
  write({});
  const env = {
    REDIS_URL: redisUrl,
    QISCUS_APPS_FILE: file,
    QISCUS_BASE_URL: sandbox.url,
    SECRET_OF_ALL: QISCUS_SECRET,
    WEBHOOK_TOKEN,
    ADMIN_TOKEN,
    QISCUS_MAX_CUSTOMER: String(limit),
    QISCUS_RATE_PER_SECOND: '10000',
    QISCUS_CONCURRENCY: '4',
    BUN_CONFIG_MAX_HTTP_REQUESTS: String(8 * options.apps),
    QISCUS_TIMEOUT_MS: '1000',
    OUTBOX_CLAIM_MS: '1500',
    WEBHOOK_WAIT_MS: '50',
    // Rooms that no webhook told of are never looked for: what was lost stays lost, and shows.
    RECONCILE_SECONDS: '86400',
    LOG_LEVEL: 'info',
  };
  const [apis, workers] = await Promise.all([
    Promise.all(options.apis.map((own) => spawnService({ ...env, ...own }, 'api'))),
    Promise.all(Array.from({ length: options.workers }, () => spawnService(env, 'worker'))),
  ]);
  const apiOf = (appId: string) => appIds.indexOf(appId) % apis.length;
  const urlOf = (appId: string) => apis[apiOf(appId)]?.url ?? '';
  const agentsOf = async (appId: string) => (await caller(urlOf(appId), appId).get('/agents')).body.agents;
  for (const id of appIds)
    await until(async () => ((await agentsOf(id)) as unknown[])?.length === 6, { what: `the agents of ${id} known` });
  return {
    sandbox,
    appIds,
    apis,
    workers,
    apiOf,
    api: (appId) => caller(urlOf(appId), appId),
    day: (appId, name, more) => openChats(urlOf(appId), sandbox.app(appId), name, { appId, lanes: 1, ...more }),
    async startWorker() {
      workers.push(await spawnService(env, 'worker'));
    },
    async reload(settings) {
      write(settings);
      const living = [...apis, ...workers].filter((one) => !one.hasEnded());
      const seen = living.map((one) => one.output().split('apps.changed').length);
      for (const one of living) process.kill(one.pid, 'SIGHUP');
      const isDone = () => living.every((one, i) => one.output().split('apps.changed').length > (seen[i] ?? 0));
      await until(isDone, { what: 'every process has the new list of apps', withinMs: 60_000 });
    },
    wrong: (appId, acknowledged) =>
      brokenAtLast(redisUrl, keysOf(appId), () => sandbox.app(appId).state(), acknowledged),
    async stop() {
      await Promise.all([...apis, ...workers].map((one) => one.kill('SIGKILL')));
      await sandbox.stop();
    },
  };
}
