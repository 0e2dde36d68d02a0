/** What a person sees at the start: where to look, what to try first, how to go live. */
import type { ListedApp } from './apps/directory';
import { type Config, publicUrls } from './config';
import type { Service } from './service';

/** The first line: the address to open. */
export function starting(config: Config): string {
  const { host, port } = config.http;
  if (config.role === 'worker') return 'Agent Allocation: a worker starts';
  const shown = host === '127.0.0.1' || host === '0.0.0.0' || host === '::' ? 'localhost' : host;
  return `http://${shown}:${port}  Agent Allocation starts here`;
}

/** Shown once everything runs. */
export function ready(config: Config, service: Service): string {
  const apps = config.apps === null ? [] : appLines(service.apps());
  if (config.role === 'worker') {
    const runs = service.sandbox ? `${WORKER_RUNS}, with a sandbox of its own` : WORKER_RUNS;
    return [runs, ...apps, ...dryRunLines(service.apps())].join('\n');
  }
  const base = (service.url ?? '').replace('//127.0.0.1:', '//localhost:');
  const places = [
    `  Board    ${base}/`,
    `  Console  ${base}/docs   (settings, "Try it out")`,
    `  Health   ${base}/health/ready`,
  ];
  const more = service.sandbox ? sandboxLines(config, service.sandbox.url, base) : liveLines(config);
  return ['', ...places, ...apps, ...dryRunLines(service.apps()), '', ...more, ''].join('\n');
}

function appLines(apps: readonly ListedApp[]): string[] {
  const ids = (some: readonly ListedApp[]) => some.map(({ id }) => id).join(', ');
  const absent = apps.filter(({ running }) => running === null);
  const lines = [`  Apps     ${ids(apps.filter(({ running }) => running !== null))}`];
  if (absent.length > 0)
    lines.push(`           could not be started, and are tried again (see the log): ${ids(absent)}`);
  return lines;
}

function dryRunLines(apps: readonly ListedApp[]): string[] {
  const dry = apps.filter(({ config }) => config.dryRun);
  if (dry.length === 0) return [];
  const which = dry.length === apps.length ? '' : ` (${dry.map(({ id }) => id).join(', ')})`;
  return [
    '',
    `  DRY RUN${which}: decides and writes down, and changes nothing at Qiscus.`,
    '  How it compares with who gets the chats there: GET /api/v1/dry_run',
  ];
}

const WORKER_RUNS = 'Agent Allocation: the worker runs';

function sandboxLines(config: Config, sandboxUrl: string, base: string): string[] {
  const token = config.tokens.webhook.length > 0 ? " -H 'X-Webhook-Token: <WEBHOOK_TOKEN>'" : '';
  return [
    '  SANDBOX: no Qiscus credentials are set, so a small Qiscus of our own answers',
    `  (${sandboxUrl}, control: ${sandboxUrl}/sandbox). Nothing reaches a real customer.`,
    ...(config.role === 'all'
      ? []
      : [
          '  Each process has its own; to share one, run `npm run sandbox` (or `bun run sandbox`)',
          '  and give every process QISCUS_BASE_URL=http://127.0.0.1:4000 QISCUS_APP_ID=sandbox QISCUS_SECRET=sandbox and both tokens.',
        ]),
    '',
    '  Try it:',
    `    curl -X POST ${base}/api/v1/webhook/agent_allocation -H 'Content-Type: application/json'${token} \\`,
    `      -d '{"room_id":"12345","message":"Hello, I need help!","customer_id":"67890"}'`,
    '',
    '  Go live: set QISCUS_APP_ID, QISCUS_SECRET, WEBHOOK_TOKEN, ADMIN_TOKEN and PUBLIC_BASE_URL (see README).',
  ];
}

function liveLines(config: Config): string[] {
  // Qiscus goes on calling the service in use.
  if (config.dryRun) return [];
  const urls = publicUrls(config, '<WEBHOOK_TOKEN>');
  if (!urls) return ['  Set PUBLIC_BASE_URL to see here which addresses to give to Qiscus.'];
  return [
    '  Addresses for Qiscus (README, "Connect it to Qiscus"):',
    `    in its dashboard, Custom Agent Allocation:         ${urls.allocation}`,
    `    by POST /api/v1/settings/set_mark_as_resolved:     ${urls.markAsResolved}`,
  ];
}
