/** What the sandbox reads back when its file, or who its agents are, is not as it left it. */
import { expect, test } from 'bun:test';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { Memory } from '../../src/qiscus/sandbox/memory';
import { Truth } from '../../src/qiscus/sandbox/truth';
import { temporaryFolder } from '../support/service';

const CALL = { maxAgents: 1, replace: false, by: 'api' } as const;

function begin(path: string, agentIds: 'named' | 'numeric' = 'named') {
  const memory = new Memory(path);
  return { memory, truth: new Truth(agentIds, {}, memory) };
}

test('a line that a full disk cut off is lost alone', () => {
  const path = join(temporaryFolder('memory'), 'sandbox.jsonl');
  const { memory, truth } = begin(path);
  truth.addRoom({ id: 'before' });
  appendFileSync(path, '{"room":{"id":"cut-o');
  truth.addRoom({ id: 'behind' });
  memory.close();
  expect([...begin(path).truth.rooms.keys()]).toEqual(['before', 'behind']);
});

test('a room whose agent is no longer there waits again', () => {
  const path = join(temporaryFolder('memory'), 'sandbox.jsonl');
  const { memory, truth } = begin(path);
  truth.addRoom({ id: 'served' });
  expect(truth.assign('served', 'agent_01', CALL).kind).toBe('assigned');
  memory.close();
  const { truth: after } = begin(path, 'numeric');
  expect(after.rooms.get('served')).toMatchObject({ agents: [], open: { id: expect.any(Number) } });
  expect(after.assign('served', '150851', CALL).kind).toBe('assigned');
});
