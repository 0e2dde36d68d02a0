/** Agents: what an operator reads of them, sets, and is told of their decisions. */
import { describe, expect, test } from 'bun:test';
import { record } from '../support/desk';
import { memoryApp } from '../support/memory-app';

const SINCE = '2025-11-22T20:06:40.000Z';

describe('agents', () => {
  const agent_01 = {
    id: 'agent_01',
    name: 'agent_01',
    online: true,
    paused: false,
    load: 1,
    reserved: 0,
    assigned: 1,
    outside: 0,
    outside_known: true,
    limit: 2,
    max_customers: null,
    channels: ['1'],
    last_assigned_at: null,
  };

  test('list and one', async () => {
    const { send } = memoryApp();
    const list = await (await send('GET', '/api/v1/agents')).json();
    expect(list).toEqual({ status: 'success', agents: [agent_01, { ...agent_01, id: 'agent_02', name: 'agent_02' }] });
    expect(await (await send('GET', '/api/v1/agents/agent_01')).json()).toEqual({ status: 'success', ...agent_01 });
  });

  test.each([
    ['since=yesterday'],
    ['since=2025-11-22'],
    ['since=2025-13-45T00:00:00Z'],
    ['since=-5'],
    ['since=99999999999999'],
    ['since='],
    ['after=1-0'],
    ['after=%20'],
    ['limit=501'],
  ])('decisions?%s is refused', async (query) => {
    const reply = await memoryApp().send('GET', `/api/v1/agents/agent_01/decisions?${query}`);
    expect([reply.status, await reply.json()]).toMatchObject([422, { code: 'INVALID_BODY' }]);
  });

  test('decisions since a time, by ISO and by ms; of nobody', async () => {
    const { feed, send } = memoryApp();
    feed.add(record(1, { room: '12345', agent: 'agent_02', load: '0', limit: '2' }));
    const ask = async (since: string) =>
      (await send('GET', `/api/v1/agents/agent_01/decisions?since=${encodeURIComponent(since)}`)).json();
    const all = await ask(SINCE);
    const passed = {
      offline: 0,
      paused: 0,
      aside: 0,
      full: 0,
      off_channel: 0,
      load: 1,
      last_assigned: 0,
      id: 0,
      removed: 0,
      not_joined: 0,
      unknown: 0,
    };
    expect(all).toEqual({
      ...{ status: 'success', agent_id: 'agent_01', since: SINCE, counted_from: SINCE, passed_over: passed },
      ...{ got: 0, refused: 0, dropped: 0, reserved: 0 },
      decisions: [
        {
          ...{ id: '1763842000001-0', at: '2025-11-22T20:06:40.001Z', room_id: '12345', agent_id: 'agent_02' },
          ...{ verdict: 'load', outcome: null, load: 1, limit: 2, chosen_load: 0 },
        },
      ],
      next: null,
    });
    expect(await ask(String(Date.parse(SINCE)))).toEqual(all);
    expect(await ask('2025-11-23T03:06:40+07:00')).toEqual(all);
    expect(await ask('1763842000002')).toMatchObject({ got: 0, decisions: [] });
    expect((await send('GET', '/api/v1/agents/nobody/decisions')).status).toBe(404);
  });

  test('patch', async () => {
    const { send } = memoryApp();
    const patch = async (json: unknown) => (await send('PATCH', '/api/v1/agents/agent_01', { json })).json();
    expect(await patch({ max_customers: 3 })).toMatchObject({ max_customers: 3, paused: false });
    expect(await patch({ paused: true })).toMatchObject({ max_customers: 3, paused: true });
    expect(await patch({ max_customers: null, paused: false })).toMatchObject({ max_customers: null, paused: false });
  });

  test.each([
    [{}],
    [{ other: 1 }],
    [{ max_customers: '3' }],
    [{ max_customers: 0 }],
    [{ paused: 1 }],
    [{ paused: null }],
  ])('patch %p is refused', async (json) => {
    expect((await memoryApp().send('PATCH', '/api/v1/agents/agent_01', { json })).status).toBe(422);
  });

  test('an unknown one', async () => {
    const { send } = memoryApp();
    for (const reply of [
      await send('GET', '/api/v1/agents/nobody'),
      await send('PATCH', '/api/v1/agents/nobody', { json: { paused: true } }),
    ]) {
      expect(reply.status).toBe(404);
      expect(await reply.json()).toMatchObject({ code: 'AGENT_UNKNOWN' });
    }
  });
});
