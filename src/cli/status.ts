/** `status`: health, mode, line, agents, limit, rates, alerts, on one screen. Exit code 1 when the service is not ready. */
import { Value } from '@sinclair/typebox/value';
import { alertWords } from '../reconcile/alerts';
import type { Api } from './api';
import { CommandError } from './errors';
import { type Cell, facts, type Screen } from './screen';
import { type Agent, Agents, DryRun, Health, HealthNumbers, Limit, Rates } from './wire';
import { age, count, duration, moment, ZONE } from './words';

const RATES_MINUTES = 15;

export async function status(api: Api) {
  // First and alone: it says best what is wrong with the address or the token.
  const health = await api.health(Health);
  const failing = health.value.failing ?? [];
  // What is not ready may not have the rest; that it is not ready must be told all the same.
  const asked = <T>(answer: Promise<T>): Promise<T | null> =>
    failing.length === 0 ? answer : answer.catch(nullIfRefused);
  const [limit, agents, rates, dryRun] = await Promise.all([
    asked(api.get('/settings/max_customers', Limit)),
    asked(api.get('/agents', Agents)),
    asked(api.find(`/rates?minutes=${RATES_MINUTES}`, Rates)),
    asked(api.find('/dry_run', DryRun)),
  ]);
  return {
    json: {
      health: health.json,
      max_customers: limit?.json ?? null,
      agents: agents?.json ?? null,
      rates: rates?.json ?? null,
      dry_run: dryRun?.json ?? null,
    },
    code: failing.length > 0 ? 1 : 0,
    lines: (screen: Screen) => {
      const { paint } = screen;
      const state = failing.length > 0 ? paint('red', `not ready: ${failing.join(', ')}`) : paint('green', 'ready');
      return [
        `${paint('bold', 'Agent Allocation')}  ${api.place.url}  ${state}`,
        ...facts(
          [
            ['mode', modeOf(health.value, dryRun?.value ?? null)],
            ...lineOf(health.value),
            ...(agents ? [['agents', agentsOf(agents.value.agents)] satisfies Fact] : []),
            ...(limit ? [['limit', `${count(limit.value.max_customers, 'room')} an agent`] satisfies Fact] : []),
            ...(rates ? ratesOf(rates.value) : []),
            ...troubleOf(health.value),
          ],
          screen,
        ),
      ];
    },
  };
}

function nullIfRefused(error: unknown): null {
  if (error instanceof CommandError) return null;
  throw error;
}

type Fact = [name: string, text: Cell];

/** @param found null: a service before dry runs */
function modeOf({ sandbox, dry_run: isDryRun }: Health, found: DryRun | null): Cell {
  const parts = [sandbox ? 'sandbox: nothing reaches a customer' : 'live'];
  if (isDryRun || found?.dry_run) {
    const agreement = found?.agreement ?? null;
    const agrees = agreement === null ? '' : `, agrees in ${Math.round(agreement * 100)} % of ${found?.compared}`;
    parts.push(`dry run: nothing is assigned${agrees}`);
  }
  const text = parts.join('; ');
  return parts.length > 1 || sandbox ? { text, style: 'yellow' } : text;
}

function lineOf({ details }: Health): Fact[] {
  if (!Value.Check(HealthNumbers, details)) return [];
  const { waiting, oldest_waiting_ms, parked, qiscus, qiscus_failures, roster_age_ms, inbox_length, outbox_length } =
    details;
  const oldest = waiting > 0 ? `, the oldest for ${duration(Math.round(oldest_waiting_ms / 1_000))}` : '';
  const roster =
    roster_age_ms === null ? 'its agents were never read' : `its agents read ${duration(roster_age_ms / 1_000)} ago`;
  const failures = qiscus_failures > 0 ? `, ${count(qiscus_failures, 'failure')} in a row` : '';
  return [
    ['line', waiting === 0 ? 'nobody waits' : `${count(waiting, 'room')} in line${oldest}`],
    ...(parked > 0
      ? [['parked', { text: `${count(parked, 'room')}: see the board`, style: 'yellow' }] satisfies Fact]
      : []),
    ['Qiscus', { text: `${qiscus}${failures}; ${roster}`, style: qiscus === 'ok' ? 'green' : 'red' }],
    ['on the way', `${count(inbox_length, 'webhook')}, ${count(outbox_length, 'call')}`],
  ];
}

function agentsOf(agents: readonly Agent[]): string {
  const online = agents.filter((one) => one.online);
  const ready = online.filter((one) => !one.paused);
  const load = agents.reduce((sum, one) => sum + one.load, 0);
  const slots = ready.reduce((sum, one) => sum + Math.max(0, one.limit - one.load), 0);
  const full = ready.filter((one) => one.load >= one.limit).length;
  return (
    `${agents.length}: ${online.length} online, ${agents.length - online.length} offline, ` +
    `${agents.filter((one) => one.paused).length} paused, ${full} full; ${count(load, 'room')} held, ${count(slots, 'slot')} free`
  );
}

/** Percentiles of minutes cannot be added up: the middle one of the middles, and the worst. */
function ratesOf({ minutes }: Rates): Fact[] {
  const sum = (name: 'arrived' | 'assigned' | 'resolved' | 'repaired') =>
    minutes.reduce((all, one) => all + one[name], 0);
  const known = (name: 'wait_p50_seconds' | 'wait_p95_seconds') =>
    minutes.flatMap((one) => one[name] ?? []).sort((a, b) => a - b);
  const middles = known('wait_p50_seconds');
  const middle = middles[Math.floor(middles.length / 2)];
  const worst = known('wait_p95_seconds').at(-1);
  return [
    [
      `last ${RATES_MINUTES} min`,
      `${sum('arrived')} arrived, ${sum('assigned')} assigned, ${sum('resolved')} resolved, ${sum('repaired')} repaired`,
    ],
    ...(middle === undefined || worst === undefined
      ? []
      : [['waits', `p50 ${duration(middle)}, p95 up to ${duration(worst)}`] satisfies Fact]),
  ];
}

function troubleOf({ warnings = [], alerts = [], apps }: Health): Fact[] {
  const failing = Object.entries(apps?.failing ?? {}).map(([app, parts]) => `${app}: ${parts.join(', ')}`);
  const began = (iso: string | undefined) => (iso ? ` since ${moment(iso)} ${ZONE} (${age(iso, Date.now())})` : '');
  const alert = ({ code, since, count: many, room_id, room_since }: (typeof alerts)[number]): Fact => {
    const counted = many ? `; ${alertWords(code)[1]}: ${many}` : '';
    const room = room_id ? `; first room ${room_id}${began(room_since)}` : '';
    return ['alert', { text: `${code}${began(since)}${counted}${room}`, style: 'red' }];
  };
  return [
    ...failing.map((text): Fact => ['app', { text, style: 'red' }]),
    ...warnings.map((text): Fact => ['warning', { text, style: 'yellow' }]),
    ...alerts.map(alert),
  ];
}
