/**
 * The errors of the service: one base class, one table of codes.
 *
 * 1. Normal outcomes (no agent free, room unknown) are values, never these.
 * 2. A code is stable: clients and alerts may match on it; its HTTP status stands here and nowhere else.
 * 3. A message says what is wrong and what to do; it never repeats what was sent, and never holds a secret.
 */

/** Every stable code, its HTTP status, and whether the same call may succeed later without a change. */
export const ERROR_CODES = {
  INVALID_JSON: { status: 400, retryable: false },
  UNAUTHORIZED: { status: 401, retryable: false },
  WRONG_APP: { status: 403, retryable: false },
  CROSS_SITE: { status: 403, retryable: false },
  NOT_FOUND: { status: 404, retryable: false },
  ROOM_UNKNOWN: { status: 404, retryable: false },
  AGENT_UNKNOWN: { status: 404, retryable: false },
  METHOD_NOT_ALLOWED: { status: 405, retryable: false },
  WRONG_STATE: { status: 409, retryable: false },
  BODY_TOO_LARGE: { status: 413, retryable: false },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, retryable: false },
  INVALID_BODY: { status: 422, retryable: false },
  WRONG_WEBHOOK: { status: 422, retryable: false },
  TOO_MANY_FAILURES: { status: 429, retryable: true },
  INTERNAL: { status: 500, retryable: false },
  QISCUS_REFUSED: { status: 502, retryable: false },
  STORE_UNAVAILABLE: { status: 503, retryable: true },
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

/** An unplanned failure with a stable code. `message` may be shown to a caller; `cause` is for the log only. */
export class ServiceError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly retryable: boolean;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.name = 'ServiceError';
    this.code = code;
    this.status = ERROR_CODES[code].status;
    this.retryable = ERROR_CODES[code].retryable;
  }
}
