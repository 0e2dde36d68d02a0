/** What the document says beside the operations. */
import { ERROR_CODES } from '../../errors';

export const API_WORDS = [
  'Gives every Qiscus Omnichannel chat to an agent who is online, holds the fewest rooms, and is below the limit: first come, first served, and nothing is lost.',
  '',
  'To change a setting from here: press **Authorize** and enter the admin token (none is needed where none is configured), open an operation, **Try it out**, **Execute**.',
].join('\n');

export const TAGS = [
  { name: 'Webhooks', description: 'What Qiscus calls.' },
  { name: 'Settings', description: 'In force at once for all workers.' },
  { name: 'Agents', description: 'Who may get rooms, and what each holds.' },
  { name: 'Rooms', description: 'The line, single rooms, and hands on them.' },
  { name: 'Dead letters', description: 'What needs a person.' },
  { name: 'Journal', description: 'What happened, and why.' },
  { name: 'Health', description: 'For load balancers, supervisors and monitoring.' },
];

export const SECURITY_SCHEMES = {
  bearer: {
    type: 'http' as const,
    scheme: 'bearer',
    description: 'An ADMIN_TOKEN; for /metrics a METRICS_TOKEN where one is set.',
  },
  basic: {
    type: 'http' as const,
    scheme: 'basic',
    description:
      'The same token as password; any user name, or the id of the Qiscus app where the token opens several.',
  },
  webhookToken: { type: 'apiKey' as const, in: 'header', name: 'X-Webhook-Token', description: 'A WEBHOOK_TOKEN.' },
  webhookTokenQuery: { type: 'apiKey' as const, in: 'query', name: 'token', description: 'A WEBHOOK_TOKEN.' },
};

export const ERROR_SCHEMA = {
  type: 'object' as const,
  required: ['status', 'code', 'message', 'request_id'],
  properties: {
    status: { type: 'string' as const, enum: ['error'] },
    code: { type: 'string' as const, enum: Object.keys(ERROR_CODES) },
    message: { type: 'string' as const, description: 'What is wrong and what to do.' },
    request_id: { type: 'string' as const, description: 'Also in the header X-Request-Id.' },
  },
};
