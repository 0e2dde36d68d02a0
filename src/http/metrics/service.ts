/**
 * The numbers of the service for Prometheus, named `caa_<noun>_<unit>`; where several Qiscus apps are served, what is
 * about one of them carries its id as label `app`.
 *
 * 1. Counters follow the journals, which have one record per webhook and per change: nothing is counted elsewhere.
 * 2. Gauges are read from the ledgers when a scraper asks; while Redis is down they are NaN and `caa_store_up` is 0.
 */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { Apps } from '../../apps/directory';
import type { LedgerHealth } from '../../ledger/model';

/** Gauge name, help, and where its value stands; NaN: not known. */
const GAUGES: [string, string, (health: LedgerHealth) => number][] = [
  ['caa_inbox_entries', 'Webhooks that were not looked at yet.', (h) => h.inboxLength],
  ['caa_inbox_age_seconds', 'Age of the oldest webhook not looked at.', (h) => h.inboxAgeMs / 1000],
  ['caa_outbox_entries', 'Calls to Qiscus that are due or under way.', (h) => h.outboxLength],
  ['caa_outbox_age_seconds', 'Age of the oldest call that is due or under way.', (h) => h.outboxAgeMs / 1000],
  ['caa_roster_age_seconds', 'Age of the list of agents.', (h) => (h.rosterAgeMs ?? Number.NaN) / 1000],
  ['caa_waiting_rooms', 'Rooms in line.', (h) => h.waiting],
  ['caa_oldest_waiting_seconds', 'How long the longest-waiting room has waited.', (h) => h.oldestWaitingMs / 1000],
  ['caa_parked_rooms', 'Rooms that need a person.', (h) => h.parked],
  ['caa_qiscus_failures', 'Failed calls to Qiscus in a row.', (h) => h.qiscus.failures],
];
const QISCUS_STATES = ['closed', 'open', 'denied', 'slowed'] as const;

/** Fills `registry` and returns how to read it as text, and how to count an error reply. @param many are there several apps? */
export function meter(registry: Registry, apps: Apps, many: boolean) {
  const own = many ? ['app'] : [];
  const labels = (app: string): Record<string, string> => (many ? { app } : {});
  const registers = [registry];
  const records = new Counter({
    name: 'caa_journal_records_total',
    help: 'Journal records by event, read by this process.',
    labelNames: [...own, 'event'],
    registers,
  });
  const errors = new Counter({
    name: 'caa_http_errors_total',
    help: 'Failed requests by error code, answered by this process.',
    labelNames: [...own, 'code'],
    registers,
  });
  const memory = new Gauge({
    name: 'caa_process_resident_memory_bytes',
    help: 'Memory of this process.',
    registers,
  });
  const storeUp = new Gauge({ name: 'caa_store_up', help: '1 while Redis answers.', registers });
  const qiscus = new Gauge({
    name: 'caa_qiscus_state',
    help: '1 for the state of the connection to Qiscus.',
    labelNames: [...own, 'state'],
    registers,
  });
  const gauges = GAUGES.map(([name, help, value]) => ({
    gauge: new Gauge({ name, help, labelNames: own, registers }),
    value,
  }));
  apps.each(({ id, feed, gone }) => {
    const unsubscribe = feed.subscribe(({ event }) => records.inc({ ...labels(id), event }));
    gone.addEventListener('abort', unsubscribe);
  });

  async function text(): Promise<string> {
    const found = await Promise.all(
      apps.running.map(async ({ id, desk }) => ({ id, health: await desk.readHealth().catch(() => null) })),
    );
    memory.set(process.memoryUsage.rss());
    storeUp.set(found.some(({ health }) => health !== null) ? 1 : 0);
    // Apps may have gone. All in one go: another scrape may be under way.
    for (const gauge of [qiscus, ...gauges.map(({ gauge }) => gauge)]) gauge.reset();
    for (const { id, health } of found) {
      for (const { gauge, value } of gauges) gauge.set(labels(id), health === null ? Number.NaN : value(health));
      for (const state of QISCUS_STATES) qiscus.set({ ...labels(id), state }, health?.qiscus.state === state ? 1 : 0);
    }
    return registry.metrics();
  }
  /** Who has no right token, or does not say which of several apps it is about, is of no app. */
  function countError(code: string, request: Request): void {
    const app = apps.idFor(request);
    errors.inc({ ...(app !== null && labels(app)), code });
  }
  return { text, countError };
}
