/**
 * The service for tests: in this process on free ports, or as processes of their own that can be killed.
 */
import { join } from 'node:path';
import pino from 'pino';
import { type Config, readConfig } from '../../src/config';
import { type Sandbox, startSandbox } from '../../src/qiscus/sandbox';
import { type Service, startService } from '../../src/service';
import { freePort } from './ports';
import { until } from './wait';

export { temporaryFolder } from './janitor';
export { freePort };

export const APP_ID = 'kovof-123';
export const WEBHOOK_TOKEN = 'webhook-token-for-tests-only';
export const ADMIN_TOKEN = 'admin-token-for-tests-only-1';
export const QISCUS_SECRET = 'qiscus-secret-for-tests';

/** Environment of a service that talks to the given sandbox. */
export function environment(
  redisUrl: string,
  sandboxUrl: string,
  more: Record<string, string> = {},
): Record<string, string> {
  return {
    REDIS_URL: redisUrl,
    QISCUS_BASE_URL: sandboxUrl,
    QISCUS_APP_ID: APP_ID,
    QISCUS_SECRET,
    WEBHOOK_TOKEN,
    ADMIN_TOKEN,
    QISCUS_RATE_PER_SECOND: '10000',
    ROSTER_SYNC_SECONDS: '1',
    LOG_LEVEL: 'error',
    ...more,
  };
}

export function startTestSandbox(
  config: Parameters<typeof startSandbox>[0]['config'] = {},
  appId = APP_ID,
  moreAppIds: readonly string[] = [],
): Promise<Sandbox> {
  return startSandbox({ appId, moreAppIds, secret: QISCUS_SECRET, agentIds: 'named', config });
}

/** In this process, on a free port. */
export async function startTestService(
  env: Record<string, string>,
  change: (config: Config) => void = () => {},
  nowMs: () => number = Date.now,
): Promise<Service> {
  const config = readConfig({ PORT: '3000', ...env }, []);
  config.http.port = 0;
  change(config);
  return startService(config, pino({ level: 'silent' }), () => {}, nowMs);
}

export interface ServiceProcess {
  pid: number;
  url: string;
  /** What it printed so far. */
  output(): string;
  /** Has it said that it runs? */
  runs(): boolean;
  hasEnded(): boolean;
  exited: Promise<number>;
  kill(signal: NodeJS.Signals): Promise<number>;
}

/** Runs in the child: `$0` becomes the service, with a shell beside it that kills it when this process is gone. */
const LEASH = 'exec 3<&0; (read -r _ <&3; kill -KILL $$) 2>/dev/null & exec "$0" "$@" </dev/null 3<&-';

const ROOT = join(import.meta.dir, '../..');

/**
 * A process of its own, `bun src/index.ts [role]`, from its first moment on: it may not even listen yet.
 * @param folder where its code lies: another version's (versions.ts), or this one's
 */
export function launchService(
  env: Record<string, string>,
  role: 'all' | 'api' | 'worker',
  port: string,
  folder = ROOT,
): ServiceProcess {
  const child = Bun.spawn(['sh', '-c', LEASH, process.execPath, 'src/index.ts', role], {
    cwd: folder,
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...env, PORT: port },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let text = '';
  const collect = async (stream: ReadableStream<Uint8Array>) => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) text += decoder.decode(chunk, { stream: true });
  };
  void collect(child.stdout);
  void collect(child.stderr);
  const exited = child.exited.then((code) => {
    child.stdin.end();
    return code;
  });
  return {
    pid: child.pid,
    url: `http://127.0.0.1:${port}`,
    output: () => text,
    runs: () => text.includes('/health/ready') || text.includes('the worker runs'),
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    exited,
    async kill(signal) {
      child.kill(signal);
      return exited;
    },
  };
}

/** The same, resolved once it says that it runs, or has ended. */
export async function spawnService(
  env: Record<string, string>,
  role: 'all' | 'api' | 'worker' = 'all',
  folder = ROOT,
): Promise<ServiceProcess> {
  const service = launchService(env, role, env.PORT ?? String(await freePort()), folder);
  await until(() => service.runs() || service.hasEnded(), { what: `the ${role} to start`, withinMs: 120_000 }).catch(
    (error) => {
      throw new Error(`${error.message}; it said: ${service.output()}`);
    },
  );
  return service;
}

export interface Answer {
  status: number;
  body: Record<string, unknown>;
}

/** A caller of the HTTP API with both tokens. @param appId which of several apps it is about */
export function caller(url: string, appId?: string) {
  const headers = {
    'Content-Type': 'application/json',
    'X-Webhook-Token': WEBHOOK_TOKEN,
    Authorization: `Bearer ${ADMIN_TOKEN}`,
    ...(appId && { 'X-App-Id': appId }),
  };
  const app = appId && { app_id: appId };
  const call = async (method: string, path: string, body?: unknown): Promise<Answer> => {
    const answer = await fetch(`${url}/api/v1${path}`, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  };
  return {
    get: (path: string) => call('GET', path),
    post: (path: string, body: unknown = {}) => call('POST', path, body),
    patch: (path: string, body: unknown) => call('PATCH', path, body),
    allocate: (roomId: string, more: object = {}) =>
      call('POST', '/webhook/agent_allocation', { room_id: roomId, ...app, ...more }),
    resolve: (roomId: string) =>
      call('POST', '/webhook/mark_as_resolved', { room_id: roomId, agent_id: 'agent_01', ...app }),
    room: async (roomId: string) => (await call('GET', `/rooms/${roomId}`)).body,
  };
}
export type Caller = ReturnType<typeof caller>;
