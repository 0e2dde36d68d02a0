/** Health: alive (this process) and ready (everything that it needs). Public; details only for an operator. */
import { Elysia } from 'elysia';
import type { Config } from '../../config';
import type { LedgerDesk } from '../../ledger/model';
import { presentedToken } from '../auth';
import { describe } from '../describe';
import { healthOnWire } from './model';
import { readiness, warningsOf } from './service';

export function health(
  config: Config,
  desk: LedgerDesk,
  isNearlyFull: () => boolean,
  stopping: AbortSignal | undefined,
) {
  const read = readiness(desk, config, stopping);

  return new Elysia({ prefix: '/health' })
    .get('/live', () => ({ status: 'success' }), { detail: LIVE })
    .get(
      '/ready',
      async ({ request, set }) => {
        const { failing, health } = await read();
        // The gate lets a wrong token through nowhere: one that is present here is right. A header alone is no token.
        const presented = presentedToken(request.headers.get('authorization'));
        const operator = config.tokens.admin.length === 0 || presented !== null;
        const details = operator && health !== null ? { details: healthOnWire(health) } : {};
        const warnings = health === null ? [] : warningsOf(health, isNearlyFull());
        const common = { sandbox: config.sandbox, ...(warnings.length > 0 && { warnings }), ...details };
        if (failing.length === 0) return { status: 'success', ...common };
        set.status = 503;
        set.headers['retry-after'] = '1';
        const message = `Not ready: ${failing.join(', ')}.`;
        return { status: 'error', message, failing, ...common };
      },
      { detail: READY },
    );
}

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
    'Checks Redis, the age of the inbox and the outbox, the age of the list of agents, and whether Qiscus accepts us; `warnings` name what works but should be mended, such as a resolve webhook that Qiscus does not have, or `redis_memory`: Redis is above 80 % of its memory, and new chats are refused. With an admin token the numbers too.',
  access: 'open',
  replies: {
    200: { means: 'Ready.', example: { status: 'success', sandbox: true } },
    503: {
      means: 'Not ready; `failing` names the parts.',
      example: { status: 'error', message: 'Not ready: redis.', failing: ['redis'], sandbox: true },
    },
  },
});
