/**
 * The numbers of the service for Prometheus, named `caa_<noun>_<unit>`; where several Qiscus apps are served, what is
 * about one of them carries its id as label `app`. Agents and rooms are no labels: there is no end to their ids, and which
 * agent holds what is the board's and `/api/v1/agents`' to tell. Loads are sums.
 *
 * 1. Counters and histograms follow the journals (counters.ts), but for failed requests, which no journal has.
 * 2. Gauges are read from the ledgers when a scraper asks; while Redis is down they are NaN and `caa_store_up` is 0.
 */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { QiscusApp } from '../../apps/app';
import type { Apps } from '../../apps/directory';
import type { AgentView, LedgerHealth } from '../../ledger/model';
import { ALERT_CODES } from '../../ledger/verdicts';
import { alertsShown, type ShownAlert } from '../../reconcile/alerts';
import { journalCounters } from './counters';

/** What a scrape reads of one app. */
interface Reading {
  health: LedgerHealth;
  alerts: readonly ShownAlert[];
  agents: AgentView[];
  isNearlyFull: boolean;
}

type Values = [label: string, value: number][];
const QISCUS_STATES = ['closed', 'open', 'denied', 'slowed'] as const;
const ready = ({ agents }: Reading) => agents.filter(({ online, paused }) => online && !paused);
const sum = (agents: AgentView[], of: (agent: AgentView) => number) =>
  agents.reduce((total, agent) => total + of(agent), 0);

/** Gauge name, help, and where its value stands; NaN: not known. */
const GAUGES: [string, string, (reading: Reading) => number][] = [
  ['caa_inbox_entries', 'Webhooks that were not looked at yet.', ({ health }) => health.inboxLength],
  ['caa_inbox_age_seconds', 'Age of the oldest webhook not looked at.', ({ health }) => health.inboxAgeMs / 1000],
  ['caa_outbox_entries', 'Calls to Qiscus that are due or under way.', ({ health }) => health.outboxLength],
  ['caa_outbox_age_seconds', 'Age of the oldest call that is due or under way.', (r) => r.health.outboxAgeMs / 1000],
  ['caa_roster_age_seconds', 'Age of the list of agents.', (r) => (r.health.rosterAgeMs ?? Number.NaN) / 1000],
  ['caa_waiting_rooms', 'Rooms in line.', ({ health }) => health.waiting],
  [
    'caa_oldest_waiting_seconds',
    'How long the longest-waiting room has waited.',
    (r) => r.health.oldestWaitingMs / 1000,
  ],
  ['caa_parked_rooms', 'Rooms that need a person.', ({ health }) => health.parked],
  ['caa_qiscus_failures', 'Failed calls to Qiscus in a row.', ({ health }) => health.qiscus.failures],
  [
    'caa_capacity_rooms',
    'Rooms that the agents who are online and not paused may hold at once.',
    (reading) => sum(ready(reading), ({ limit }) => limit),
  ],
  [
    'caa_free_rooms',
    'Rooms that they may get at once on top of what they hold.',
    (reading) => sum(ready(reading), ({ limit, load }) => Math.max(0, limit - load)),
  ],
  [
    'caa_resolve_webhook_registered',
    '1 while Qiscus has our resolve webhook; NaN: not checked.',
    ({ health: { resolveWebhook } }) => (resolveWebhook === null ? Number.NaN : Number(resolveWebhook === 'ok')),
  ],
  [
    'caa_store_nearly_full',
    '1 while Redis is above 80 % of its memory and new chats are refused.',
    ({ isNearlyFull }) => Number(isNearlyFull),
  ],
];

/** Gauge name, help, label, and the values of the label with theirs. */
const STATES: [string, string, string, (reading: Reading) => Values][] = [
  [
    'caa_qiscus_state',
    '1 for the state of the connection to Qiscus.',
    'state',
    ({ health }) => QISCUS_STATES.map((state) => [state, Number(health.qiscus.state === state)]),
  ],
  ['caa_agents', 'Agents by presence.', 'presence', ({ health }) => Object.entries(health.agents)],
  [
    'caa_held_rooms',
    'Rooms that agents hold: reserved, assigned by us, and outside ones that people gave them.',
    'state',
    ({ agents }) => [
      ['reserved', sum(agents, ({ reserved }) => reserved)],
      ['assigned', sum(agents, ({ assigned }) => assigned)],
      ['outside', sum(agents, ({ outside }) => outside)],
    ],
  ],
  [
    'caa_alerts',
    '1 while the alert stands and its cause is there.',
    'code',
    ({ alerts }) => ALERT_CODES.map((code) => [code, Number(alerts.some((alert) => alert.code === code))]),
  ],
];

/** Fills `registry` and returns how to read it as text, and how to count an error reply. @param many are there several apps? */
export function meter(registry: Registry, apps: Apps, many: boolean) {
  const own = many ? ['app'] : [];
  const labels = (app: string): Record<string, string> => (many ? { app } : {});
  const registers = [registry];
  const counters = journalCounters(registry, own);
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
  const started = new Gauge({
    name: 'caa_process_start_time_seconds',
    help: 'When this process began, in seconds since the epoch.',
    registers,
  });
  started.set(performance.timeOrigin / 1000);
  const storeUp = new Gauge({ name: 'caa_store_up', help: '1 while Redis answers.', registers });
  const gauges = GAUGES.map(([name, help, value]) => ({
    gauge: new Gauge({ name, help, labelNames: own, registers }),
    value,
  }));
  const states = STATES.map(([name, help, label, values]) => ({
    gauge: new Gauge({ name, help, labelNames: [...own, label], registers }),
    label,
    values,
  }));
  apps.each(({ id, feed, gone }) => {
    if (!many) counters.begin({});
    const unsubscribe = feed.subscribe((record) => counters.count(labels(id), record));
    gone.addEventListener('abort', unsubscribe);
  });

  async function read({ desk, config, isNearlyFull }: QiscusApp): Promise<Reading | null> {
    try {
      const [health, agents] = await Promise.all([desk.readHealth(), desk.listAgents()]);
      return { health, alerts: alertsShown(health, config), agents, isNearlyFull: isNearlyFull() };
    } catch {
      return null;
    }
  }

  async function text(): Promise<string> {
    const found = await Promise.all(apps.running.map(async (app) => ({ id: app.id, reading: await read(app) })));
    memory.set(process.memoryUsage.rss());
    storeUp.set(Number(found.some(({ reading }) => reading !== null)));
    // Apps may have gone. All in one go: another scrape may be under way.
    for (const { gauge } of [...gauges, ...states]) gauge.reset();
    for (const { id, reading } of found) {
      for (const { gauge, value } of gauges) gauge.set(labels(id), reading === null ? Number.NaN : value(reading));
      if (reading === null) continue;
      for (const { gauge, label, values } of states) {
        for (const [word, value] of values(reading)) gauge.set({ ...labels(id), [label]: word }, value);
      }
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
