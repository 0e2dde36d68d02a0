/**
 * Settings: the limit of customers per agent, and the resolve webhook's URL at Qiscus. In force at once, everywhere.
 */
import { Elysia } from 'elysia';
import type { Apps } from '../../apps/directory';
import { ServiceError } from '../../errors';
import { readBody } from '../body';
import { describe } from '../describe';
import { refuseInDryRun } from '../dry-run/service';
import { MarkAsResolvedBody, MaxCustomersBody } from './model';
import { checkCallbackUrl, maskUrl } from './service';

export function settings(apps: Apps) {
  return new Elysia({ prefix: '/api/v1/settings' })
    .get(
      '/max_customers',
      async ({ request }) => {
        const { maxCustomers } = await apps.of(request).desk.readSettings();
        return { status: 'success', max_customers: maxCustomers };
      },
      { detail: READ_MAX },
    )
    .post(
      '/max_customers',
      async ({ request }) => {
        const { max_customers } = await readBody(request, MaxCustomersBody);
        await apps.of(request).desk.setMaxCustomers(max_customers);
        return { status: 'success', max_customers };
      },
      { detail: SET_MAX },
    )
    .get(
      '/set_mark_as_resolved',
      async ({ request }) => {
        const { desk, config } = apps.of(request);
        const { markAsResolved } = await desk.readSettings();
        const url = markAsResolved && maskUrl(markAsResolved.url, config.tokens.webhook);
        return { status: 'success', url, enabled: markAsResolved?.enabled ?? false };
      },
      { detail: READ_URL },
    )
    .post(
      '/set_mark_as_resolved',
      async ({ request }) => {
        const { url, enable = true } = await readBody(request, MarkAsResolvedBody);
        const { desk, config, qiscus, logger } = apps.of(request);
        refuseInDryRun(config);
        const rules = { sandbox: config.sandbox, publicBaseUrl: config.http.publicBaseUrl };
        const verdict = checkCallbackUrl(url, rules);
        if (!verdict.ok) throw new ServiceError('INVALID_BODY', verdict.problem);
        const answer = await qiscus.setResolveWebhook(url, enable);
        if (answer.kind === 'refused') {
          logger.warn({ event: 'webhook.refused', reason: answer.reason }, 'Qiscus refused the resolve webhook URL');
          throw new ServiceError('QISCUS_REFUSED', 'Qiscus did not take the URL; nothing was stored. See the log.');
        }
        // Qiscus has the token; nobody who reads Redis or our replies needs it.
        const known = { url: maskUrl(answer.url, config.tokens.webhook), enabled: answer.enabled };
        await desk.setMarkAsResolved(known);
        return { status: 'success', ...known };
      },
      { detail: SET_URL },
    );
}

const MAX_EXAMPLE = { status: 'success', max_customers: 5 };
const URL_EXAMPLE = {
  status: 'success',
  url: 'https://yourdomain.com/api/v1/webhook/mark_as_resolved',
  enabled: true,
};

const READ_MAX = describe({
  tag: 'Settings',
  summary: 'Most customers per agent',
  description: 'How many rooms one agent may hold at a time, unless the agent has a limit of its own.',
  access: 'admin',
  store: true,
  replies: { 200: { means: 'The limit in force.', example: MAX_EXAMPLE } },
});

const SET_MAX = describe({
  tag: 'Settings',
  summary: 'Set the most customers per agent',
  description:
    'In force at once for all workers. A higher limit gives waiting rooms an agent now; a lower one takes no room away, it only stops new ones.',
  access: 'admin',
  store: true,
  body: { schema: MaxCustomersBody.schema, examples: { five: { max_customers: 5 } } },
  replies: { 200: { means: 'The limit is in force.', example: MAX_EXAMPLE } },
});

const READ_URL = describe({
  tag: 'Settings',
  summary: "The resolve webhook's URL",
  description: 'The URL that was set here last; a webhook token in it is shown as `***`.',
  access: 'admin',
  store: true,
  replies: { 200: { means: 'The URL, or null when none was set here.', example: URL_EXAMPLE } },
});

const SET_URL = describe({
  tag: 'Settings',
  summary: "Set the resolve webhook's URL at Qiscus",
  description:
    'Sets at Qiscus where it reports resolved rooms (this needs QISCUS_EMAIL and QISCUS_PASSWORD) and stores what Qiscus confirmed. https, a public host name, no credentials; the host must be the one of PUBLIC_BASE_URL where that is set. Include the webhook token, if one is configured: `…/mark_as_resolved/<token>`. Not in a dry run: Qiscus has one such URL, and it belongs to the service that assigns now.',
  access: 'admin',
  store: true,
  errors: ['WRONG_STATE', 'QISCUS_REFUSED'],
  body: {
    schema: MarkAsResolvedBody.schema,
    examples: { url: { url: 'https://yourdomain.com/api/v1/webhook/mark_as_resolved' } },
  },
  replies: { 200: { means: 'Set at Qiscus and stored.', example: URL_EXAMPLE } },
});
