/**
 * Builds the Elysia app from given parts; never listens, so that tests can call `app.handle`.
 *
 * 1. Puts the gate before, and the error replies behind, one Elysia instance per feature.
 * 2. Owns nothing that must be stopped: `drain` turns requests away and ends the open event streams.
 */
import { Elysia } from 'elysia';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Apps } from './apps/directory';
import type { Config } from './config';
import { agents } from './http/agents';
import { listing } from './http/apps';
import { board } from './http/board';
import { deadLetters } from './http/dead-letters';
import { docs } from './http/docs';
import { Drain } from './http/drain';
import { dryRun } from './http/dry-run';
import { errorReply } from './http/errors';
import { gate } from './http/gate';
import { health } from './http/health';
import { journal } from './http/journal';
import { methodTable } from './http/methods';
import { metrics } from './http/metrics';
import { meter } from './http/metrics/service';
import { queue } from './http/queue';
import { rates } from './http/rates';
import { rooms } from './http/rooms';
import { settings } from './http/settings';
import { webhooks } from './http/webhook';

export interface AppParts {
  config: Config;
  logger: Logger;
  apps: Apps;
  /** Counters and gauges are registered here; one registry per app. */
  registry: Registry;
  nowMs: () => number;
  /** Begun when the service stops. Absent: it never does. */
  drain?: Drain;
}

/**
 * How the app must be listened with: `app.listen({ ...LISTEN, hostname, port })`. Bun's own limit only guards against
 * the absurd, because Bun answers it with an empty 413; http/body.ts refuses from 256 KiB on, in our shape.
 */
export const LISTEN = {
  maxRequestBodySize: 64 * 1024 * 1024,
  idleTimeout: 10,
  reusePort: false,
  development: false,
} as const;

/** Everything hooked up; listen with `LISTEN`. */
export function buildApp(parts: AppParts): Elysia {
  const { config, logger, apps, registry, nowMs, drain = new Drain() } = parts;
  const numbers = meter(registry, apps, config.apps !== null);
  const methodsAt = methodTable(() => app.routes);

  const app = new Elysia({
    // One router, fed with the very path that the gate judges: Bun's own matches the real path also where a malformed
    // Host header spoils request.url, and with it the gate's view.
    systemRouter: false,
    // Host headers may be shorter than Elysia's shortcut for finding the path assumes.
    handler: { standardHostname: false },
  });
  app
    // The server is asked through `app`: a hook that names `server` makes Elysia define a getter per request (-30 %).
    .onRequest(gate(config.tokens, apps, nowMs, (request) => app.server?.requestIP(request)?.address, drain))
    .onError({ as: 'global' }, errorReply(logger, methodsAt, numbers.countError))
    .use(webhooks(apps))
    .use(settings(apps))
    .use(agents(apps, nowMs))
    .use(rooms(apps, nowMs))
    .use(queue(apps))
    .use(deadLetters(apps))
    .use(journal(apps, drain.signal))
    .use(rates(apps, nowMs))
    .use(dryRun(apps))
    .use(listing(apps))
    .use(health(apps, config.sandbox, drain.signal))
    .use(metrics(numbers.text, registry.contentType))
    .use(docs(config.sandbox))
    .use(board(apps));
  return app;
}
