/** Every hand of an operator is on record as one's: whoever asks why a room moved can tell a person from the service. */
import { expect, test } from 'bun:test';
import { allocation } from '../support/ledger';
import { onBothRedis } from '../support/ledger-suite';
import { until } from '../support/wait';

onBothRedis((s) => {
  const { arrive, confirmAll, theIntent, applying, inboxEmpty } = s;

  /** Events on record as an operator's, oldest first. */
  async function byOperator(): Promise<(string | undefined)[]> {
    const records = await s.client.xrange(s.t.keys.journal, '-', '+');
    return records
      .filter(([, fields]) => fields[fields.indexOf('by') + 1] === 'operator' && fields.includes('by'))
      .map(([, fields]) => fields[fields.indexOf('event') + 1]);
  }

  test('limits and pauses', async () => {
    await s.t.roster([{ id: 'a' }]);
    await s.t.desk.setMaxCustomers(7);
    await s.t.desk.patchAgent('a', { maxCustomers: 9 });
    await s.t.desk.patchAgent('a', { maxCustomers: null, paused: true });
    await s.t.desk.patchAgent('a', { paused: false });
    const limits = ['limit.changed', 'agent.limited', 'agent.limited'];
    expect(await byOperator()).toEqual([...limits, 'agent.paused', 'agent.unpaused']);
  });

  test('a room put back in line, parked or taken from its agent; freed; its customer forgotten', async () => {
    const { desk, ledger } = s.t;
    await s.t.roster([{ id: 'a' }]);
    await arrive(allocation('1', { customerName: 'Harpi' }));
    await ledger.refuse(await theIntent(), 'occupied', 'park');
    expect(await desk.requeueRoom('1', null)).toMatchObject({ kind: 'done' });
    await confirmAll();
    expect(await desk.requeueRoom('1', (await desk.readRoom('1'))?.token ?? 0)).toMatchObject({ kind: 'done' });
    expect(await desk.eraseRoom('1')).toBe(true);
    expect(await desk.releaseRoom('1')).toMatchObject({ kind: 'done' });
    expect(await byOperator()).toEqual(['room.requeued', 'room.requeued', 'room.erased', 'room.released']);
  });

  test('dead letters tried again and given up', async () => {
    const { desk, ledger } = s.t;
    await s.t.roster([{ id: 'a' }]);
    const park = async () => ledger.refuse(await theIntent(), 'occupied', 'park');
    await arrive(allocation('1'));
    await park();
    expect(await desk.replayDeadLetter('room-1')).toBe(true);
    await park();
    expect(await desk.deleteDeadLetter('room-1')).toBe(true);
    const poison = `entry-${await s.client.xadd(s.t.keys.inbox, '*', 'kind', 'allocation', 'request', 'p1')}`;
    await applying(inboxEmpty);
    await until(async () => (await desk.listDeadLetters()).length === 1, { what: 'the webhook buried' });
    expect(await desk.deleteDeadLetter(poison)).toBe(true);
    expect(await byOperator()).toEqual(['room.requeued', 'room.released', 'entry.deleted']);
  });

  test('nothing that the service does by itself', async () => {
    await s.t.roster([{ id: 'a' }]);
    await arrive(allocation('1'));
    await confirmAll();
    await s.t.roster([]);
    expect(await byOperator()).toEqual([]);
  });
});
