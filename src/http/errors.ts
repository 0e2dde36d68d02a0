/**
 * The one place where a failure becomes a reply.
 *
 * 1. Every error has the shape {status, code, message, request_id}; codes and statuses come from src/errors.ts.
 * 2. Nothing that was sent is repeated, and nothing internal is told: an unknown error is a bare 500 with its request id.
 * 3. A known path with another method answers 405 and `Allow`; a HEAD answers as its GET would, without a body.
 */
import type { Logger } from 'pino';
import { type ErrorCode, ServiceError } from '../errors';
import { PROTECTION } from './headers';

/** Body of every failed request. */
export interface ErrorBody {
  status: 'error';
  code: ErrorCode;
  message: string;
  request_id: string;
}

/** The parts of Elysia's error context that are needed here. */
export interface Failure {
  code: unknown;
  error: unknown;
  request: Request;
  path: string;
  set: { headers: Record<string, unknown>; status?: number | string };
}

const INTERNAL_MESSAGE = 'Something failed inside the service. Report the request id.';

/** Seconds to wait, where the same call may succeed later without a change. */
const RETRY_AFTER_SECONDS: Partial<Record<ErrorCode, string>> = {
  STORE_UNAVAILABLE: '1',
  STOPPING: '1',
  TOO_MANY_FAILURES: '60',
  TOO_MANY_WEBHOOKS: '1',
};

/** The ServiceError behind whatever was thrown; null when it is none (Elysia wraps some errors as `cause`). */
function serviceErrorOf(error: unknown): ServiceError | null {
  if (error instanceof ServiceError) return error;
  return error instanceof Error && error.cause instanceof ServiceError ? error.cause : null;
}

/**
 * Makes the handler for Elysia's `onError`.
 * `methodsAt` answers the methods that a path knows; `counted` is told every code that was answered, and to which request.
 */
export function errorReply(
  logger: Logger,
  methodsAt: (path: string) => string[],
  counted: (code: ErrorCode, request: Request) => void,
): (failure: Failure) => ErrorBody {
  return ({ code, error, request, path, set }) => {
    const requestId = String(set.headers['x-request-id'] ?? '');
    const known = serviceErrorOf(error) ?? routingError(code, path, methodsAt, set);
    if (known === null || known.code === 'INTERNAL') {
      logger.error({ event: 'request.failed', request_id: requestId, err: error }, 'a request failed');
    }
    const answer = known ?? new ServiceError('INTERNAL', INTERNAL_MESSAGE);
    const retryAfter = RETRY_AFTER_SECONDS[answer.code];
    if (retryAfter !== undefined) set.headers['retry-after'] = retryAfter;
    Object.assign(set.headers, PROTECTION);
    set.status = answer.status;
    counted(answer.code, request);
    return { status: 'error', code: answer.code, message: answer.message, request_id: requestId };
  };
}

function routingError(
  code: unknown,
  path: string,
  methodsAt: (path: string) => string[],
  set: Failure['set'],
): ServiceError | null {
  if (code !== 'NOT_FOUND') return null;
  const methods = methodsAt(path);
  if (methods.length === 0) return new ServiceError('NOT_FOUND', 'There is nothing at this path. See /docs.');
  set.headers.allow = methods.join(', ');
  return new ServiceError('METHOD_NOT_ALLOWED', `This path takes ${methods.join(', ')} only.`);
}
