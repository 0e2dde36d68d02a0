/**
 * The two webhooks of Qiscus. The token is checked by the gate; the second path of each takes it as last segment.
 *
 * 1. Decodes, appends durably through the intake, answers what is known within WEBHOOK_WAIT_MS.
 * 2. Nothing is logged per request: the journal tells it all, under the reply's X-Request-Id.
 */
import { Elysia } from 'elysia';
import type { Apps } from '../../apps/directory';
import type { Outcome, Webhook } from '../../ledger/model';
import { readJson } from '../body';
import { describe } from '../describe';
import { jsonReply } from '../headers';
import { appsNamed, decodeAllocation, decodeResolved, withAgentThere } from './decode';
import { ALLOCATION_EXAMPLES, AllocationBody, RESOLVED_EXAMPLES, ResolvedBody } from './model';
import { allocationReply, resolvedReply } from './service';

interface Call {
  request: Request;
  set: { headers: Record<string, unknown> };
}

export function webhooks(apps: Apps) {
  // Elysia reads a handler's text to see what it uses: what is not taken apart in its parameter counts as all, and Elysia
  // would then read the body itself.
  async function submit(request: Request, set: Call['set'], decode: (body: unknown) => Webhook): Promise<Outcome> {
    const body = await readJson(request);
    const webhook = decode(body);
    const { intake, config } = apps.ofWebhook(request, appsNamed(body));
    const told = config.dryRun ? withAgentThere(webhook, body) : webhook;
    return intake.submit(told, String(set.headers['x-request-id']), config.http.webhookWaitMs);
  }

  async function allocate({ request, set }: Call) {
    const { http, body } = allocationReply(await submit(request, set, decodeAllocation));
    return jsonReply(set, http, body);
  }

  async function resolve({ request, set }: Call) {
    return jsonReply(set, 200, resolvedReply(await submit(request, set, decodeResolved)));
  }

  return new Elysia({ prefix: '/api/v1/webhook' })
    .post('/agent_allocation', allocate, { detail: ALLOCATE })
    .post('/agent_allocation/:token', allocate, { detail: { hide: true } })
    .post('/mark_as_resolved', resolve, { detail: RESOLVE })
    .post('/mark_as_resolved/:token', resolve, { detail: { hide: true } });
}

const TOKEN_WORDS =
  'The token goes into the URL as `?token=…` or as a last path segment (`…/<token>`), or into the header `X-Webhook-Token`.';

const ALLOCATE = describe({
  tag: 'Webhooks',
  summary: 'A customer waits for an agent',
  description: `Set this URL at Qiscus as the custom agent allocation webhook. The reply comes after the webhook is stored and tells what is known by then; a repeat for the same room changes nothing. ${TOKEN_WORDS}`,
  access: 'webhook',
  store: true,
  errors: ['WRONG_APP', 'WRONG_WEBHOOK'],
  body: { schema: AllocationBody, examples: ALLOCATION_EXAMPLES },
  replies: {
    200: {
      means: 'Assigned: Qiscus confirmed the agent. (Or `resolved`: a late webhook of a session that is over.)',
      example: { status: 'success', agent_id: 'agent_01', state: 'assigned', entry: '1763842000000-0' },
    },
    202: {
      means:
        '`reserved`: agent chosen, Qiscus still being asked. `waiting`: in line at `position`. `parked`: kept failing, see the dead letters. `accepted`: stored, not looked at yet.',
      example: { status: 'success', agent_id: null, state: 'waiting', entry: '1763842000000-0', position: 3 },
    },
  },
});

const RESOLVE = describe({
  tag: 'Webhooks',
  summary: 'A chat is over',
  description: `Qiscus calls this when a room is marked as resolved; its slot goes to the room that waits longest. The room is freed whoever pressed the button. ${TOKEN_WORDS}`,
  access: 'webhook',
  store: true,
  errors: ['WRONG_APP', 'WRONG_WEBHOOK'],
  body: { schema: ResolvedBody, examples: RESOLVED_EXAMPLES },
  replies: {
    200: {
      means: '`released`: freed. `not_held`: nothing to free. `accepted`: stored, not looked at yet.',
      example: { status: 'success', message: 'Room marked as resolved.', state: 'released' },
    },
  },
});
