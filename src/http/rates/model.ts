/** Minutes on the wire, and how many are asked for. */
import { ServiceError } from '../../errors';
import { isoTime } from '../page';
import type { Histogram } from './histogram';
import { type Minute, MOST_MINUTES } from './service';

/** @throws ServiceError INVALID_BODY when it is not 1 to 60. */
export function readMinutes(query: Record<string, unknown>): number {
  const { minutes = String(MOST_MINUTES) } = query;
  const count = typeof minutes === 'string' && /^\d{1,2}$/.test(minutes) ? Number(minutes) : 0;
  if (count < 1 || count > MOST_MINUTES)
    throw new ServiceError('INVALID_BODY', `minutes must be 1 to ${MOST_MINUTES}.`);
  return count;
}

/** In seconds with three digits: the buckets are no finer. */
function seconds(times: Histogram, share: number): number | null {
  const ms = times.percentile(share);
  return ms === null ? null : Number((ms / 1000).toPrecision(3));
}

export const minuteOnWire = (minute: Minute) => ({
  at: isoTime(minute.atMs),
  arrived: minute.arrived,
  reserved: minute.reserved,
  assigned: minute.assigned,
  resolved: minute.resolved,
  repaired: minute.repaired,
  wait_p50_seconds: seconds(minute.wait, 0.5),
  wait_p95_seconds: seconds(minute.wait, 0.95),
  assign_p50_seconds: seconds(minute.assign, 0.5),
  assign_p95_seconds: seconds(minute.assign, 0.95),
});

export const MINUTE_EXAMPLE = {
  at: '2025-11-22T20:06:00.000Z',
  arrived: 4,
  reserved: 3,
  assigned: 3,
  resolved: 2,
  repaired: 0,
  wait_p50_seconds: 0.011,
  wait_p95_seconds: 41.2,
  assign_p50_seconds: 0.196,
  assign_p95_seconds: 0.412,
};
