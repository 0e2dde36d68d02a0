/**
 * Says what one operation does, for the OpenAPI document: the words, the examples, every status with its codes.
 *
 * 1. An operation states its own; what follows from who may call it (401, 429, 403, 413 …) is added here, so that
 *    it cannot be forgotten.
 * 2. Examples are examples that work: test/contract/openapi.test.ts sends them.
 */
import type { TSchema } from '@sinclair/typebox';
import type { DocumentDecoration } from 'elysia';
import { ERROR_CODES, type ErrorCode } from '../errors';

type Access = 'webhook' | 'admin' | 'metrics' | 'open';

export interface Operation {
  tag: string;
  summary: string;
  description: string;
  access: Access;
  /** Success replies by status: what it means, and an example body (absent for what is not JSON). */
  replies: Record<number, { means: string; example?: unknown; type?: string }>;
  /** Codes of its own; those of its access, of a body and of the store are added. */
  errors?: ErrorCode[];
  /** True when it asks Redis. */
  store?: boolean;
  /** True when it is about all apps that the caller's token opens, and so names none. */
  allApps?: boolean;
  body?: { schema: TSchema; examples: Record<string, unknown>; optional?: boolean };
  parameters?: Parameter[];
}

export interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  description: string;
  example?: string | number;
  schema?: Record<string, unknown>;
}

const SECURITY: Record<Access, Record<string, string[]>[]> = {
  webhook: [{ webhookToken: [] }, { webhookTokenQuery: [] }],
  admin: [{ bearer: [] }, { basic: [] }],
  metrics: [{ bearer: [] }, { basic: [] }],
  open: [],
};

const APP: Parameter = {
  name: 'X-App-Id',
  in: 'header',
  description: 'The id of the Qiscus app, where the token opens several (QISCUS_APPS_FILE); else leave it empty.',
};

const ERROR_MEANS: Record<ErrorCode, string> = {
  INVALID_JSON: 'The body is not JSON.',
  UNAUTHORIZED: 'The token is missing or wrong.',
  WRONG_APP: 'The webhook belongs to another Qiscus app.',
  CROSS_SITE: "Sent by another site's page.",
  NOT_FOUND: 'Nothing at this path, or no such dead letter (any more).',
  ROOM_UNKNOWN: 'No such room.',
  AGENT_UNKNOWN: 'No such agent.',
  APP_UNKNOWN: 'The token opens several Qiscus apps, and the request does not say which.',
  METHOD_NOT_ALLOWED: 'Another method is needed; see Allow.',
  WRONG_STATE: 'Not possible in this state.',
  BODY_TOO_LARGE: 'The body is larger than 256 KiB.',
  UNSUPPORTED_MEDIA_TYPE: 'Content-Type: application/json is missing.',
  INVALID_BODY: 'The request does not have the shape that is needed.',
  WRONG_WEBHOOK: 'Another webhook was pointed at this address; the message names it.',
  TOO_MANY_FAILURES: 'More than 100 wrong tokens in a minute.',
  TOO_MANY_WEBHOOKS: 'This app sends more than WEBHOOKS_PER_SECOND; nothing was stored, try again (Retry-After).',
  INTERNAL: 'A fault of the service; quote the request id.',
  QISCUS_REFUSED: 'Qiscus said no or was out of reach; nothing was changed here.',
  STORE_UNAVAILABLE: 'Redis is down or full: nothing was stored, try again (Retry-After).',
  NOT_READY: 'Something that it needs fails; `failing` names it.',
  STOPPING: 'This process is stopping: nothing was stored, try again (Retry-After).',
};

/** The `detail` of an Elysia route. */
export function describe(operation: Operation): DocumentDecoration {
  const { tag, summary, description, access, body, parameters = [] } = operation;
  return {
    tags: [tag],
    summary,
    description,
    security: SECURITY[access],
    parameters: [...parameters, ...(ofOneApp(operation) ? [APP] : [])].map((parameter) => ({
      ...parameter,
      required: parameter.in === 'path',
      schema: parameter.schema ?? { type: 'string' },
    })),
    ...(body && {
      requestBody: {
        required: body.optional !== true,
        content: {
          'application/json': {
            schema: asOpenApi(body.schema),
            examples: Object.fromEntries(Object.entries(body.examples).map(([name, value]) => [name, { value }])),
          },
        },
      },
    }),
    responses: { ...successes(operation), ...failures(codesOf(operation)) },
  };
}

/** Is it about one of the apps that an admin token may open? */
const ofOneApp = ({ access, allApps }: Operation) => access === 'admin' && !allApps;

/** OpenAPI 3.0 has no type null: a union with it is written as `nullable`. */
function asOpenApi(schema: TSchema): Record<string, unknown> {
  return JSON.parse(
    JSON.stringify(schema, (_, part) => {
      const [first, last] = part?.anyOf ?? [];
      return last?.type === 'null' ? { ...first, nullable: true } : part;
    }),
  );
}

function successes({ replies }: Operation) {
  return Object.fromEntries(
    Object.entries(replies).map(([status, { means, example, type }]) => [
      status,
      {
        description: means,
        content: { [type ?? 'application/json']: example === undefined ? {} : { example } },
      },
    ]),
  );
}

function codesOf(operation: Operation): Set<ErrorCode> {
  const { access, body, errors = [], store } = operation;
  // Where no token is needed, one that is presented has to be right all the same.
  const codes = new Set<ErrorCode>([...errors, 'UNAUTHORIZED', 'TOO_MANY_FAILURES']);
  if (access !== 'open') codes.add('STOPPING');
  if (body) codes.add('INVALID_JSON').add('BODY_TOO_LARGE').add('UNSUPPORTED_MEDIA_TYPE').add('INVALID_BODY');
  if (body && access === 'admin') codes.add('CROSS_SITE');
  if (ofOneApp(operation)) codes.add('APP_UNKNOWN');
  if (access === 'webhook') codes.add('TOO_MANY_WEBHOOKS');
  if (store) codes.add('STORE_UNAVAILABLE');
  return codes.add('INTERNAL');
}

function failures(codes: Set<ErrorCode>) {
  const byStatus = Map.groupBy(codes, (code) => ERROR_CODES[code]);
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [
      status,
      {
        description: codes.map((code) => `\`${code}\`: ${ERROR_MEANS[code]}`).join(' '),
        content: {
          'application/json': {
            schema: { $ref: '#/components/schemas/Error' },
            examples: Object.fromEntries(codes.map((code) => [code, { value: errorExample(code) }])),
          },
        },
      },
    ]),
  );
}

const errorExample = (code: ErrorCode) => ({
  status: 'error',
  code,
  message: ERROR_MEANS[code],
  request_id: 'u3Vn0bTq1xYk.2s',
});
