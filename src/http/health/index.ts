/** Health: alive (this process) and ready (everything that it needs). Public; details only for an operator. */
import { Elysia } from 'elysia';
import type { Apps } from '../../apps/directory';
import { ERROR_CODES } from '../../errors';
import { presentedToken } from '../auth';
import { describe } from '../describe';
import type { ErrorBody } from '../errors';
import { alertsOnWire, healthOnWire } from './model';
import { type AppReadiness, readiness, warningsOf } from './service';

export function health(apps: Apps, sandbox: boolean, stopping: AbortSignal | undefined) {
  const read = readiness(apps, stopping);

  /** What a token's owner is told beside: all of an only app, of several those that fail. */
  function details(mine: AppReadiness[]) {
    const [only] = mine;
    if (only && mine.length === 1) {
      const own = only.failing.length > 0 && { failing: only.failing };
      return { details: { ...own, ...(only.health && healthOnWire(only.health)) } };
    }
    const failing = mine.filter((one) => one.failing.length > 0).map(({ app, failing }) => [app.id, failing]);
    return { apps: { served: mine.length, failing: Object.fromEntries(failing) } };
  }

  return new Elysia({ prefix: '/health' })
    .get('/live', () => ({ status: 'success' }), { detail: LIVE })
    .get(
      '/ready',
      async ({ request, set }) => {
        const { failing, apps: found } = await read();
        // The gate lets a wrong token through nowhere: one that is present here is right. A header alone is no token.
        const isKnown = apps.adminDoor.open || presentedToken(request.headers.get('authorization')) !== null;
        const mine = isKnown ? found.filter(({ app }) => apps.namedBy(request).includes(app)) : [];
        const warnings = new Set(
          found.flatMap(({ app, health }) => (health ? warningsOf(health, app.running?.isNearlyFull() ?? false) : [])),
        );
        if (found.some((one) => one.failing.some((part) => !failing.includes(part)))) warnings.add('apps');
        const common = {
          sandbox,
          ...(isDryRun(mine.length > 0 ? mine : found) && { dry_run: true }),
          ...(warnings.size > 0 && { warnings: [...warnings] }),
          ...(isKnown && { ...details(mine), alerts: mine.flatMap(alertsOnWire) }),
        };
        if (failing.length === 0) return { status: 'success', ...common };
        set.status = ERROR_CODES.NOT_READY;
        set.headers['retry-after'] = '1';
        return { ...notReady(failing, String(set.headers['x-request-id'])), failing, ...common };
      },
      { detail: READY },
    );
}

/** As every failure. */
const notReady = (failing: readonly string[], requestId: string): ErrorBody => ({
  status: 'error',
  code: 'NOT_READY',
  message: `Not ready: ${failing.join(', ')}.`,
  request_id: requestId,
});

const isDryRun = (those: readonly AppReadiness[]) => those.length > 0 && those.every(({ app }) => app.config.dryRun);

const LIVE = describe({
  tag: 'Health',
  summary: 'Is the process alive?',
  description: 'Asks nothing of anything else.',
  access: 'open',
  replies: { 200: { means: 'Alive.', example: { status: 'success' } } },
});

const READY = describe({
  tag: 'Health',
  summary: 'Can it work?',
  description:
    'Checks Redis, that no newer version works on the ledger (`format`), the age of the inbox and the outbox, the age of the list of agents, and whether Qiscus accepts us; `warnings` name what works but should be mended, such as a resolve webhook that Qiscus does not have, or `redis_memory`: Redis is above 80 % of its memory, and new chats are refused, or `apps`: some of several Qiscus apps fail (`start`: one could not be started, and is tried again). `dry_run`: every app (with a token: every one that it opens) is one, and nothing is changed at Qiscus. With an admin token the numbers too, or which apps fail, and `alerts`: what a person should look at now, with `code`, `since` (when it was raised), `count`, and where it is about rooms `room_id` and `room_since`: the one that has it worst, and since when it waits or is parked. An alert whose cause is away is not among them.',
  access: 'open',
  replies: {
    200: { means: 'Ready.', example: { status: 'success', sandbox: true } },
    503: {
      means: 'Not ready; `failing` names the parts.',
      example: { ...notReady(['redis'], 'u3Vn0bTq1xYk.2s'), failing: ['redis'], sandbox: true },
    },
  },
});
