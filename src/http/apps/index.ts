/** The Qiscus apps that the caller's token opens. */
import { Elysia } from 'elysia';
import type { Apps } from '../../apps/directory';
import { describe } from '../describe';

export function listing(apps: Apps) {
  return new Elysia({ prefix: '/api/v1' }).get(
    '/apps',
    ({ request }) => ({
      status: 'success',
      apps: apps.openTo(request).map(({ id, config }) => ({ app_id: id, ...(config.dryRun && { dry_run: true }) })),
      named: apps.idFor(request),
    }),
    { detail: LIST },
  );
}

const LIST = describe({
  tag: 'Settings',
  summary: 'The Qiscus apps that your token opens',
  description:
    'One app, unless QISCUS_APPS_FILE lists more. Where a token opens several, every other request names its app: header `X-App-Id`, or the user name of HTTP Basic. `named` is the one that this request is about; null when it does not say. `dry_run`: the app is one.',
  access: 'admin',
  allApps: true,
  replies: {
    200: { means: 'Their ids.', example: { status: 'success', apps: [{ app_id: 'kovof-123' }], named: 'kovof-123' } },
  },
});
