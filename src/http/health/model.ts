/** The numbers behind readiness, on the wire. */
import type { LedgerHealth } from '../../ledger/model';
import { alertsShown } from '../../reconcile/alerts';
import { isoTime } from '../page';
import type { AppReadiness } from './service';

/** The alerts of one app; which one is said where there are several. */
export const alertsOnWire = ({ app, health }: AppReadiness, _: number, all: AppReadiness[]) =>
  (health === null ? [] : alertsShown(health, app.config)).map(({ code, sinceMs, count, room }) => ({
    ...(all.length > 1 && { app: app.id }),
    code,
    since: isoTime(sinceMs),
    count,
    ...(room !== null && { room_id: room.id, room_since: isoTime(room.sinceMs) }),
  }));

export const healthOnWire = (health: LedgerHealth) => ({
  inbox_age_ms: health.inboxAgeMs,
  inbox_length: health.inboxLength,
  outbox_age_ms: health.outboxAgeMs,
  outbox_length: health.outboxLength,
  roster_age_ms: health.rosterAgeMs,
  waiting: health.waiting,
  oldest_waiting_ms: health.oldestWaitingMs,
  parked: health.parked,
  // The breaker is closed when all is well: a word for those who built it, not for those who read this.
  qiscus: health.qiscus.state === 'closed' ? 'ok' : health.qiscus.state,
  qiscus_failures: health.qiscus.failures,
});
