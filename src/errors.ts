/**
 * The errors of the service: one base class, one table of codes.
 *
 * 1. Normal outcomes (no agent free, room unknown) are values, never these.
 * 2. A code is stable: clients and alerts may match on it; its HTTP status stands here and nowhere else.
 * 3. A message says what is wrong and what to do; it never repeats what was sent, and never holds a secret.
 */

/** Every stable code and its HTTP status. */
export const ERROR_CODES = {
  INVALID_JSON: 400,
  UNAUTHORIZED: 401,
  WRONG_APP: 403,
  CROSS_SITE: 403,
  NOT_FOUND: 404,
  ROOM_UNKNOWN: 404,
  AGENT_UNKNOWN: 404,
  APP_UNKNOWN: 404,
  METHOD_NOT_ALLOWED: 405,
  WRONG_STATE: 409,
  BODY_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  INVALID_BODY: 422,
  WRONG_WEBHOOK: 422,
  TOO_MANY_FAILURES: 429,
  TOO_MANY_WEBHOOKS: 429,
  INTERNAL: 500,
  QISCUS_REFUSED: 502,
  STORE_UNAVAILABLE: 503,
  STOPPING: 503,
  NOT_READY: 503,
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

/** An unplanned failure with a stable code. `message` may be shown to a caller; `cause` is for the log only. */
export class ServiceError extends Error {
  readonly code: ErrorCode;
  readonly status: number;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.name = 'ServiceError';
    this.code = code;
    this.status = ERROR_CODES[code];
  }
}
