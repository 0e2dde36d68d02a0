/**
 * The stage for tests that break Redis: the sandbox, the service as processes of its own, and a busy day of chats.
 *
 * After the trouble everything must be as if there had been none: `expectCalm` ends the day and names what is not.
 */
import { expect } from 'bun:test';
import type { Sandbox } from '../../src/qiscus/sandbox';
import { type Customers, type CustomersOptions, openChats } from './customers';
import { type Caller, caller, environment, type ServiceProcess, spawnService, startTestSandbox } from './service';
import { until } from './wait';

/** Most rooms per agent, unless a test says otherwise. */
export const LIMIT = 20;

export interface Stage {
  sandbox: Sandbox;
  readonly service: ServiceProcess;
  api: Caller;
  /** Begins a day of chats and resolves when it is under way. */
  day(name: string, options?: CustomersOptions): Promise<Customers>;
  /** What `/health/ready` says is failing; null while it does not answer. */
  failing(): Promise<string[] | null>;
  /** Resolves when the service calls itself ready. */
  ready(withinMs?: number): Promise<void>;
  /** Kills the service and starts it again on the same port, with other settings. */
  restart(env: Record<string, string>): Promise<void>;
  stop(): Promise<void>;
}

const BRISK = {
  QISCUS_TIMEOUT_MS: '1000',
  OUTBOX_CLAIM_MS: '1500',
  WEBHOOK_WAIT_MS: '50',
  // Rooms that no webhook told of are never looked for: what was lost stays lost, and shows.
  RECONCILE_SECONDS: '86400',
};

/** @param limit most rooms per agent; the sandbox calls more a violation */
export async function openStage(redisUrl: string, env: Record<string, string> = {}, limit = LIMIT): Promise<Stage> {
  const sandbox = await startTestSandbox({ cap: limit });
  const settings = environment(redisUrl, sandbox.url, { ...BRISK, QISCUS_MAX_CUSTOMER: String(limit), ...env });
  let service = await spawnService(settings);
  const api = caller(service.url);
  const agents = async () => (await api.get('/agents')).body.agents as unknown[] | undefined;
  await until(async () => (await agents())?.length === 6, { what: 'the agents known' });
  const failing = async () => {
    const answer = await fetch(`${service.url}/health/ready`).catch(() => null);
    return answer && (((await answer.json()) as { failing?: string[] }).failing ?? []);
  };
  return {
    sandbox,
    get service() {
      return service;
    },
    api,
    async day(name, options) {
      const customers = openChats(service.url, sandbox, name, options);
      await customers.more(50);
      return customers;
    },
    failing,
    async ready(withinMs = 10_000) {
      await until(async () => (await failing())?.length === 0, { what: 'the service ready', withinMs });
    },
    async restart(more) {
      await service.kill('SIGKILL');
      service = await spawnService({ ...settings, ...more, PORT: new URL(service.url).port });
    },
    async stop() {
      await service.kill('SIGKILL');
      await sandbox.stop();
    },
  };
}

/** Webhooks are taken in again, every chat is served once and ended, and nothing is left behind. */
export async function expectCalm(stage: Stage, day: Customers): Promise<void> {
  await day.more(50, 10_000);
  expect(await day.end()).toEqual([]);
  await stage.ready();
}
