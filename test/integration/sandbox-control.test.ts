/** The sandbox's control API, and the sandbox alone as the README starts it. */
import { describe, expect, test } from 'bun:test';
import type { Sandbox } from '../../src/qiscus/sandbox';
import { at, sandboxSuite } from '../support/sandbox-suite';

const suite = sandboxSuite();
const { hooks, start } = suite;

describe('the control API over HTTP', () => {
  const call = async (
    sandbox: Sandbox,
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ) => {
    const response = await fetch(`${sandbox.url}/sandbox${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    return { status: response.status, body: await response.json() };
  };

  test('moves the same hands', async () => {
    const sandbox = await start();
    expect(JSON.stringify((await call(sandbox, 'GET', '')).body)).toContain('/sandbox/rooms/{id}/resolve');
    const made = await call(sandbox, 'POST', '/rooms', { roomId: 'r1', copies: 2 });
    expect(made.body).toMatchObject({ room: { id: 'r1' }, deliveries: [{ status: 200 }, { status: 200 }] });
    expect((await call(sandbox, 'POST', '/rooms/r1/message')).status).toBe(200);
    expect((await call(sandbox, 'POST', '/rooms/r1/assign', { agentId: 'agent_02' })).body).toMatchObject({
      agents: ['agent_02'],
    });
    expect((await call(sandbox, 'POST', '/rooms/r1/remove', { agentId: 'agent_02' })).body).toMatchObject({
      agents: [],
    });
    expect((await call(sandbox, 'POST', '/rooms/r1/resolve', { by: 'admin' })).body).toMatchObject({
      room: { resolved: true },
    });
    expect((await call(sandbox, 'GET', '/rooms/r1')).body).toMatchObject({ resolved: true });
    expect((await call(sandbox, 'POST', '/agents', { id: 'x', channelIds: [] })).body).toMatchObject({ online: true });
    expect((await call(sandbox, 'PATCH', '/agents/x', { forceOffline: true })).body).toMatchObject({ online: false });
    expect((await call(sandbox, 'DELETE', '/agents/x')).status).toBe(200);
    expect((await call(sandbox, 'PATCH', '/config', { latencyMs: 1 })).body).toMatchObject({ latencyMs: 1 });
    expect((await call(sandbox, 'POST', '/faults', [{ on: 'agents', effect: 'reset' }])).status).toBe(200);
    expect((await call(sandbox, 'GET', '/faults')).body).toHaveLength(1);
    expect((await call(sandbox, 'POST', '/delivery', { baseUrl: suite.hookUrl })).status).toBe(200);
    expect((await call(sandbox, 'GET', '/state')).body).toEqual(JSON.parse(JSON.stringify(sandbox.state())));
    expect((await call(sandbox, 'POST', '/reset')).status).toBe(200);
    expect(sandbox.state().rooms).toEqual([]);
  });

  test('says what is wrong', async () => {
    const sandbox = await start();
    expect(at((await call(sandbox, 'PATCH', '/config', { latencyMs: 'x' })).body, 'error')).toContain('/latencyMs');
    expect((await call(sandbox, 'PATCH', '/config', { typo: 1 })).status).toBe(400);
    expect(at((await call(sandbox, 'POST', '/rooms/none/resolve')).body, 'error')).toContain('no such room');
    expect((await call(sandbox, 'POST', '/faults', { on: 'agents', effect: 'explode' })).status).toBe(400);
    expect((await call(sandbox, 'POST', '/delivery', { baseUrl: 'http://example.com' })).status).toBe(400);
    expect((await call(sandbox, 'GET', '/nothing')).status).toBe(404);
  });

  test('is closed to web pages: no form posts, no foreign host names', async () => {
    const sandbox = await start();
    expect((await call(sandbox, 'POST', '/reset', {}, { 'content-type': 'text/plain' })).status).toBe(415);
    expect((await call(sandbox, 'GET', '/state', undefined, { host: 'evil.example' })).status).toBe(403);
  });
});

test('runs alone, as the README says', async () => {
  const entry = new URL('../../src/qiscus/sandbox.ts', import.meta.url).pathname;
  const child = Bun.spawn([process.execPath, entry, '--port', '0', '--deliver-to', suite.hookUrl, '--numeric'], {
    stdout: 'pipe',
  });
  suite.onStop(() => child.kill());
  let line = '';
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    line += chunk;
    if (line.includes('\n')) break;
  }
  const url = /http:\S+\d/.exec(line)?.[0] ?? '';
  await fetch(`${url}/sandbox/rooms`, { method: 'POST', headers: { 'content-type': 'application/json' } });
  expect(hooks).toHaveLength(1);
  child.kill('SIGTERM');
  expect(await child.exited).toBe(0);
});
