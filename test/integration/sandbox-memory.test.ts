/** The service with its own Qiscus is killed and started again: Qiscus has forgotten nothing, so nothing is repaired. */
import { afterEach, expect, test } from 'bun:test';
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SandboxState, Told } from '../../src/qiscus/sandbox/control';
import { type Caller, caller, type ServiceProcess, spawnService, temporaryFolder } from '../support/service';
import { until } from '../support/wait';

const running: ServiceProcess[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((service) => service.kill('SIGTERM')));
});

async function start(dataDir: string) {
  const env = { DATA_DIR: dataDir, RECONCILE_SECONDS: '1', ROSTER_SYNC_SECONDS: '1', COUNT_LAG_SECONDS: '0' };
  const service = await spawnService(env);
  running.push(service);
  const control = /control: (\S+)\)/.exec(service.output())?.[1] ?? service.output();
  const ask = async (path: string, method = 'GET', body?: object): Promise<Response> =>
    fetch(control + path, {
      method,
      ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
  return {
    service,
    api: caller(service.url),
    ask,
    state: async () => (await (await ask('/state')).json()) as SandboxState,
    tell: async (path: string, body: object = {}) => (await (await ask(path, 'POST', body)).json()) as Told,
  };
}

const inState = (api: Caller, roomId: string, state: string) =>
  until(async () => (await api.room(roomId)).state === state, { what: `${roomId} ${state}` });

async function expectNoRepair(api: Caller): Promise<void> {
  const { records } = (await api.get('/journal?limit=500')).body as { records: { event: string }[] };
  expect(records.filter(({ event }) => /room\.(repaired|adopted|returned)/.test(event))).toEqual([]);
}

/** What both sides think of each room, agents by name. */
async function books(api: Caller, state: SandboxState) {
  const rooms = state.rooms.toSorted((a, b) => a.id.localeCompare(b.id));
  return Promise.all(
    rooms.map(async (qiscus) => {
      const { state: ours, agent_id } = await api.room(qiscus.id);
      return { qiscus, ours, agent_id };
    }),
  );
}

test('killed and started again: the same rooms at the same agents, and no word of a repair', async () => {
  const dataDir = temporaryFolder('memory');
  const before = await start(dataDir);
  const { api, ask, tell } = before;
  await ask('/agents/agent_06', 'PATCH', { available: false });
  await ask('/agents', 'POST', { id: 'agent_99', name: 'Sari' });
  const isOnline = async (id: string) => (await api.get(`/agents/${id}`)).body.online;
  await until(async () => (await isOnline('agent_99')) === true && (await isOnline('agent_06')) === false, {
    what: 'the agents as they are now',
  });
  // As the README's first command does: Qiscus hears of this room only when it is assigned.
  await api.allocate('12345');
  await tell('/rooms', { roomId: 'served' });
  await tell('/rooms', { roomId: 'over' });
  for (const id of ['12345', 'served', 'over']) await inState(api, id, 'assigned');
  await tell('/rooms/over/resolve');
  await inState(api, 'over', 'resolved');
  await api.post('/settings/max_customers', { max_customers: 1 });
  for (let nth = 1; nth <= 6; nth++) await tell('/rooms', { roomId: `more-${nth}` });
  await until(async () => (await api.get('/queue')).body.total === 2, { what: 'two rooms in line' });
  await until(async () => (await before.state()).rooms.filter(({ agents }) => agents.length > 0).length === 6, {
    what: 'everybody at work',
  });
  const known = await books(api, await before.state());
  await before.service.kill('SIGKILL');
  // The last line may be cut off where the machine ends.
  appendFileSync(join(dataDir, 'sandbox-sandbox.jsonl'), '{"room":{"id":"cut-o');

  const after = await start(dataDir);
  // Two lists a comparison, and what is missing is missed after the second one.
  await until(async () => ((await after.state()).calls.customer_rooms ?? 0) >= 8, {
    what: 'comparisons with Qiscus',
    withinMs: 20_000,
  });
  expect(await books(after.api, await after.state())).toEqual(known);
  expect(after.service.output()).not.toContain('sweep.repaired');
  await expectNoRepair(after.api);
  expect((await after.state()).agents.map(({ id, online }) => [id, online])).toEqual([
    ...[1, 2, 3, 4, 5].map((n) => [`agent_0${n}`, true]),
    ['agent_06', false],
    ['agent_99', true],
  ]);

  // Sessions are told apart by numbers that grow: who was served before comes back.
  await after.tell('/rooms/served/resolve');
  await inState(after.api, 'served', 'resolved');
  await after.tell('/rooms/over/message');
  await after.api.post('/settings/max_customers', { max_customers: 5 });
  for (const id of ['over', 'more-6']) await inState(after.api, id, 'assigned');
  await after.tell('/rooms/over/resolve');
  await inState(after.api, 'over', 'resolved');
  await expectNoRepair(after.api);

  await after.ask('/reset', 'POST', {});
  expect(readFileSync(join(dataDir, 'sandbox-sandbox.jsonl'), 'utf8')).not.toContain('12345');
}, 60_000);
