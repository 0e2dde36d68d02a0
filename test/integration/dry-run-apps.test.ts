/** Of several apps in one process each may be a dry run, and goes live by the list being read again. */
import { expect, test } from 'bun:test';
import { keysOf } from '../../src/redis/keys';
import { appsSuite } from '../support/apps-suite';
import { ADMIN_TOKEN } from '../support/service';
import { until } from '../support/wait';

const { parts, start, reload, openRedis, allocate, read, stateOf } = appsSuite();

const assigned = (app: 'one' | 'two') => parts[app].sandbox.state().calls.assign_agent ?? 0;
const ready = async (token: string) =>
  (await fetch(`${parts.service.url}/health/ready`, { headers: { authorization: `Bearer ${token}` } })).json();

test('one is a dry run, the other is not; then both are live', async () => {
  await start({}, ({ apps: [one, two], entryOf, write }) => {
    if (one && two) write([{ ...entryOf(one), DRY_RUN: true }, entryOf(two)]);
  });
  for (const app of [parts.one, parts.two]) {
    await app.sandbox.rooms.create({ roomId: 'r', copies: 0 });
    await allocate(app.webhookToken, { room_id: 'r' });
    await until(async () => (await stateOf(app, 'r')) === 'assigned', { what: `the room of ${app.id} assigned` });
  }
  expect([assigned('one'), assigned('two')]).toEqual([0, 1]);
  expect((await read('/apps', parts.one.adminToken)).body.apps).toEqual([{ app_id: 'one', dry_run: true }]);
  expect((await read('/apps', parts.two.adminToken)).body.apps).toEqual([{ app_id: 'two' }]);
  expect((await read('/dry_run', parts.one.adminToken)).body).toMatchObject({ dry_run: true });
  expect((await read('/dry_run', parts.two.adminToken)).body).toMatchObject({ dry_run: false });
  expect(await ready(parts.one.adminToken)).toMatchObject({ dry_run: true });
  for (const token of [parts.two.adminToken, ADMIN_TOKEN]) expect(await ready(token)).not.toHaveProperty('dry_run');

  await reload(parts.apps.apps.map(parts.apps.entryOf));
  expect((await read('/rooms/r', parts.one.adminToken)).status).toBe(404);
  await allocate(parts.one.webhookToken, { room_id: 'r' });
  await until(async () => (await stateOf(parts.one, 'r')) === 'assigned', { what: 'the room assigned, live' });
  expect(parts.one.sandbox.rooms.read('r').agents).toHaveLength(1);
  expect(assigned('one')).toBe(1);
  // The dry run's books stay where they were.
  const client = openRedis();
  expect(await client.hexists(keysOf('one', true).rooms, 'r')).toBe(1);
  client.disconnect();
});
