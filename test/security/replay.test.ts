/**
 * Webhooks that somebody kept: a whole day is sent again, in order and backwards, and changes nothing. And what is kept by
 * us: a chat that is over leaves no name at once, and no trace after its time.
 */
import { expect, test } from 'bun:test';
import { Redis } from 'ioredis';
import { keysOf } from '../../src/redis/keys';
import { tried } from '../support/evidence';
import { APP_ID, WEBHOOK_TOKEN } from '../support/service';
import { until } from '../support/wait';
import { worlds } from '../support/world';

const open = worlds();

test('[S06] a captured day, sent again in order and backwards, changes nothing', async () => {
  const world = await open({
    online: ['agent_01', 'agent_02'],
    limit: 3,
    change: (config) => Object.assign(config.http, { webhookWaitMs: 0 }),
  });
  const { sandbox, url, api, quiet, becomes } = world;
  const captured: { path: string; body: string }[] = [];
  const listener = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    async fetch(request) {
      const [path, body] = [new URL(request.url).pathname, await request.text()];
      captured.push({ path, body });
      return fetch(url + path, { method: 'POST', headers: request.headers, body });
    },
  });
  sandbox.setDelivery({ baseUrl: `http://127.0.0.1:${listener.port}`, webhookToken: WEBHOOK_TOKEN });
  const rooms = Array.from({ length: 10 }, (_, i) => `day-${i}`);
  // Every room has two sessions; the second ones of three rooms are still open at the end of the day.
  for (const roomId of rooms) await sandbox.rooms.create({ roomId, copies: 2 });
  for (const roomId of rooms) {
    await becomes(roomId, 'assigned');
    await sandbox.rooms.resolve(roomId, { copies: 2 });
  }
  await quiet();
  for (const roomId of rooms) {
    await sandbox.rooms.message(roomId, { copies: 2 });
    await becomes(roomId, 'assigned');
    if (rooms.indexOf(roomId) < 7) await sandbox.rooms.resolve(roomId);
    if (rooms.indexOf(roomId) < 7) await becomes(roomId, 'resolved');
  }
  await listener.stop(true);

  const state = async () => ({
    rooms: await Promise.all(rooms.map(async (id) => [id, (await api.room(id)).state, (await api.room(id)).agent_id])),
    loads: (await world.agents()).map(({ id, load }) => [id, load]),
    line: await world.line(),
    // What Qiscus was told to do, and what it was asked in vain.
    assigns: world.served().length,
    calls: sandbox.state().calls.assign_agent,
    violations: world.violations(),
  });
  const before = await state();
  expect(before.rooms.filter(([, roomState]) => roomState === 'assigned')).toHaveLength(3);
  expect(captured.length).toBeGreaterThan(45);
  for (const list of [captured, [...captured].reverse()]) {
    for (const { path, body } of list) {
      const headers = { 'content-type': 'application/json', 'x-webhook-token': WEBHOOK_TOKEN };
      expect((await fetch(url + path, { method: 'POST', headers, body })).status).toBeLessThan(300);
    }
    const client = new Redis({ host: '127.0.0.1', port: world.redis.port });
    await until(async () => (await client.xlen(keysOf(APP_ID).inbox)) === 0, { what: 'all looked at' });
    client.disconnect();
    expect(await state()).toEqual(before);
  }
  tried(2 * captured.length, 'S06');
}, 60_000);

test('[S31] a name goes with its chat, and every trace of it after a week; the journal holds none', async () => {
  const { chats, becomes, sandbox, api, skip, redis, journal } = await open();
  const client = new Redis({ host: '127.0.0.1', port: redis.port });
  const keys = keysOf(APP_ID);
  const kept = () => client.hgetBuffer(keys.rooms, 'gone');
  sandbox.agents.change('agent_01', { name: 'Somebody' });
  await sandbox.rooms.create({ roomId: 'gone', customerName: 'Quixotic Wanderer' });
  await becomes('gone', 'assigned');
  expect((await kept())?.includes('Quixotic')).toBe(true);
  await sandbox.rooms.resolve('gone');
  await becomes('gone', 'resolved');
  expect((await kept())?.includes('Quixotic')).toBe(false);
  expect(JSON.stringify(await journal())).not.toContain('Quixotic');
  skip(6 * 24 * 3_600_000);
  await chats('between');
  expect(await kept()).not.toBeNull();
  skip(2 * 24 * 3_600_000);
  await until(async () => (await kept()) === null, { what: 'the record is swept' });
  expect((await api.get('/rooms/gone')).status).toBe(404);
  client.disconnect();
}, 60_000);
