/**
 * The whole way over real HTTP: webhook, inbox, ledger, outbox, Qiscus (the sandbox), confirmation, reply.
 * Once on a standalone Redis and once on a cluster of one node, which alone tells when keys do not share a slot.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { Redis } from 'ioredis';
import type { Sandbox } from '../../src/qiscus/sandbox';
import type { Service } from '../../src/service';
import { startTestRedis, type TestRedis } from '../support/redis';
import { type Caller, caller, environment, startTestSandbox, startTestService } from '../support/service';
import { until } from '../support/wait';

for (const cluster of [false, true]) {
  describe(cluster ? 'on a cluster of one node' : 'on a standalone Redis', () => {
    let redis: TestRedis;
    let sandbox: Sandbox;
    let service: Service;
    let api: Caller;

    beforeAll(async () => {
      redis = await startTestRedis({ cluster });
    });
    afterAll(() => redis.stop());
    beforeEach(async () => {
      const wipe = new Redis({ host: '127.0.0.1', port: redis.port });
      await wipe.flushall();
      wipe.disconnect();
      sandbox = await startTestSandbox();
      service = await startTestService(environment(redis.url, sandbox.url), (config) => {
        config.rosterSyncSeconds = 0.2;
      });
      api = caller(service.url ?? '');
      await agentsReady(6);
    });
    afterEach(async () => {
      await service.stop();
      await sandbox.stop();
    });

    async function agentsReady(count: number): Promise<void> {
      await until(
        async () =>
          ((await api.get('/agents')).body.agents as { online: boolean }[]).filter((a) => a.online).length === count,
        {
          what: `${count} agents online`,
        },
      );
    }

    /** Only these are online, as Qiscus says it. */
    async function onlyOnline(...ids: string[]): Promise<void> {
      for (const { id } of sandbox.state().agents) sandbox.agents.change(id, { available: ids.includes(id) });
      await agentsReady(ids.length);
    }

    /** The chat is over at Qiscus, and its webhook reaches us. */
    async function finish(roomId: string) {
      await sandbox.rooms.resolve(roomId, { copies: 0 });
      return api.resolve(roomId);
    }

    const agentOf = async (roomId: string) => (await api.room(roomId)).agent_id;
    const stateOf = async (roomId: string) => (await api.room(roomId)).state;
    const assignedTo = (roomId: string) => sandbox.rooms.read(roomId).agents;

    test('a webhook gets an agent, and Qiscus has the room', async () => {
      const answer = await api.allocate('12345');
      expect(answer.status).toBe(200);
      expect(answer.body).toMatchObject({ status: 'success', state: 'assigned', agent_id: 'agent_01' });
      expect(assignedTo('12345')).toEqual(['agent_01']);
    });

    test('[F09] the same webhook five times is one assignment', async () => {
      const answers = await Promise.all(Array.from({ length: 5 }, () => api.allocate('1')));
      for (const { body } of answers) expect(body).toMatchObject({ state: 'assigned', agent_id: 'agent_01' });
      expect(sandbox.state().calls.assign_agent).toBe(1);
    });

    test('resolving one assigns the head of the line', async () => {
      await onlyOnline('agent_01');
      for (const room of ['1', '2', '3', '4']) await api.allocate(room);
      expect((await api.get('/queue')).body.rooms).toMatchObject([{ room_id: '3' }, { room_id: '4' }]);
      expect((await finish('1')).body).toMatchObject({ message: 'Room marked as resolved.', state: 'released' });
      await until(async () => (await stateOf('3')) === 'assigned', { what: 'room 3 assigned' });
      expect(await stateOf('4')).toBe('waiting');
    });

    test('[F48] a second resolve changes nothing', async () => {
      await api.allocate('1');
      expect((await api.resolve('1')).body.state).toBe('released');
      expect((await api.resolve('1')).body.state).toBe('not_held');
      const agents = (await api.get('/agents')).body.agents as { load: number }[];
      expect(agents.map((agent) => agent.load)).toEqual([0, 0, 0, 0, 0, 0]);
    });

    test('a returning customer is served again', async () => {
      const { room } = await (async () => {
        sandbox.setDelivery({ baseUrl: service.url ?? '', webhookToken: 'webhook-token-for-tests-only' });
        return sandbox.rooms.create({ roomId: '77', copies: 2 });
      })();
      expect(room.id).toBe('77');
      await until(() => assignedTo('77').length === 1, { what: 'the first session assigned' });
      await sandbox.rooms.resolve('77', { copies: 1 });
      await until(async () => (await stateOf('77')) === 'resolved', { what: 'the first session over' });
      await sandbox.rooms.message('77', { copies: 1 });
      await until(async () => (await stateOf('77')) === 'assigned', { what: 'the second session assigned' });
      expect(assignedTo('77')).toHaveLength(1);
    });

    test('twenty at once with two agents and limit 2: four assigned, sixteen in line in inbox order', async () => {
      await onlyOnline('agent_01', 'agent_02');
      const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => api.allocate(String(100 + i))));
      const byEntry = answers
        .map(({ body }, i) => ({ room: String(100 + i), entry: String(body.entry) }))
        .sort((a, b) => order(a.entry) - order(b.entry));
      await until(() => sandbox.state().assigns.length === 4, { what: 'four assignments' });
      const line = (await api.get('/queue?limit=50')).body;
      expect(line.total).toBe(16);
      expect((line.rooms as { room_id: string }[]).map((room) => room.room_id)).toEqual(
        byEntry.slice(4).map(({ room }) => room),
      );
      for (const agent of sandbox.state().agents) expect(agent.count).toBeLessThanOrEqual(2);
    });

    test('the line moves when an agent comes online, the limit is raised, an agent is unpaused', async () => {
      await onlyOnline('agent_01');
      for (const room of ['1', '2', '3', '4', '5', '6', '7']) await api.allocate(room);
      expect(sandbox.state().assigns).toHaveLength(2);

      await api.post('/settings/max_customers', { max_customers: 3 });
      await until(() => sandbox.state().assigns.length === 3, { what: 'a third by the raised limit' });
      expect(await agentOf('3')).toBe('agent_01');

      await api.patch('/agents/agent_01', { max_customers: 4 });
      await until(() => sandbox.state().assigns.length === 4, { what: "a fourth by the agent's own limit" });

      await api.patch('/agents/agent_02', { paused: true });
      sandbox.agents.change('agent_02', { available: true });
      await agentsReady(2);
      expect(await stateOf('5')).toBe('waiting');
      await api.patch('/agents/agent_02', { paused: false });
      await until(() => sandbox.state().assigns.length === 7, { what: 'three more by the unpaused agent' });
      expect(await agentOf('5')).toBe('agent_02');
    });

    test('a channel that nobody online serves blocks nobody', async () => {
      await onlyOnline('agent_01');
      const stranger = await api.allocate('1', {
        app_id: 'kovof-123',
        source: 'wa',
        channel: { id: 999, name: 'x', source: 'wa' },
      });
      expect(stranger.body).toMatchObject({ state: 'waiting', position: 1 });
      expect((await api.allocate('2')).body.state).toBe('assigned');
    });

    test('nobody online: everything waits, nothing is an error', async () => {
      await onlyOnline();
      const answer = await api.allocate('1');
      expect(answer.status).toBe(202);
      expect(answer.body).toMatchObject({ status: 'success', state: 'waiting', agent_id: null, position: 1 });
      sandbox.agents.change('agent_03', { available: true });
      await until(async () => (await stateOf('1')) === 'assigned', {
        what: 'the room assigned once somebody is online',
      });
    });

    test('[F34] one room that Qiscus always refuses blocks nobody, and is parked with its reason', async () => {
      await onlyOnline('agent_01');
      await api.post('/settings/max_customers', { max_customers: 1 });
      sandbox.faults.add({
        on: 'assign_agent',
        roomId: '7',
        times: null,
        effect: 'status',
        status: 400,
        body: { errors: { message: 'Cant join room, exceed max agents' } },
      });
      const first = await api.allocate('7');
      expect(['waiting', 'reserved']).toContain(String(first.body.state));
      expect((await api.allocate('8')).body.state).toBe('assigned');
      await finish('8');
      await until(async () => (await stateOf('7')) === 'parked', { what: 'room 7 parked', withinMs: 20_000 });
      expect((await api.get('/dead_letters')).body.dead_letters).toMatchObject([
        { id: 'room-7', reason: 'exceed_max_agents' },
      ]);
      sandbox.faults.clear();
      expect((await api.allocate('7')).body).toMatchObject({ state: 'assigned', agent_id: 'agent_01' });
    }, 30_000);

    test('Qiscus says nothing after it assigned: the same agent keeps the room, once', async () => {
      await onlyOnline('agent_01', 'agent_02');
      sandbox.faults.add({ on: 'assign_agent', roomId: '5', times: 1, effect: 'apply_then_reset' });
      const answer = await api.allocate('5');
      expect(answer.body).toMatchObject({ agent_id: 'agent_01' });
      await until(async () => (await stateOf('5')) === 'assigned', { what: 'room 5 confirmed' });
      expect(assignedTo('5')).toEqual(['agent_01']);
      expect(sandbox.state().violations).toEqual([]);
    });

    test('Qiscus refuses us for a while: the rooms wait in order, then all are assigned', async () => {
      await onlyOnline('agent_01');
      sandbox.faults.add({ on: 'assign_agent', times: 2, effect: 'status', status: 401, body: '' });
      for (const room of ['1', '2', '3']) await api.allocate(room);
      await until(() => sandbox.state().assigns.length === 2, {
        what: 'two assigned after the refusals',
        withinMs: 20_000,
      });
      expect(await stateOf('3')).toBe('waiting');
    }, 30_000);
  });
}

/** Order of stream ids of one test. */
function order(entry: string): number {
  const [ms = 0, seq = 0] = entry.split('-').map(Number);
  return (ms % 1e9) * 1e4 + seq;
}
