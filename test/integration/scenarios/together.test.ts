/** Everything at once: lost, repeated and late webhooks, and every wrong answer, at random but seeded. In the end all is well. */
import { expect, test } from 'bun:test';
import { until } from '../../support/wait';
import { worlds } from '../../support/world';

const open = worlds();
const ROOMS = 200;
const SESSIONS = 3;

test.each([
  [1, 'refuse'],
  [2, 'accept'],
] as const)(
  'seed %i, the same agent twice: %s; all are served, nobody above the limit, no slot leaks',
  async (seed, sameAgentTwice) => {
    const online = ['agent_01', 'agent_02', 'agent_03', 'agent_04', 'agent_05'];
    const { sandbox, fault, skip, quiet, served, violations, journal, line } = await open({
      online,
      limit: 4,
      sandbox: { seed, sameAgentTwice, latencyMs: 4 },
      env: { QISCUS_TIMEOUT_MS: '300', OUTBOX_CLAIM_MS: '2000' },
    });
    const effects = [
      { effect: 'status', status: 500 },
      { effect: 'apply_then_500' },
      { effect: 'reset' },
      { effect: 'apply_then_reset' },
      { effect: 'apply_then_hang' },
      { effect: 'garbage' },
      { effect: 'status', status: 429 },
      { effect: 'status', status: 400, body: { errors: { message: 'Cant join room, exceed max agents' } } },
    ] as const;
    for (const how of effects) fault({ on: 'assign_agent', times: null, ratio: 0.02, ...how });
    for (const on of ['customer_room', 'customer_rooms', 'agents'])
      fault({ on, times: null, ratio: 0.05, effect: 'status', status: 500 });
    sandbox.configure({ dropWebhooks: 0.05 });

    const rooms = Array.from({ length: ROOMS }, (_, i) => `r${i}`);
    const sessions = new Map<string, number>();
    const live = async (roomId: string, n: number) => {
      await sandbox.rooms.create({ roomId, copies: 1 + (n % 2), spreadMs: 5 });
      for (let session = 1; session <= SESSIONS; session++) {
        await until(() => sandbox.rooms.read(roomId).agents.length > 0, { what: `${roomId} served`, withinMs: 50_000 });
        await sandbox.rooms.resolve(roomId, { copies: 1, by: 'admin' });
        sessions.set(roomId, session);
        if (session < SESSIONS) await sandbox.rooms.message(roomId, { copies: 1 + (n % 2), spreadMs: 5 });
      }
    };
    // Waits between tries are minutes in all: the clock runs twenty times as fast.
    const faster = setInterval(() => skip(1_000), 50);
    try {
      await Promise.all(rooms.map(live));
      sandbox.faults.clear();
      sandbox.configure({ dropWebhooks: 0 });
      await quiet(20_000);
    } finally {
      clearInterval(faster);
    }
    expect([...sessions.values()].every((count) => count === SESSIONS)).toBe(true);
    expect(served().length).toBeGreaterThanOrEqual(ROOMS * SESSIONS);
    expect(violations()).toEqual([]);
    expect(await line()).toEqual([]);
    expect((await journal('room.repaired')).length).toBeGreaterThan(0);
  },
  90_000,
);
