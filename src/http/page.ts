/** Reads `after` and `limit` of a paged list, and says so in the document. */
import { ServiceError } from '../errors';
import type { Parameter } from './describe';

const DEFAULT_LIMIT = 100;
const MOST = 500;

/** @throws ServiceError INVALID_BODY when `limit` is not 1 to 500 or `after` does not match `afterForm`. */
export function readPage(query: Record<string, unknown>, afterForm: RegExp): { after: string | null; limit: number } {
  const { after = null, limit } = query;
  if (after !== null && !(typeof after === 'string' && afterForm.test(after))) {
    throw new ServiceError('INVALID_BODY', 'after must be the `next` of the page before.');
  }
  if (limit === undefined) return { after, limit: DEFAULT_LIMIT };
  const count = typeof limit === 'string' && /^\d{1,3}$/.test(limit) ? Number(limit) : 0;
  if (count < 1 || count > MOST) throw new ServiceError('INVALID_BODY', `limit must be 1 to ${MOST}.`);
  return { after, limit: count };
}

export const pageParameters = (afterMeans: string): Parameter[] => [
  { name: 'after', in: 'query', description: afterMeans },
  {
    name: 'limit',
    in: 'query',
    description: 'Most items of the page.',
    example: DEFAULT_LIMIT,
    schema: { type: 'integer', minimum: 1, maximum: MOST, default: DEFAULT_LIMIT },
  },
];

/** Milliseconds since the epoch as ISO 8601 in UTC. */
export const isoTime = (ms: number): string => new Date(ms).toISOString();
