/** The list of agents, over real HTTP: every form of paging, all or nothing. */
import { describe, expect, test } from 'bun:test';
import { dropped, fixture, json, qiscusSuite, SECRET } from '../support/qiscus-server';

const { connect } = qiscusSuite();

describe('the list of agents', () => {
  const agent = (id: number | string, more: object = {}) => ({ id, name: `Agent ${id}`, is_available: true, ...more });
  const many = (count: number, from = 1) => Array.from({ length: count }, (_, i) => agent(from + i));
  const ids = async (client: ReturnType<typeof connect>['client']) => {
    const reading = await client.listAgents();
    return reading.kind === 'agents' ? reading.agents.map(({ id }) => id) : reading;
  };
  const upTo = (count: number) => Array.from({ length: count }, (_, i) => String(i + 1));

  test('api-agents-v2-list.json', async () => {
    const { client, seen } = connect(async () => json(await fixture('api-agents-v2-list.json')));
    expect(await client.listAgents()).toEqual({
      kind: 'agents',
      agents: [
        { id: '150851', name: 'agent a', online: true, channelIds: ['5603'], customerCount: 0 },
        { id: '150880', name: 'agent b', online: true, channelIds: ['5603'], customerCount: 2 },
        { id: '150892', name: 'agent c', online: false, channelIds: ['5603'], customerCount: 0 },
      ],
    });
    expect(seen).toHaveLength(1);
    expect(seen[0]?.query.get('user_type_scope')).toBe('agent');
    expect(seen[0]?.headers.get('qiscus-secret-key')).toBe(SECRET);
  });

  test('api-agents-v2-list-empty.json', async () => {
    const { client } = connect(async () => json(await fixture('api-agents-v2-list-empty.json')));
    expect(await client.listAgents()).toEqual({ kind: 'agents', agents: [] });
  });

  test.each(['api-available-agents-v2.json', 'api-other-agents-v2.json'])('%s has the same rows', async (name) => {
    const { client } = connect(async () => json(await fixture(name)));
    expect(await client.listAgents()).toMatchObject({ kind: 'agents' });
  });

  test('agents only; presence, channels and counts in every form', async () => {
    const rows = [
      agent(1, { type: 1, type_as_string: 'admin' }),
      agent(2, { type: 3, type_as_string: 'supervisor' }),
      agent('agent_03', { type: 2, type_as_string: 'agent', user_channels: [{ id: 5 }, { id: 'x' }] }),
      agent(4, { user_channels: null, current_customer_count: 3 }),
      agent(5, { user_channels: [], force_offline: true, current_customer_count: null }),
      agent(6, { is_available: false, force_offline: null, name: null, current_customer_count: -1 }),
      agent(7, { current_customer_count: '3' }),
      agent(8, { current_customer_count: 'many' }),
    ];
    const { client } = connect(() => json({ data: { agents: rows }, meta: { total_count: 8 } }));
    expect(await client.listAgents()).toEqual({
      kind: 'agents',
      agents: [
        { id: 'agent_03', name: 'Agent agent_03', online: true, channelIds: ['5', 'x'], customerCount: null },
        { id: '4', name: 'Agent 4', online: true, channelIds: null, customerCount: 3 },
        { id: '5', name: 'Agent 5', online: false, channelIds: [], customerCount: null },
        { id: '6', name: '6', online: false, channelIds: null, customerCount: null },
        { id: '7', name: 'Agent 7', online: true, channelIds: null, customerCount: 3 },
        { id: '8', name: 'Agent 8', online: true, channelIds: null, customerCount: null },
      ],
    });
  });

  const byPage = (total: number, meta: (page: number) => unknown) =>
    connect(({ query }) => {
      const page = Number(query.get('page') ?? 1);
      return json({ data: { agents: many(total).slice((page - 1) * 20, page * 20) }, meta: meta(page) });
    });

  test.each([
    ['total_page', (page: number) => ({ page, total_page: 3 }), 3],
    ['total_count', () => ({ per_page: 20, total_count: 45 }), 3],
    ['total', () => ({ limit: 20, total: 45 }), 3],
    ['nothing but per_page', () => ({ per_page: 20, total_count: null }), 4],
    ['an empty meta', () => ({}), 4],
    ['no meta', () => undefined, 4],
    ['total_count as text', () => ({ per_page: '20', total_count: '45' }), 3],
    ['total_page as text', (page: number) => ({ page: String(page), total_page: '3' }), 3],
    ['odd counts', () => ({ page: false, total_page: [], total_count: 'many', total: 1.5 }), 4],
  ])('pages by %s, although Qiscus caps the limit at 20', async (_, meta, calls) => {
    const { client, seen } = byPage(45, meta);
    expect(await ids(client)).toEqual(upTo(45));
    expect(seen).toHaveLength(calls);
  });

  const byCursor = (key: 'after' | 'cursor_after', cursor: (at: number) => unknown, end: unknown) =>
    connect(({ query }) => {
      const at = Number((query.get('cursor_after') ?? '0').replace('c', ''));
      const next = at + 20 < 45 ? cursor(at + 20) : end;
      return json({
        data: { agents: many(45).slice(at, at + 20) },
        meta: { [key]: next, per_page: 20, total_count: null },
      });
    });

  test.each([
    ['after', (at: number) => `c${at}`, null],
    ['after', (at: number) => at, ''],
    ['cursor_after', (at: number) => at, null],
  ] as const)('pages by %s', async (key, cursor, end) => {
    const { client, seen } = byCursor(key, cursor, end);
    expect(await ids(client)).toEqual(upTo(45));
    expect(seen).toHaveLength(3);
  });

  test('a page that repeats ends the reading', async () => {
    for (const meta of [{ total_page: 900 }, { total_count: 5000 }, { after: 'same' }, {}]) {
      const { client, seen } = connect(() => json({ data: { agents: many(20) }, meta }));
      expect(await ids(client)).toEqual(upTo(20));
      expect(seen).toHaveLength(2);
    }
  });

  test('agents that move from page to page are named once', async () => {
    const { client } = connect(({ query }) =>
      json({ data: { agents: query.get('page') === '1' ? many(20) : many(20, 15) }, meta: { total_page: 2 } }),
    );
    expect(await ids(client)).toEqual(upTo(34));
  });

  test('a list that never ends is a failure, after a thousand pages', async () => {
    const { client, seen } = connect((_, nth) => json({ data: { agents: many(1, nth) } }), { timeoutMs: 5000 });
    expect(await client.listAgents()).toMatchObject({ kind: 'failed' });
    expect(seen).toHaveLength(1000);
  }, 20_000);

  test.each([
    ['500', () => json({}, 500), { kind: 'failed', reason: 'status 500' }],
    ['401', () => json({}, 401), { kind: 'denied', status: 401 }],
    ['429', () => json({}, 429, { 'retry-after': '2' }), { kind: 'slowed', retryAfterMs: 2000 }],
    ['reset', dropped, { kind: 'failed', reason: 'connection lost' }],
    ['garbage', () => new Response('<html>'), { kind: 'failed', reason: 'unreadable answer' }],
    [
      'an agent without id',
      () => json({ data: { agents: [{ name: 'x' }] } }),
      { kind: 'failed', reason: 'unreadable answer' },
    ],
    [
      'unreadable channels',
      () => json({ data: { agents: [agent(1, { user_channels: 'all' })] } }),
      { kind: 'failed', reason: 'unreadable answer' },
    ],
  ] as const)('all or nothing: page two is %s', async (_, second, expected) => {
    const { client } = connect((_call, nth) =>
      nth === 1 ? json({ data: { agents: many(20) }, meta: { total_page: 2 } }) : second(),
    );
    expect(await client.listAgents()).toEqual(expected);
  });
});
