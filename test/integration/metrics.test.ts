/**
 * The metrics of a running service after traffic, and what reads them: every metric and label that the dashboard and the
 * alerting rules (test/ops) use must be there, or a panel stays empty and an alert silent.
 */
import { beforeAll, describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ERROR_CODES } from '../../src/errors';
import { record } from '../support/desk';
import { memoryApp } from '../support/memory-app';
import { until } from '../support/wait';
import { type World, worlds } from '../support/world';

const ROOT = join(import.meta.dir, '../..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

interface Panel {
  title: string;
  targets?: { expr: string }[];
}
const dashboard: { panels: Panel[]; templating: { list: { name: string; definition?: string }[] } } = JSON.parse(
  read('test/ops/grafana-dashboard.json'),
);
interface Rule {
  alert: string;
  expr: string;
  for?: string;
  labels: { severity: string };
  annotations: { summary: string; runbook_url: string };
}
const rules = (Bun.YAML.parse(read('test/ops/alerts.yaml')) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  (group) => group.rules,
);
const queries = [
  ...dashboard.panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [`panel ${title}`, expr])),
  ...dashboard.templating.list.flatMap(({ name, definition }) =>
    definition ? [[`variable ${name}`, definition]] : [],
  ),
  ...rules.map(({ alert, expr }) => [`rule ${alert}`, expr]),
] as [string, string][];

/** Names that Prometheus itself adds to what it scrapes. */
const OF_PROMETHEUS = ['instance', 'job'];

interface Use {
  metric: string;
  /** Label and the values that it may have; '' when any will do. */
  matchers: [label: string, values: string[]][];
}

function usesIn(query: string): Use[] {
  return [...query.matchAll(/\b(caa_\w+)(?:\{([^}]*)\})?/g)].map(([, metric = '', inside = '']) => ({
    metric,
    matchers: [...inside.matchAll(/(\w+)\s*(=~|!=|=)\s*"([^"]*)"/g)].map(([, label = '', how, value = '']) => {
      return [label, value.startsWith('$') ? [] : how === '=~' ? value.split('|') : [value]];
    }),
  }));
}

/** The labels by which a query groups, and that its metrics must have. */
const groupedBy = (query: string) => [
  ...new Set(
    [...query.matchAll(/\b(?:by|on) \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(/,\s*/).filter(Boolean)),
  ),
];

/** Metric, label and values, of a text for Prometheus. */
function metricsIn(text: string): Map<string, Map<string, Set<string>>> {
  const found = new Map<string, Map<string, Set<string>>>();
  for (const [, metric = '', inside = ''] of text.matchAll(/^(\w+)(?:\{(.*)\})? \S+$/gm)) {
    const labels = found.get(metric) ?? new Map<string, Set<string>>();
    found.set(metric, labels);
    for (const [, label = '', value = ''] of inside.matchAll(/(\w+)="([^"]*)"/g)) {
      labels.set(label, (labels.get(label) ?? new Set()).add(value));
    }
  }
  return found;
}

const open = worlds();

async function scrape({ url, environ }: World): Promise<string> {
  const headers = { Authorization: `Bearer ${environ.ADMIN_TOKEN}` };
  return (await fetch(`${url}/metrics`, { headers })).text();
}

/** Chats that are served, wait, come twice, meet a failing Qiscus, are resolved, or were never there. */
async function traffic(world: World): Promise<void> {
  world.fault({ on: 'assign_agent', roomId: '2', effect: 'status', status: 503, times: 1 });
  await world.chats('1', '2', '3');
  await world.becomes('1', 'assigned');
  await world.becomes('2', 'assigned');
  await world.api.allocate('3');
  await world.sandbox.rooms.resolve('1');
  await world.becomes('3', 'assigned');
  await world.api.resolve('never-there');
  await fetch(`${world.url}/api/v1/agents`);
}

describe('a service with traffic', () => {
  let text = '';
  let found: ReturnType<typeof metricsIn>;

  test('tells it all', async () => {
    const world = await open({ limit: 2, online: ['agent_01'] });
    await traffic(world);
    const assigned = () => world.metric('caa_room_outcomes_total{outcome="assigned"}');
    await until(async () => (await assigned()) === 3, { what: 'three assignments counted' });
    text = await scrape(world);
    found = metricsIn(text);
    const value = (line: string) =>
      Number(
        text
          .split('\n')
          .find((one) => one.startsWith(`${line} `))
          ?.split(' ')
          .at(-1),
      );
    for (const [line, least] of [
      ['caa_webhooks_accepted_total{kind="allocation"}', 4],
      ['caa_webhooks_accepted_total{kind="resolved"}', 2],
      ['caa_duplicates_total{kind="repeated"}', 1],
      ['caa_duplicates_total{kind="not_held"}', 1],
      ['caa_qiscus_calls_total{result="assigned"}', 3],
      ['caa_qiscus_calls_total{result="unanswered"}', 1],
      ['caa_waiting_seconds_count', 3],
      ['caa_accepted_to_reserved_seconds_count', 3],
      ['caa_reserved_to_assigned_seconds_count', 3],
      ['caa_held_rooms{state="assigned"}', 2],
      ['caa_capacity_rooms', 2],
      ['caa_free_rooms', 0],
      ['caa_agents{presence="online"}', 1],
      ['caa_agents{presence="offline"}', 5],
      ['caa_repairs_total{kind="resolve_missed"}', 0],
      ['caa_alerts{code="drift"}', 0],
      ['caa_store_nearly_full', 0],
      ['caa_http_errors_total{code="UNAUTHORIZED"}', 1],
    ] as const) {
      expect([line, value(line)]).toEqual([line, least]);
    }
    // A second is the unit: what took milliseconds is in the small buckets.
    expect(value('caa_reserved_to_assigned_seconds_sum')).toBeLessThan(30);
    expect(value('caa_waiting_seconds_bucket{le="+Inf"}')).toBe(3);
  });

  test('every name keeps the conventions, has a help, and no label without bounds', () => {
    const types = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type]));
    expect(types.size).toBeGreaterThan(25);
    for (const [name, type] of types) {
      expect(name).toMatch(/^caa_[a-z_]+$/);
      expect(text).toMatch(new RegExp(`^# HELP ${name} [A-Z0-9].*\\.$`, 'm'));
      expect([name, name.endsWith('_total')]).toEqual([name, type === 'counter']);
      if (type === 'histogram') expect(name).toEndWith('_seconds');
      expect(name).not.toMatch(/_(?:ms|milliseconds|minutes|kb|mb)\b/);
    }
    for (const [, labels] of found) {
      for (const [label, values] of labels) expect([label, values.size < 50]).toEqual([label, true]);
      for (const label of ['room', 'room_id', 'agent', 'agent_id', 'request']) expect(labels.has(label)).toBe(false);
    }
  });

  describe.each(queries)('%s', (_, query) => {
    test('finds what it asks for', () => {
      const uses = usesIn(query);
      if (!query.startsWith('absent')) expect(uses.length).toBeGreaterThan(0);
      for (const { metric, matchers } of uses) {
        expect([...found.keys()]).toContain(metric);
        const labels = found.get(metric);
        for (const [label, values] of matchers.filter(([name]) => name !== 'app')) {
          // Errors are counted as they come; their codes stand in one table.
          const known = metric === 'caa_http_errors_total' ? Object.keys(ERROR_CODES) : [...(labels?.get(label) ?? [])];
          for (const value of values) expect(known).toContain(value);
          if (values.length === 0) expect(known.length).toBeGreaterThan(0);
        }
      }
      const there = uses.flatMap(({ metric }) => [...(found.get(metric)?.keys() ?? [])]);
      for (const label of groupedBy(query)) {
        expect([...there, ...OF_PROMETHEUS, 'app']).toContain(label);
      }
    });
  });
});

describe('of several apps', () => {
  let found: ReturnType<typeof metricsIn>;
  beforeAll(async () => {
    const { feed, send } = memoryApp((config) => {
      config.apps = [config];
      config.tokens.admin = ['admin-token-of-the-operator-1'];
    });
    const at = { place: '1763842000000-0', reason: 'confirmed', waited: '5', took: '5', entry: '1-1', code: 'drift' };
    const events = 'room.reserved room.assigned room.refused room.repaired entry.repeated alert.raised'.split(' ');
    for (const event of events) feed.add({ ...record(1, at), event });
    const headers = { authorization: 'Bearer admin-token-of-the-operator-1' };
    await send('GET', '/api/v1/nothing', { headers });
    found = metricsIn(await (await send('GET', '/metrics', { headers })).text());
  });

  test('each number says of which, but those of the process', () => {
    const without = [...found].filter(([, labels]) => !labels.has('app')).map(([metric]) => metric);
    expect(without.sort()).toEqual([
      'caa_process_resident_memory_bytes',
      'caa_process_start_time_seconds',
      'caa_store_up',
    ]);
  });

  test.each(queries)('%s takes the app of those that have one', (_, query) => {
    for (const { metric, matchers } of usesIn(query)) {
      if (matchers.some(([label]) => label === 'app')) expect(found.get(metric)?.has('app')).toBe(true);
    }
    if (!groupedBy(query).includes('app')) return;
    for (const { metric } of usesIn(query)) expect([metric, found.get(metric)?.has('app')]).toEqual([metric, true]);
  });
});

describe('the alerting rules', () => {
  const readme = read('README.md');
  const other = read('README.id.md');

  test.each(rules.map((rule) => [rule.alert, rule] as const))('%s is complete', (name, rule) => {
    expect(name).toMatch(/^Allocation[A-Z]\w+$/);
    expect(['critical', 'warning']).toContain(rule.labels.severity);
    expect(rule.annotations.summary.length).toBeGreaterThan(10);
    // What looks back over a time of its own waits long enough.
    expect(rule.for ?? /\[(30m|1h)\]/.exec(rule.expr)).toBeTruthy();
    const [file, anchor] = rule.annotations.runbook_url.split('#');
    expect(file).toBe('README.md');
    for (const text of [readme, other]) expect(text).toContain(`<a id="${anchor}"></a>`);
  });

  test('have names of their own', () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
  });
});
