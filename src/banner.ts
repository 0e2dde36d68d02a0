/** What a person sees at the start: where to look, what to try first, how to go live. */
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
  if (config.role === 'worker') return 'Agent Allocation: the worker runs';
  const base = (service.url ?? '').replace('//127.0.0.1:', '//localhost:');
  const token = config.tokens.webhook.length > 0 ? " -H 'X-Webhook-Token: <WEBHOOK_TOKEN>'" : '';
  const lines = [
    '',
    `  Board    ${base}/`,
    `  Console  ${base}/docs   (settings, "Try it out")`,
    `  Health   ${base}/health/ready`,
  ];
  if (service.sandbox) {
    lines.push(
      '',
      '  SANDBOX: no Qiscus credentials are set, so a small Qiscus of our own answers',
      `  (${service.sandbox.url}, control: ${service.sandbox.url}/sandbox). Nothing reaches a real customer.`,
    );
  }
  lines.push(
    '',
    '  Try it:',
    `    curl -X POST ${base}/api/v1/webhook/agent_allocation -H 'Content-Type: application/json'${token} \\`,
    `      -d '{"room_id":"12345","message":"Hello, I need help!","customer_id":"67890"}'`,
    '',
  );
  const urls = publicUrls(config, config.tokens.webhook.length > 0 ? '<WEBHOOK_TOKEN>' : null);
  if (service.sandbox) {
    lines.push(
      '  Go live: set QISCUS_APP_ID, QISCUS_SECRET, WEBHOOK_TOKEN, ADMIN_TOKEN and PUBLIC_BASE_URL (see README).',
      '',
    );
  } else if (urls) {
    lines.push(
      '  Give these to Qiscus:',
      `    Custom Agent Allocation: ${urls.allocation}`,
      `    Mark as resolved:        ${urls.markAsResolved}`,
      '',
    );
  }
  return lines.join('\n');
}
