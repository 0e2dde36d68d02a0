/**
 * A board to look at: real Redis, a sandbox Qiscus, the service as a process of its own that can be started again, and
 * Chromium. For board.test.ts and shots.ts.
 *
 * 1. `open` gives a page that keeps account of what it asks for, what it complains about, and every breach of its policy.
 * 2. `restart` ends the service as an upgrade does and starts another at the same address.
 * Ends by `stop`, which ends everything that it started.
 */
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import type { Sandbox } from '../../src/qiscus/sandbox';
import { launchBrowser } from '../support/browser';
import { startTestRedis } from '../support/redis';
import {
  ADMIN_TOKEN,
  type Caller,
  caller,
  environment,
  freePort,
  type ServiceProcess,
  spawnService,
  startTestSandbox,
  WEBHOOK_TOKEN,
} from '../support/service';
import { until } from '../support/wait';

export type Scheme = 'light' | 'dark';
export const SIZES = { desktop: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } } as const;
export type Size = keyof typeof SIZES;

export interface Opened {
  page: Page;
  /** Requests to another host. */
  elsewhere(): string[];
  /** Errors on the console, uncaught ones, requests that failed, breaches of the policy. */
  complaints(): Promise<string[]>;
}

export interface Scene {
  browser: Browser;
  sandbox: Sandbox;
  api: Caller;
  url: string;
  redisUrl: string;
  open(how?: { size?: Size; scheme?: Scheme; language?: 'en' | 'id'; path?: string }): Promise<Opened>;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Notes breaches of the page's policy from its first moment on. */
const WATCH_POLICY = `
  window.breaches = [];
  addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI, sample }) => {
    window.breaches.push(violatedDirective + ' ' + blockedURI + ' ' + sample);
  });`;

/**
 * @param env settings of the service beside those of every test
 * @param qiscus how the sandbox behaves
 */
export async function openScene(
  env: Record<string, string> = {},
  qiscus: Parameters<typeof startTestSandbox>[0] = {},
): Promise<Scene> {
  const redis = await startTestRedis({ kind: 'standalone' });
  const sandbox = await startTestSandbox(qiscus);
  const environ = environment(redis.url, sandbox.url, {
    PORT: String(await freePort()),
    RECONCILE_SECONDS: '5',
    ...env,
  });
  let service: ServiceProcess = await spawnService(environ);
  const { url } = service;
  sandbox.setDelivery({ baseUrl: url, webhookToken: WEBHOOK_TOKEN });
  const browser = await launchBrowser();
  const api = caller(url);
  await until(async () => ((await api.get('/agents')).body.agents as unknown[]).length > 0, { what: 'agents' });

  return {
    browser,
    sandbox,
    api,
    url,
    redisUrl: redis.url,
    async open({ size = 'desktop', scheme = 'light', language = 'en', path = '/' } = {}) {
      const options: BrowserContextOptions = {
        httpCredentials: { username: 'operator', password: ADMIN_TOKEN },
        viewport: SIZES[size],
        colorScheme: scheme,
        locale: language === 'en' ? 'en-GB' : 'id-ID',
        timezoneId: 'Asia/Jakarta',
        hasTouch: size === 'phone',
      };
      const context = await browser.newContext(options);
      const page = await context.newPage();
      const requested: string[] = [];
      const complaints: string[] = [];
      page.on('request', (request) => requested.push(request.url()));
      page.on('console', (message) => {
        if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
      });
      page.on('pageerror', (error) => complaints.push(error.message));
      await page.addInitScript(WATCH_POLICY);
      await page.goto(url + path);
      await page.locator('#agents tbody tr').first().waitFor();
      return {
        page,
        elsewhere: () => requested.filter((asked) => !asked.startsWith(`${url}/`) && !asked.startsWith('data:')),
        complaints: async () => [...complaints, ...(await page.evaluate<string[]>('window.breaches'))],
      };
    },
    async restart() {
      await service.kill('SIGTERM');
      service = await spawnService(environ);
    },
    async stop() {
      await browser.close();
      await service.kill('SIGTERM');
      await sandbox.stop();
      await redis.stop();
    },
  };
}
