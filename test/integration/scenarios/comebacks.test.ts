/** A Qiscus that never names the finished service: who comes back looks like a late repeat, and only a look at Qiscus tells. */
import { expect, test } from 'bun:test';
import { until } from '../../support/wait';
import { type World, type WorldOptions, worlds } from '../../support/world';

const open = worlds();
const HOUR_S = 3_600;

/** Rooms are compared at the start, and then not for an hour. */
const unnamed = async (options: WorldOptions = {}) => {
  const world = await open({
    ...options,
    sandbox: { latestService: 'never', ...options.sandbox },
    change: (config) => {
      config.reconcileSeconds = HOUR_S;
      options.change?.(config);
    },
  });
  await until(() => lists(world) > 0, { what: 'the comparison at the start' });
  return world;
};
const lists = ({ sandbox }: World) => sandbox.state().calls.customer_rooms ?? 0;
/** The leader went on for a while. */
const goesOn = async ({ sandbox }: World) => {
  const readings = () => sandbox.state().calls.agents ?? 0;
  const before = readings();
  await until(() => readings() > before + 3, { what: 'the leader went on' });
};
const served = async (world: World, roomId: string) => {
  await world.chats(roomId);
  await world.becomes(roomId, 'assigned');
};
const over = async (world: World, roomId: string) => {
  await world.sandbox.rooms.resolve(roomId);
  await world.becomes(roomId, 'resolved');
};

test('who comes back is served after one look, not only by the sweep; again and again, and with two copies', async () => {
  const world = await unnamed({ limit: 1 });
  const { sandbox, becomes, journal, metric, inRoom, violations } = world;
  await served(world, '1');
  for (let time = 1; time <= 2; time++) {
    await over(world, '1');
    const before = lists(world);
    world.skip(60_000);
    const { deliveries } = await sandbox.rooms.message('1', { copies: 2, spreadMs: 100 });
    expect(deliveries.map(({ body }) => body)).toMatchObject([{ state: 'resolved' }, { state: 'resolved' }]);
    await becomes('1', 'assigned');
    expect(inRoom('1')).toEqual(['agent_01']);
    expect(lists(world)).toBe(before + 1);
    expect(await journal('room.adopted')).toHaveLength(time);
  }
  for (const { fields } of await journal('entry.stale'))
    expect(fields).toMatchObject({ state: 'resolved', service: '0' });
  expect((await journal('room.adopted'))[0]?.fields).toMatchObject({ reason: 'came_back', ours: 'resolved' });
  // Nothing was lost, nothing had to be mended.
  expect(await metric('caa_repairs_total{kind="allocation_missed"}')).toBe(0);
  expect(violations()).toEqual([]);
  await over(world, '1');
}, 20_000);

test('a late repeat leads to nothing but one look, at most once a minute; one that names an older service to none', async () => {
  const world = await unnamed();
  const { api, skip, line, state, journal } = world;
  await served(world, '1');
  await over(world, '1');
  const before = lists(world);
  await api.allocate('1', { latest_service: { id: 5, is_resolved: true } });
  await goesOn(world);
  expect(lists(world)).toBe(before);
  const repeat = () => api.allocate('1', { latest_service: null });
  await repeat();
  await repeat();
  await until(() => lists(world) === before + 1, { what: 'one look' });
  await goesOn(world);
  await repeat();
  skip(50_000);
  await goesOn(world);
  expect(lists(world)).toBe(before + 1);
  // It came before the minute was over, and has its look when it is.
  skip(20_000);
  await until(() => lists(world) === before + 2, { what: 'the next look', withinMs: 10_000 });
  expect(await journal('entry.stale', '1')).toHaveLength(4);
  expect(await journal('room.adopted')).toEqual([]);
  expect([await state('1'), await line()]).toEqual(['resolved', []]);
}, 20_000);

test('no look before Qiscus has had the time to show the resolve', async () => {
  const world = await unnamed({
    change: (config) => {
      config.countLagSeconds = 60;
    },
  });
  const { sandbox, skip, inRoom, becomes } = world;
  await served(world, '1');
  await over(world, '1');
  const before = lists(world);
  await sandbox.rooms.message('1');
  skip(50_000);
  await goesOn(world);
  expect(lists(world)).toBe(before);
  skip(10_000);
  await becomes('1', 'assigned');
  expect(inRoom('1')).toEqual(['agent_01']);
}, 20_000);

test.each([
  ['left alone', false],
  ['in a dry run, where others serve, taken in', true],
])(
  'somebody took the room meanwhile: %s',
  async (_, dryRun) => {
    const world = await unnamed({ env: { DRY_RUN: String(dryRun) } });
    const { sandbox, journal, state, explained } = world;
    explained.push('1 held');
    await served(world, '1');
    await over(world, '1');
    const before = lists(world);
    await sandbox.rooms.message('1');
    sandbox.rooms.assign('1', 'agent_01');
    await until(() => lists(world) > before, { what: 'a look' });
    await goesOn(world);
    const adopted = (await journal('room.adopted')).map(({ fields }) => [fields.qiscus, fields.reason]);
    expect(adopted).toEqual(dryRun ? [['served', 'came_back']] : []);
    expect(await state('1')).toBe(dryRun ? 'assigned' : 'resolved');
    await sandbox.rooms.resolve('1');
  },
  20_000,
);
