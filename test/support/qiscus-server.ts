/**
 * Qiscus as a test tells it to be: real HTTP servers that answer whatever they are told, and our client for each.
 *
 * 1. `qiscusSuite`, called once in a test file, gives it `connect` and `assign`; what they start stops behind the test.
 * 2. Behaviours: `json`, `never`, `dropped`, `trickling`; `fixture` reads a real answer.
 */
import { afterEach } from 'bun:test';
import { createQiscusClient, type QiscusClientOptions } from '../../src/qiscus/client';

export const FIXTURES = new URL('../fixtures/', import.meta.url);
export const SECRET = 'the-app-secret';
/** Longer than any answer takes, on any machine. */
const PATIENT_MS = 10_000;
/** For servers that never answer, ms. */
export const HASTY = { timeoutMs: 300 };

export interface Seen {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: Headers;
  body: string;
}
export type Behaviour = (request: Seen, nth: number) => Response | Promise<Response>;

export function qiscusSuite() {
  const stops: (() => unknown)[] = [];
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop();
  });

  /** A server that answers by `behave`, and a client for it. */
  function connect(behave: Behaviour, options: Partial<QiscusClientOptions> = {}) {
    const seen: Seen[] = [];
    const server = Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      idleTimeout: 0,
      development: false,
      async fetch(request) {
        const url = new URL(request.url);
        const body = await request.text();
        const call = {
          method: request.method,
          path: url.pathname,
          query: url.searchParams,
          headers: request.headers,
          body,
        };
        seen.push(call);
        return behave(call, seen.length);
      },
    });
    stops.push(() => server.stop(true));
    const client = createQiscusClient({
      baseUrl: server.url.origin,
      appId: 'app-1',
      secret: SECRET,
      email: null,
      password: null,
      timeoutMs: PATIENT_MS,
      ...options,
    });
    return { client, seen, server };
  }

  /** What comes of one call of assign_agent. */
  async function assign(behave: Behaviour, options: Partial<QiscusClientOptions> = {}) {
    const { client, seen } = connect(behave, options);
    return { outcome: await client.assignAgent('273683234', '150851'), seen };
  }
  return { connect, assign };
}

export const json = (body: unknown, status = 200, headers: Record<string, string> = {}) =>
  Response.json(body, { status, headers });
export const fixture = (name: string) => Bun.file(new URL(name, FIXTURES)).json();
export const never = () => new Promise<Response>(() => {});
export const dropped = () => new Response(new ReadableStream({ start: (controller) => controller.error() }));

/** A body that never ends and never is silent for long. */
export function trickling(first: string): Response {
  let timer: Timer | undefined;
  return new Response(
    new ReadableStream({
      start(controller) {
        controller.enqueue(first);
        timer = setInterval(() => controller.enqueue(' '), 20);
      },
      cancel: () => clearInterval(timer),
    }),
  );
}
