/**
 * A dry run beside another allocator through three busy minutes of the sandbox's people: webhooks come twice, late, or not at
 * all, agents go on breaks. All that it says it found out is counted again from its journal, and held against the truth.
 */
import { expect, test } from 'bun:test';
import { BUSY_QUARTER, type Plan } from '../../src/qiscus/sandbox/plan';
import { Traffic } from '../../src/qiscus/sandbox/traffic';
import { until } from '../support/wait';
import { worlds } from '../support/world';

const open = worlds();
const PLAN: Plan = {
  ...BUSY_QUARTER,
  speed: 30,
  forMs: 180_000,
  rate: 0.6,
  rush: { everyMs: 60_000, swell: 0.8 },
  customers: 40,
  webhooks: { twice: 0.5, late: 0.1, lateMs: 3_000, lost: 0.03 },
  faults: 0.02,
};
const READING = ['agents', 'customer_room', 'customer_rooms', 'other_agents'];
const AGENTS = ['agent_01', 'agent_02', 'agent_03', 'agent_04', 'agent_05', 'agent_06'];

test('side by side: it never assigns, its books hold, and it counts right who got what', async () => {
  const world = await open({
    online: AGENTS,
    limit: 4,
    env: { DRY_RUN: 'true' },
    sandbox: { allocator: 'round_robin' },
  });
  const traffic = new Traffic(world.sandbox, PLAN);
  await traffic.run();
  await traffic.rest();
  await world.quiet(20_000);

  const { calls, assigns } = world.sandbox.state();
  expect(Object.keys(calls).filter((name) => !READING.includes(name))).toEqual([]);
  expect(assigns.every(({ by }) => by === 'hand')).toBe(true);

  // Every session that ended is compared, once.
  const ends = ['room.released', 'room.repaired', 'room.superseded', 'room.expired', 'room.closed'];
  const ended = (await world.journal()).filter(({ event }) => ends.includes(event)).length;
  await until(async () => (await world.journal('room.compared')).length === ended, { what: 'all sessions compared' });
  const records = (await world.journal('room.compared')).map(({ at, fields }) => ({
    ...{ room: fields.room, place: fields.place, agent: fields.agent, theirs: fields.theirs, source: fields.source },
    atMs: Date.parse(at),
  }));
  const known = records.filter((r) => r.theirs);
  expect(ended).toBeGreaterThan(40);
  expect(new Set(records.map(({ room, place }) => `${room} ${place}`)).size).toBe(ended);

  // What was read, or told by who resolved, is so at Qiscus.
  for (const { room, theirs, source, atMs } of known) {
    const given: (string | undefined)[] = assigns
      .filter((one) => one.roomId === room && one.atMs <= atMs)
      .map(({ agentId }) => agentId);
    if (source === 'reading') expect([room, theirs]).toEqual([room, given.at(-1)]);
    if (source === 'resolver') expect(given).toContain(theirs);
  }
  const by = (source: string) => known.filter((r) => r.source === source).length;
  // People play by the clock: how many rooms are read before they end depends on the machine.
  expect(by('reading')).toBeGreaterThan(0);
  const given = (whose: 'agent' | 'theirs', id: string) => records.filter((r) => r[whose] === id).length;
  const agreed = known.filter(({ agent, theirs }) => agent === theirs).length;
  const { body } = await world.api.get('/dry_run');
  expect(body).toMatchObject({
    compared: known.length,
    agreed,
    unknown: ended - known.length,
    agreement: Math.round((agreed / known.length) * 1_000) / 1_000,
    sources: { reading: by('reading'), resolver: by('resolver'), candidate: by('candidate') },
    spread: { ours: { most: 0 }, theirs: { most: 0 } },
    agents: AGENTS.map((id) => ({ id, given: { ours: given('agent', id), theirs: given('theirs', id) } })),
  });
}, 60_000);
