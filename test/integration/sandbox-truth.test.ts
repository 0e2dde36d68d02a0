/** What the sandbox holds for true, and tells by its API as Qiscus does. */
import { describe, expect, test } from 'bun:test';
import { assignByHand, at, connect, each, HEADERS, listRooms, sandboxSuite } from '../support/sandbox-suite';

const { start } = sandboxSuite();

describe('the truth', () => {
  test('writes down every accepted assignment and what is wrong with it', async () => {
    const sandbox = await start({ config: { cap: 2 } });
    const client = connect(sandbox);
    for (const room of ['1', '2', '3']) await client.assignAgent(room, 'agent_01');
    await assignByHand(sandbox, { room_id: '1', agent_id: 'agent_02', max_agent: '2' });
    const { assigns, violations, calls } = sandbox.state();
    expect(assigns.map(({ roomId, agentId, load }) => [roomId, agentId, load])).toEqual([
      ['1', 'agent_01', 1],
      ['2', 'agent_01', 2],
      ['3', 'agent_01', 3],
      ['1', 'agent_02', 1],
    ]);
    expect(violations.map(({ kind, roomId }) => [kind, roomId])).toEqual([
      ['agent_over_cap', '3'],
      ['two_agents_in_room', '1'],
    ]);
    expect(calls).toEqual({ assign_agent: 4 });
  });

  test('replace_latest_agent swaps the agent', async () => {
    const sandbox = await start();
    await connect(sandbox).assignAgent('1', 'agent_01');
    const swap = { room_id: '1', agent_id: 'agent_02', replace_latest_agent: 'true', max_agent: '1' };
    expect((await assignByHand(sandbox, swap)).status).toBe(200);
    expect(sandbox.rooms.read('1').agents).toEqual(['agent_02']);
    expect(sandbox.agents.read('agent_01').count).toBe(0);
  });

  test('customer_rooms: newest first, filtered, without a word about agents', async () => {
    const sandbox = await start();
    const client = connect(sandbox);
    for (let n = 1; n <= 4; n++) await sandbox.rooms.create({ roomId: `${n}`, ageMs: (9 - n) * 10_000, copies: 0 });
    await sandbox.rooms.create({ roomId: 'other', channelId: '272', ageMs: 500_000, copies: 0 });
    await client.assignAgent('3', 'agent_01');
    await sandbox.rooms.resolve('2');
    expect((await listRooms(sandbox, { serve_status: 'unserved' })).ids).toEqual(['4', '2', '1', 'other']);
    const open = await listRooms(sandbox, { serve_status: 'unserved', status: 'unresolved' });
    expect(open.ids).toEqual(['4', '1', 'other']);
    expect(open.next).toBeNull();
    expect((await listRooms(sandbox, { serve_status: 'served' })).ids).toEqual(['3']);
    const channels = [{ source: 'ceria', channel_id: 272 }];
    const { rows } = await listRooms(sandbox, { channels });
    expect(rows).toHaveLength(1);
    expect(JSON.stringify(rows)).not.toContain('agent_0');
    const real = await Bun.file(new URL('../fixtures/api-customer-rooms-list.json', import.meta.url)).json();
    expect(Object.keys(rows[0] ?? {}).sort()).toEqual(Object.keys(real.data.customer_rooms[0]).sort());
  });

  test('customer_rooms: the cursor is a whole second, so a tie is skipped or repeated', async () => {
    const sandbox = await start();
    const wholeMs = Date.now() - (Date.now() % 1000);
    for (const [roomId, ageS] of [
      ['new', 1],
      ['tie-1', 2],
      ['tie-2', 2],
      ['old', 3],
    ] as const)
      await sandbox.rooms.create({ roomId, ageMs: Date.now() - (wholeMs - ageS * 1000), copies: 0 });
    const pages = async () => {
      const seen: unknown[] = [];
      let cursor_after: unknown = null;
      do {
        const { ids, next } = await listRooms(sandbox, { limit: 2, cursor_after });
        seen.push(...ids);
        cursor_after = next;
      } while (cursor_after !== null && seen.length < 10);
      return seen;
    };
    const skipped = await pages();
    expect(skipped).toHaveLength(3);
    expect(skipped.at(-1)).toBe('old');
    sandbox.configure({ cursorTies: 'repeat' });
    expect((await pages()).length).toBeGreaterThan(4);
  });

  test('available_agents: of the room’s channel, offline ones too', async () => {
    const sandbox = await start();
    sandbox.agents.change('agent_05', { available: false });
    const { room } = await sandbox.rooms.create({ channelId: '272', copies: 0 });
    const path = `${sandbox.url}/api/v2/admin/service/available_agents?room_id=${room.id}`;
    const body = await (await fetch(path, { headers: HEADERS })).json();
    expect(each(at(body, 'data.agents'), 'id')).toEqual(['agent_04', 'agent_05', 'agent_06']);
    expect(at(body, 'meta')).toEqual({ after: null, before: null, per_page: 20, total_count: null });
  });

  test('profile, channels and login answer too', async () => {
    const sandbox = await start();
    for (const path of ['/api/v1/admin/get_profile', '/api/v2/channels'])
      expect((await fetch(sandbox.url + path, { headers: HEADERS })).status).toBe(200);
    expect((await fetch(`${sandbox.url}/api/v2/channels`)).status).toBe(401);
    expect((await fetch(`${sandbox.url}/api/v9/nothing`, { headers: HEADERS })).status).toBe(404);
  });

  test('reset goes back to the start, but no id comes twice', async () => {
    const sandbox = await start({ config: { pageSize: 50 } });
    const { room } = await sandbox.rooms.create();
    sandbox.rooms.assign(room.id, 'agent_01');
    sandbox.agents.remove('agent_02');
    sandbox.configure({ pageSize: 10 });
    sandbox.faults.add({ on: 'agents', effect: 'hang' });
    sandbox.reset();
    const state = sandbox.state();
    expect(state).toMatchObject({ rooms: [], assigns: [], faults: [], calls: {}, config: { pageSize: 50 } });
    expect(state.agents.map((agent) => agent.count)).toEqual([0, 0, 0, 0, 0, 0]);
    const next = (await sandbox.rooms.create()).room;
    expect(next.id).not.toBe(room.id);
    expect(next.openService).toBeGreaterThan(room.openService ?? 0);
  });
});
