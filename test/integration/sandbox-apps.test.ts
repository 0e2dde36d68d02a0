/** One sandbox that plays several Qiscus apps: each its own truth, told apart by the header Qiscus-App-Id. */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { createQiscusClient } from '../../src/qiscus/client';
import { type Sandbox, startSandbox } from '../../src/qiscus/sandbox';

let sandbox: Sandbox;
const clientOf = (appId: string) =>
  createQiscusClient({ baseUrl: sandbox.url, appId, secret: 's', email: null, password: null, timeoutMs: 2_000 });
const post = (path: string, body: unknown) =>
  fetch(`${sandbox.url}/sandbox${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

beforeAll(async () => {
  sandbox = await startSandbox({ appId: 'one', moreAppIds: ['two'], secret: 's', agentIds: 'named' });
});
afterAll(() => sandbox.stop());

test('rooms, agents and faults of one app are not those of the other', async () => {
  await sandbox.app('two').rooms.create({ roomId: 'r', copies: 0 });
  sandbox.app('two').faults.add({ on: 'agents', effect: 'status', status: 500 });
  sandbox.agents.change('agent_01', { name: 'Renamed' });
  expect(await clientOf('two').assignAgent('r', 'agent_01')).toEqual({ kind: 'assigned' });
  expect(await clientOf('two').listAgents()).toMatchObject({ kind: 'failed' });
  expect(await clientOf('one').listAgents()).toMatchObject({ kind: 'agents' });
  expect(sandbox.app('one').state()).toMatchObject({ rooms: [], assigns: [] });
  expect(sandbox.app('two').state().assigns).toHaveLength(1);
  expect(sandbox.app('two').agents.read('agent_01').name).not.toBe('Renamed');
});

test('an app that it does not play is refused', async () => {
  expect(await clientOf('three').listAgents()).toMatchObject({ kind: 'denied' });
  expect(() => sandbox.app('three')).toThrow('no such app');
});

test('each is moved under its own address; without one it is the first', async () => {
  expect((await post('/apps/two/rooms', { roomId: 'by-http' })).status).toBe(200);
  expect(sandbox.app('two').rooms.read('by-http').id).toBe('by-http');
  expect(() => sandbox.rooms.read('by-http')).toThrow('no such room');
  expect((await post('/rooms', { roomId: 'plain' })).status).toBe(200);
  expect(sandbox.app('one').rooms.read('plain').id).toBe('plain');
  expect((await post('/apps/three/rooms', {})).status).toBe(404);
});
