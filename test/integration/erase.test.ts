/** Erasing a room's customer: works in every state, keeps the room's course, and leaves the name nowhere in Redis. */
import { expect, test } from 'bun:test';
import type { RoomState } from '../../src/ledger/verdicts';
import { allocation, resolved } from '../support/ledger';
import { onBothRedis } from '../support/ledger-suite';

const NAME = 'Harpi Wijaya';

onBothRedis((s) => {
  const { arrive, confirmAll, theIntent, eventsOf } = s;
  const named = (id: string) => allocation(id, { customerName: NAME });

  /** Everything under the app's keys, as Redis would write it to a file. */
  async function dumped(): Promise<string> {
    const dumps = await Promise.all(Object.values(s.t.keys).map((key) => s.client.dumpBuffer(key)));
    return dumps.map((dump) => dump?.toString('latin1') ?? '').join();
  }

  const states: [RoomState, () => Promise<unknown>][] = [
    ['waiting', () => s.t.desk.patchAgent('a', { paused: true }).then(() => arrive(named('1')))],
    ['reserved', () => arrive(named('1'))],
    ['assigned', () => arrive(named('1')).then(confirmAll)],
    ['parked', () => arrive(named('1')).then(async () => s.t.ledger.refuse(await theIntent(), 'occupied', 'park'))],
  ];
  test.each(states)(
    'of a room that is %s: forgotten, on record without the name, and nothing else changes',
    async (state, make) => {
      await s.t.roster([{ id: 'a' }]);
      await make();
      const before = await s.t.desk.readRoom('1');
      expect(before).toMatchObject({ state, customerName: NAME });
      expect(await dumped()).toContain('Harpi');
      expect(await s.t.desk.eraseRoom('1')).toBe(true);
      expect(await s.t.desk.readRoom('1')).toEqual({ ...before, customerName: null } as never);
      const [record] = await s.t.desk.readDecisions('1', 1);
      expect(record).toMatchObject({ event: 'room.erased', fields: { room: '1', by: 'operator' } });
      expect(Object.values(record?.fields ?? {}).join()).not.toContain('Harpi');
      expect(await dumped()).not.toContain('Harpi');
      expect(await s.t.desk.eraseRoom('1')).toBe(false);
      expect((await eventsOf('1')).filter((event) => event === 'room.erased')).toHaveLength(1);
      if (state === 'parked')
        expect(await s.t.desk.listDeadLetters()).toMatchObject([{ roomId: '1', reason: 'occupied' }]);
    },
  );

  test('a resolved room keeps no name; one that nobody knows is none', async () => {
    await s.t.roster([{ id: 'a' }]);
    await arrive(named('1'), resolved('1'));
    expect(await dumped()).not.toContain('Harpi');
    expect(await s.t.desk.eraseRoom('1')).toBe(false);
    expect(await s.t.desk.eraseRoom('2')).toBeNull();
  });

  test('a webhook that lay in the inbox does not bring it back into the session, only into the next one', async () => {
    await s.t.roster([{ id: 'a' }]);
    await arrive(named('1'));
    await s.send(named('1'));
    expect(await s.t.desk.eraseRoom('1')).toBe(true);
    await s.t.applyAll();
    expect((await s.t.desk.readRoom('1'))?.customerName).toBeNull();
    await arrive(resolved('1'), named('1'));
    expect((await s.t.desk.readRoom('1'))?.customerName).toBe(NAME);
  });
});
