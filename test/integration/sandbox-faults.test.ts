/** Faults that a test orders from the sandbox: each hits what it names, once, and clears. */
import { describe, expect, test } from 'bun:test';
import { EFFECTS } from '../../src/qiscus/sandbox/settings';
import { connect, sandboxSuite } from '../support/sandbox-suite';
import { until } from '../support/wait';

const { start } = sandboxSuite();
/** For calls whose answer never ends. */
const HASTY_MS = 500;

describe('ordered faults', () => {
  const expected = {
    status: { kind: 'unknown', sent: true, reason: 'status 503' },
    hang: { kind: 'unknown', sent: true, reason: 'timed out' },
    reset: { kind: 'unknown', sent: true, reason: 'connection lost' },
    redirect: { kind: 'unknown', sent: true, reason: 'redirected' },
    500: { kind: 'unknown', sent: true, reason: 'status 500' },
  } as Record<string, object>;

  test.each([...EFFECTS])('%s hits once, and only its room', async (effect) => {
    const sandbox = await start();
    const client = connect(sandbox);
    const applies = effect.startsWith('apply_then_');
    sandbox.faults.add({ on: 'assign_agent', roomId: '7', effect, status: 503 });
    expect(await client.assignAgent('8', 'agent_01')).toEqual({ kind: 'assigned' });
    const caller = /(hang|trickle)$/.test(effect) ? connect(sandbox, { timeoutMs: HASTY_MS }) : client;
    expect(await caller.assignAgent('7', 'agent_02')).toMatchObject(
      expected[effect.replace('apply_then_', '')] ?? { kind: 'unknown', sent: true, reason: 'unreadable answer' },
    );
    const count = () => sandbox.agents.read('agent_02').count;
    if (applies) await until(() => count() === 1, { what: 'the call applied' });
    expect(count()).toBe(applies ? 1 : 0);
    expect(await client.assignAgent('7', 'agent_02')).toEqual({ kind: applies ? 'occupied' : 'assigned' });
  });

  test('times, skip, ratio and clearing', async () => {
    const sandbox = await start();
    const client = connect(sandbox);
    const kinds = async (calls: number) => {
      const seen: string[] = [];
      for (let n = 0; n < calls; n++) seen.push((await client.readRoom('1')).kind);
      return seen.join(' ');
    };
    sandbox.faults.add({ on: 'customer_room', skip: 1, times: 2, effect: 'status' });
    expect(await kinds(4)).toBe('missing failed failed missing');
    sandbox.faults.add({ on: '/api/v2/customer_rooms/1', times: null, effect: 'status' });
    expect(await kinds(3)).toBe('failed failed failed');
    sandbox.faults.clear();
    expect(await kinds(1)).toBe('missing');
    sandbox.faults.add({ on: 'customer_room', times: null, ratio: 0.5, effect: 'status' });
    const half = (await kinds(100)).split('failed').length - 1;
    expect(half).toBeGreaterThan(25);
    expect(half).toBeLessThan(75);
  });

  test('429 carries Retry-After; a body of choice; latency', async () => {
    const sandbox = await start();
    const client = connect(sandbox);
    sandbox.faults.add(
      { on: 'assign_agent', effect: 'status', status: 429, retryAfter: 3 },
      { on: 'assign_agent', effect: 'status', status: 200, body: 'room already resolved' },
    );
    expect(await client.assignAgent('1', 'agent_01')).toEqual({ kind: 'slowed', retryAfterMs: 3000 });
    expect(await client.assignAgent('1', 'agent_01')).toEqual({ kind: 'resolved' });
    sandbox.configure({ latencyMs: 60 });
    const begunMs = performance.now();
    expect(await client.assignAgent('1', 'agent_01')).toEqual({ kind: 'assigned' });
    expect(performance.now() - begunMs).toBeGreaterThanOrEqual(50);
  });
});
