/**
 * Several Qiscus apps on one service: each with a sandbox of its own, all in one file of QISCUS_APPS_FILE.
 *
 * Sandboxes answer for their own app and secret only, so a call made in another app's name is refused. `stop` ends them.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Sandbox, startSandbox } from '../../src/qiscus/sandbox';
import { ADMIN_TOKEN, type Answer, temporaryFolder, WEBHOOK_TOKEN } from './service';

export interface TestApp {
  id: string;
  webhookToken: string;
  adminToken: string;
  sandbox: Sandbox;
}

export type Entry = Record<string, unknown>;

export async function startApps(ids: readonly string[], redisUrl: string) {
  const folder = temporaryFolder();
  const file = join(folder, 'apps.json');
  const apps = await Promise.all(
    ids.map(async (id): Promise<TestApp> => {
      const sandbox = await startSandbox({ appId: id, secret: `secret-of-${id}`, agentIds: 'named' });
      return { id, sandbox, webhookToken: `webhook-token-of-app-${id}`, adminToken: `admin-token-of-the-app-${id}` };
    }),
  );
  const secrets = apps.flatMap(({ id, webhookToken, adminToken }) => [
    [`SECRET_${id}`, `secret-of-${id}`],
    [`WEBHOOK_${id}`, webhookToken],
    [`ADMIN_${id}`, adminToken],
  ]);
  const entryOf = ({ id, sandbox }: TestApp): Entry => ({
    QISCUS_APP_ID: id,
    QISCUS_BASE_URL: sandbox.url,
    QISCUS_SECRET: { env: `SECRET_${id}` },
    WEBHOOK_TOKEN: { env: `WEBHOOK_${id}` },
    ADMIN_TOKEN: { env: `ADMIN_${id}` },
  });
  const write = (entries: Entry[]) => writeFileSync(file, JSON.stringify({ apps: entries }));
  write(apps.map(entryOf));
  return {
    apps,
    file,
    entryOf,
    write,
    env: {
      ...Object.fromEntries(secrets),
      QISCUS_APPS_FILE: file,
      REDIS_URL: redisUrl,
      ADMIN_TOKEN,
      WEBHOOK_TOKEN,
      QISCUS_RATE_PER_SECOND: '10000',
      ROSTER_SYNC_SECONDS: '1',
      LOG_LEVEL: 'error',
    },
    async stop() {
      await Promise.all(apps.map(({ sandbox }) => sandbox.stop()));
      rmSync(folder, { recursive: true });
    },
  };
}

export type TestApps = Awaited<ReturnType<typeof startApps>>;

/** One request with the given headers. */
export async function ask(
  method: string,
  url: string,
  headers: Record<string, string>,
  body?: unknown,
): Promise<Answer> {
  const answer = await fetch(url, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}
