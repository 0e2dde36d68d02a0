/** Why a room is where it is: each reason, each verdict, each key of the choice; and an office of 5,000 agents. */
import { describe, expect, test } from 'bun:test';
import type { RoomExplanation } from '../../src/ledger/explanation';
import { list, text } from '../../src/redis/reply';
import type { Reply } from '../../src/redis/scripts';
import { Scripts } from '../../src/redis/scripts';
import { allocation, openTestLedger, resolved } from '../support/ledger';
import { onBothRedis } from '../support/ledger-suite';

onBothRedis((s) => {
  const { arrive, confirmAll, advance, take, theIntent } = s;

  async function why(room: string): Promise<RoomExplanation> {
    const explained = await s.t.desk.explainRoom(room);
    if (!explained) throw new Error(`${room} is unknown`);
    return explained;
  }
  /** `id verdict lostBy` of each candidate, best first. */
  const verdicts = ({ candidates }: RoomExplanation) =>
    candidates.map(({ id, verdict, lostBy }) => [id, verdict, ...(lostBy ? [lostBy] : [])].join(' '));

  describe('the reason', () => {
    test('of a room that nobody knows is none', async () => {
      expect(await s.t.desk.explainRoom('1')).toBeNull();
    });

    test('nobody online: no agent at all, and all offline', async () => {
      await arrive(allocation('1'));
      expect(await why('1')).toMatchObject({ reason: 'nobody_online', next: null, total: 0, ahead: 0 });
      await s.t.roster([{ id: 'a', online: false }]);
      expect(await why('1')).toMatchObject({ reason: 'nobody_online', counts: { offline: 1 }, total: 1 });
    });

    test('calls stopped: nobody is online as far as we know, and Qiscus does not tell', async () => {
      await arrive(allocation('1'));
      await s.t.ledger.noteQiscus('denied', 60_000);
      expect(await why('1')).toMatchObject({ reason: 'calls_stopped' });
    });

    test('all full, also behind others; all paused; somebody of another channel only', async () => {
      await s.t.desk.setMaxCustomers(1);
      await s.t.roster([
        { id: 'a', channels: ['10'] },
        { id: 'b', channels: ['10'] },
      ]);
      await s.t.desk.patchAgent('b', { paused: true });
      const [first, second] = ['1', '2'].map((id) => allocation(id, { channelId: '10' }));
      if (first && second) await arrive(first, second, allocation('3', { channelId: '10' }));
      await arrive(allocation('4', { channelId: '20' }));
      const counts = { able: 0, full: 1, paused: 1, off_channel: 0 };
      expect(await why('2')).toMatchObject({ reason: 'all_full', ahead: 0, counts, total: 2 });
      expect(await why('3')).toMatchObject({ reason: 'all_full', ahead: 1 });
      expect(await why('4')).toMatchObject({ reason: 'no_agent_for_channel', ahead: 0, counts: { off_channel: 2 } });
      await s.t.desk.patchAgent('a', { paused: true });
      expect(await why('2')).toMatchObject({ reason: 'all_paused', counts: { full: 0, paused: 2 } });
    });

    test('its channel has agents, and only others are online: nobody online', async () => {
      await s.t.roster([
        { id: 'a', channels: ['10'] },
        { id: 'b', channels: ['20'], online: false },
      ]);
      await arrive(allocation('1', { channelId: '20' }));
      expect(await why('1')).toMatchObject({ reason: 'nobody_online', counts: { off_channel: 1, offline: 1 } });
      expect(verdicts(await why('1'))).toEqual(['b offline', 'a off_channel']);
    });

    test('reserved, assigned, resolved; the holder and the choice as it would be now', async () => {
      await s.t.roster([{ id: 'a' }, { id: 'b' }]);
      await arrive(allocation('1'));
      expect(await why('1')).toMatchObject({ reason: 'reserved', agentId: 'a', next: 'b' });
      await confirmAll();
      expect(await why('1')).toMatchObject({ reason: 'assigned', agentId: 'a', next: 'b', ahead: 0 });
      await arrive(resolved('1'));
      expect(await why('1')).toMatchObject({ reason: 'resolved', next: null, total: 0, candidates: [] });
    });

    test('calls stopped: the call of a reserved room waits for Qiscus; one under way does not', async () => {
      await s.t.roster([{ id: 'a' }]);
      await arrive(allocation('1'), allocation('2'));
      const [intent] = await take(1);
      await s.t.ledger.noteQiscus('denied', 60_000);
      expect([(await why('1')).reason, (await why('2')).reason]).toEqual(['reserved', 'calls_stopped']);
      if (intent) await s.t.ledger.confirm(intent, 'confirmed');
      await advance(61_000);
      await confirmAll();
      expect([(await why('1')).reason, (await why('2')).reason]).toEqual(['assigned', 'assigned']);
    });

    test('delayed after a refusal, until its time; parked', async () => {
      await s.t.roster([{ id: 'a' }]);
      await arrive(allocation('1'));
      const dueMs = s.t.clock.ms + 5_000;
      await s.t.ledger.refuse(await theIntent(), 'occupied', 'later', dueMs);
      expect(await why('1')).toMatchObject({ reason: 'delayed', dueMs, next: 'a' });
      expect(await s.t.desk.readRoom('1')).toMatchObject({ dueMs, call: null });
      await advance(5_000);
      expect(await why('1')).toMatchObject({ reason: 'reserved', dueMs: null });
      expect(await s.t.desk.readRoom('1')).toMatchObject({ dueMs: null, call: 'queued' });
      await s.t.ledger.refuse(await theIntent(), 'occupied', 'park');
      expect(await why('1')).toMatchObject({ reason: 'parked', next: 'a', dueMs: null });
    });

    test('in the middle of a drain: not yet, or behind older rooms of its channel or of another', async () => {
      await s.t.desk.setMaxCustomers(1);
      await s.t.roster([
        { id: 'a', channels: ['10', '20'] },
        { id: 'b', channels: ['30'] },
      ]);
      const at = (id: string, channelId: string) => allocation(id, { channelId });
      await arrive(at('a', '10'), at('b', '30'), ...Array.from({ length: 64 }, (_, i) => at(`${i}`, '10')));
      await arrive(at('head', '10'), at('next', '10'), at('other', '20'), at('own', '30'));
      const scripts = new Scripts(s.client, s.t.keys);
      expect(await scripts.run('set_max_customers', s.t.clock.ms, 'max_customers', 900)).toEqual(['more']);
      const reasons = await Promise.all(['head', 'next', 'other', 'own'].map(why));
      expect(reasons.map(({ reason, ahead, next }) => `${reason} ${ahead} ${next}`)).toEqual([
        'not_yet 0 a',
        'behind_others 1 a',
        'behind_others 0 a',
        'not_yet 0 b',
      ]);
      while ((await scripts.run('drain_line', s.t.clock.ms))[0] === 'more');
      expect((await why('own')).reason).toBe('reserved');
    });
  });

  describe('the verdicts', () => {
    test('each of them, best first, with loads and times', async () => {
      await s.t.desk.setMaxCustomers(1);
      const office = ['away', 'busy', 'offline', 'rest'].map((id) => ({ id, channels: ['10'] }));
      await s.t.roster([...office, { id: 'mail', channels: ['20'] }]);
      // `away` is set aside after two rooms that Qiscus would not give it.
      for (const id of ['1', '2']) {
        await arrive(allocation(id, { channelId: '10' }));
        expect(await s.agentOf(id)).toBe('away');
        await s.t.ledger.refuse(await theIntent(), 'not with this one', 'close', 0, true);
      }
      await arrive(allocation('3', { channelId: '10' }));
      await confirmAll();
      await s.t.desk.patchAgent('rest', { paused: true });
      const shown = [
        { id: 'away', channels: ['10'] },
        { id: 'busy', channels: ['10'], count: 2 },
      ];
      const others = [
        { id: 'rest', channels: ['10'] },
        { id: 'offline', channels: ['10'], online: false },
      ];
      const roster = [...shown, ...others, { id: 'mail', channels: ['20'] }, { id: 'new', channels: ['10'] }];
      await s.t.roster(roster);
      await s.t.roster(roster);
      await arrive(allocation('4', { channelId: '10' }));
      expect(await s.agentOf('4')).toBe('new');
      const explained = await why('4');
      expect(verdicts(explained)).toEqual([
        'new full',
        'busy full',
        'rest paused',
        'away aside',
        'offline offline',
        'mail off_channel',
      ]);
      expect(explained.counts).toEqual({ able: 0, full: 2, paused: 1, aside: 1, offline: 1, off_channel: 1 });
      const busy = explained.candidates.find(({ id }) => id === 'busy');
      const times = { lastAssignedMs: s.t.clock.ms, seenMs: s.t.clock.ms };
      expect(busy).toMatchObject({ load: 2, reserved: 0, assigned: 1, outside: 1, limit: 1, ...times });
      const off = explained.candidates.find(({ id }) => id === 'offline');
      expect(off).toMatchObject({ load: 0, lastAssignedMs: null });
      await advance(300_000);
      expect((await why('4')).candidates.find(({ id }) => id === 'away')?.verdict).toBe('offline');
    });

    test('a tie is lost by load, by the last assignment, by the id, in this order', async () => {
      await s.t.roster(['b', 'a', 'aa', 'c', 'd'].map((id) => ({ id })));
      await arrive(allocation('1'));
      await confirmAll();
      await s.t.desk.releaseRoom('1');
      await s.t.roster([{ id: 'd', count: 1 }, ...['b', 'a', 'aa', 'c'].map((id) => ({ id }))]);
      await s.t.desk.patchAgent('a', { paused: true });
      await arrive(allocation('2'));
      expect(await s.agentOf('2')).toBe('b');
      await s.t.desk.patchAgent('a', { paused: false });
      // `a` had a room, `b` has one reserved, `d` one that is not ours.
      expect(verdicts(await why('2'))).toEqual([
        'c next',
        'aa lost id',
        'a lost last_assigned',
        'b lost load',
        'd lost load',
      ]);
    });
  });

  test('5,000 agents: all counted, the best first, and each script of the walk short', async () => {
    const big = await openTestLedger(s.client, 3);
    const agents = Array.from({ length: 5_000 }, (_, i) => ({
      id: `agent_${i}`,
      channels: i % 2 ? null : [`${i % 7}`],
      online: i % 5 !== 0,
    }));
    for (let from = 0; from < agents.length; from += 64) {
      const entries = agents.slice(from, from + 64).map(({ id, channels, online }) => ({
        id,
        name: `Agent ${id}`,
        presence: online ? ('online' as const) : ('offline' as const),
        channels: channels?.join(',') ?? '*',
        customerCount: null,
      }));
      await big.ledger.applyRoster(entries, { begunMs: big.clock.ms, endedMs: big.clock.ms, lagMs: 0, last: true });
    }
    await big.append(allocation('1', { channelId: '4' }));
    await big.applyAll();
    await s.client.call('CONFIG', 'SET', 'slowlog-log-slower-than', '0');
    // It lists what scripts call, too.
    await s.client.call('CONFIG', 'SET', 'slowlog-max-len', '10000');
    await s.client.call('SLOWLOG', 'RESET');
    const explained = await big.desk.explainRoom('1');
    const slow = (await s.client.call('SLOWLOG', 'GET', '10000')) as Reply[];
    await s.client.call('CONFIG', 'SET', 'slowlog-log-slower-than', '10000');
    const { length: parts, ...times } = scriptTimes(slow);
    console.log(
      `explain_room, 5,000 agents: ${parts} scripts, the longest ${times.longest} µs, together ${times.all} µs`,
    );
    expect(parts).toBeGreaterThan(10);
    expect(explained?.total).toBe(5_000);
    expect(Object.values(explained?.counts ?? {}).reduce((sum, count) => sum + count, 0)).toBe(5_000);
    expect(explained?.candidates[0]).toMatchObject({ id: explained?.next ?? '', verdict: 'next' });
    expect(explained?.counts.off_channel).toBeGreaterThan(2_000);
  });
});

/** Of SLOWLOG's entries: how many scripts, the longest and the sum in µs. */
function scriptTimes(entries: Reply[]): { length: number; longest: number; all: number } {
  const times = entries.flatMap((entry) => {
    const [, , micros, args] = list(entry);
    return /^eval/i.test(text(list(args)[0])) ? [Number(micros)] : [];
  });
  return { length: times.length, longest: Math.max(...times), all: times.reduce((sum, one) => sum + one, 0) };
}
