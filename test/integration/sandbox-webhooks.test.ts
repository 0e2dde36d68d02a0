/** The sandbox as the sender of webhooks: their shape, copies, order and losses. */
import { describe, expect, test } from 'bun:test';
import { PLANTED } from '../../src/qiscus/sandbox/shapes';
import { at, connect, form, type Hook, KEYS, sandboxSuite } from '../support/sandbox-suite';
import { until } from '../support/wait';

const suite = sandboxSuite();
const { hooks, start } = suite;

describe('webhooks', () => {
  test('a new room: two copies with secrets that must not spread', async () => {
    const sandbox = await start();
    const { room, deliveries } = await sandbox.rooms.create({ channelId: '272', customerName: 'Ann', copies: 2 });
    expect(deliveries).toEqual(Array(2).fill({ status: 200, body: { status: 'success' }, dropped: false }));
    expect(hooks).toHaveLength(2);
    const [{ path, token, body }] = hooks as [Hook];
    expect([path, token]).toEqual(['/api/v1/webhook/agent_allocation', 'hook-token']);
    expect(hooks[1]?.body).toEqual(body);
    expect(body).toMatchObject({
      app_id: KEYS.appId,
      app_code: KEYS.appId,
      channel: { id: 272, name: 'Channel 272', source: 'ceria' },
      is_new_session: true,
      latest_service: null,
      name: 'Ann',
      room_id: room.id,
      source: 'ceria',
    });
    expect(typeof at(body, 'extras')).toBe('string');
    expect(at(body, 'candidate_agent.id')).toBe('agent_04');
    expect(JSON.stringify(at(body, 'candidate_agent'))).toContain(PLANTED);
  });

  test('has every key of the real payload', async () => {
    const sandbox = await start();
    await sandbox.rooms.create({ channelId: '5603' });
    await sandbox.rooms.resolve('300000001');
    const fixture = (name: string) => Bun.file(new URL(`../fixtures/${name}`, import.meta.url)).json();
    const [caa, mar] = hooks.map((hook) => hook.body);
    const keys = (value: unknown) => Object.keys(value as object).sort();
    expect(keys(caa)).toEqual(keys(await fixture('webhook-caa-documented-2025-channel-completed.json')));
    const real = await fixture('webhook-mar-shape-2025-app-code-channel.json');
    expect(keys(mar)).toEqual(keys(real));
    for (const part of ['service', 'resolved_by', 'customer', 'channel'])
      expect(keys(at(mar, part))).toEqual(keys(at(real, part)));
  });

  test('a message sends it again until an agent is there', async () => {
    const sandbox = await start();
    const { room } = await sandbox.rooms.create();
    await sandbox.rooms.message(room.id);
    expect(hooks).toHaveLength(2);
    expect(hooks[1]?.body).toMatchObject({ is_new_session: false });
    await connect(sandbox).assignAgent(room.id, 'agent_01');
    expect((await sandbox.rooms.message(room.id)).deliveries).toEqual([]);
    expect(hooks).toHaveLength(2);
  });

  test('resolve names room and service; the next message opens a session after it', async () => {
    const sandbox = await start();
    const { room } = await sandbox.rooms.create();
    await connect(sandbox).assignAgent(room.id, 'agent_03');
    await sandbox.rooms.resolve(room.id, { copies: 2, spreadMs: 10, notes: 'done' });
    const mar = hooks[2]?.body;
    expect(hooks.map((hook) => hook.path.split('/').at(-1))).toEqual([
      'agent_allocation',
      'mark_as_resolved',
      'mark_as_resolved',
    ]);
    expect(mar).toMatchObject({
      resolved_by: { id: 'agent_03', type: 'agent' },
      service: { id: room.openService, is_resolved: true, notes: 'done', room_id: room.id },
    });
    const again = await sandbox.rooms.message(room.id);
    expect(hooks.at(-1)?.body).toMatchObject({
      is_new_session: true,
      latest_service: { id: room.openService, room_id: room.id, is_resolved: true },
    });
    expect(again.room.openService).toBeGreaterThan(room.openService ?? 0);
    expect(again.room).toMatchObject({ resolved: false, agents: [] });
  });

  test('a resolve by an admin, a lost one, and one through the API', async () => {
    const sandbox = await start();
    const ids = [];
    for (let n = 0; n < 3; n++) ids.push((await sandbox.rooms.create({ copies: 0 })).room.id);
    const [a = '', b = '', c = ''] = ids;
    await sandbox.rooms.resolve(a, { by: 'admin' });
    expect(hooks[0]?.body).toMatchObject({ resolved_by: { type: 'admin' } });
    expect((await sandbox.rooms.resolve(b, { copies: 0 })).deliveries).toEqual([]);
    const path = `${sandbox.url}/api/v1/admin/service/mark_as_resolved`;
    expect((await fetch(path, form({ room_id: c }))).status).toBe(200);
    await until(() => hooks.length === 2, { what: 'the webhook of the API resolve' });
    expect(hooks[1]?.body).toMatchObject({ service: { room_id: c } });
    expect((await fetch(path, form({ room_id: c }))).status).toBe(400);
    expect(hooks).toHaveLength(2);
  });

  test('the older payload has no app_code and no channel', async () => {
    const sandbox = await start({ config: { payloadStyle: '2024' } });
    await sandbox.rooms.create({ channelId: '272' });
    expect(hooks[0]?.body as object).not.toContainAnyKeys(['app_code', 'channel']);
  });

  test('a late webhook comes after newer ones, and still tells what was true before', async () => {
    const sandbox = await start();
    const { room } = await sandbox.rooms.create({ copies: 0 });
    const late = sandbox.rooms.resolve(room.id, { delayMs: 200 });
    await sandbox.rooms.message(room.id);
    expect(hooks.map(({ path }) => path)).toEqual(['/api/v1/webhook/agent_allocation']);
    await late;
    expect(hooks[1]?.body).toMatchObject({ service: { id: room.openService, room_id: room.id } });
  });

  test('webhooks get lost by ratio, the same ones with the same seed', async () => {
    const lost = async () => {
      const sandbox = await start({ config: { dropWebhooks: 0.5 } });
      const { deliveries } = await sandbox.rooms.create({ copies: 40 });
      return deliveries.map((delivery) => delivery.dropped);
    };
    const first = await lost();
    expect(first).toContain(true);
    expect(first).toContain(false);
    expect(await lost()).toEqual(first);
  });

  test('goes to this machine only, and counts what comes back', async () => {
    const sandbox = await start();
    for (const baseUrl of [
      'http://example.com',
      'http://10.0.0.1',
      'http://localhost.example.com',
      'http://127.0.0.1.example.com',
    ])
      expect(() => sandbox.setDelivery({ baseUrl })).toThrow('this machine only');
    suite.answerHook = () => Response.json({ status: 'error' }, { status: 503 });
    await sandbox.rooms.create({ copies: 2 });
    sandbox.setDelivery({ baseUrl: 'http://127.0.0.1:1' });
    await sandbox.rooms.create();
    sandbox.setDelivery(null);
    await sandbox.rooms.create();
    expect(sandbox.state().deliveries).toEqual({ sent: 3, dropped: 1, failed: 1, replies: { 503: 2 } });
  });
});
