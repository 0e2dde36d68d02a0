/**
 * The frame of the sandbox's suites: the sandbox over real HTTP, through our client and by hand, and a server that takes
 * its webhooks.
 *
 * 1. `sandboxSuite`, called once in a test file, gives every test a new server for webhooks; what a test starts stops
 *    behind it.
 * 2. `connect`, `assignByHand` and `listRooms` ask a sandbox what Qiscus would be asked.
 */
import { afterEach, beforeEach } from 'bun:test';
import { createQiscusClient } from '../../src/qiscus/client';
import { type Sandbox, type SandboxOptions, startSandbox } from '../../src/qiscus/sandbox';

export const KEYS = { appId: 'app-1', secret: 'the-secret', email: 'admin@example.com', password: 'the-password' };
export const HEADERS = { 'qiscus-app-id': KEYS.appId, 'qiscus-secret-key': KEYS.secret };
/** Longer than any answer takes; a test in which none comes says less. */
const PATIENT_MS = 10_000;

export interface Hook {
  path: string;
  token: string | null;
  body: unknown;
}

/** A part of a foreign payload, by its path. */
export const at = (value: unknown, path: string): unknown =>
  path.split('.').reduce((part, key) => (part as Record<string, unknown> | null)?.[key], value);
/** The same part of every element. */
export const each = (value: unknown, path: string): unknown[] =>
  (value as unknown[]).map((element) => at(element, path));

export interface SandboxSuite {
  /** The webhooks of the running test, in the order in which they came. */
  readonly hooks: Hook[];
  /** Where they go. */
  readonly hookUrl: string;
  /** How they are answered; a test may put another in its place. */
  answerHook: () => Response;
  start(options?: Partial<SandboxOptions>): Promise<Sandbox>;
  /** Runs behind the test, whatever comes of it. */
  onStop(stop: () => unknown): void;
}

export function sandboxSuite(): SandboxSuite {
  const stops: (() => unknown)[] = [];
  const hooks: Hook[] = [];
  let hookUrl = '';
  const suite: SandboxSuite = {
    hooks,
    get hookUrl() {
      return hookUrl;
    },
    answerHook: () => Response.json({}),
    async start(options = {}) {
      const deliverTo = { baseUrl: hookUrl, webhookToken: 'hook-token' };
      const sandbox = await startSandbox({ ...KEYS, agentIds: 'named', deliverTo, ...options });
      stops.push(() => sandbox.stop());
      return sandbox;
    },
    onStop: (stop) => stops.push(stop),
  };
  beforeEach(() => {
    hooks.length = 0;
    suite.answerHook = () => Response.json({ status: 'success' });
    const server = Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      async fetch(request) {
        const { pathname } = new URL(request.url);
        hooks.push({ path: pathname, token: request.headers.get('x-webhook-token'), body: await request.json() });
        return suite.answerHook();
      },
    });
    hookUrl = server.url.origin;
    stops.push(() => server.stop(true));
  });
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop();
  });
  return suite;
}

export const connect = (sandbox: Sandbox, change: Partial<typeof KEYS & { timeoutMs: number }> = {}) =>
  createQiscusClient({
    baseUrl: sandbox.url,
    ...KEYS,
    timeoutMs: PATIENT_MS,
    settingPatienceMs: PATIENT_MS,
    ...change,
  });

/** A form for Qiscus's API, with the right keys. */
export const form = (fields: Record<string, string>) => ({
  method: 'POST',
  headers: HEADERS,
  body: new URLSearchParams(fields),
});
export const assignByHand = (sandbox: Sandbox, fields: Record<string, string>) =>
  fetch(`${sandbox.url}/api/v1/admin/service/assign_agent`, form(fields));

export async function listRooms(sandbox: Sandbox, filter: object) {
  const headers = { ...HEADERS, 'content-type': 'application/json' };
  const response = await fetch(`${sandbox.url}/api/v2/customer_rooms`, {
    method: 'POST',
    headers,
    body: JSON.stringify(filter),
  });
  const body = await response.json();
  const rows = at(body, 'data.customer_rooms') as object[];
  return { ids: each(rows, 'room_id'), rows, next: at(body, 'meta.cursor_after') };
}
