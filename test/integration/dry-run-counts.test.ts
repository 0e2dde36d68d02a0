/** What a dry run counts by agent does not grow for ever: two counts for each agent of the roster, and none of those who left. */
import { expect, test } from 'bun:test';
import { allocation } from '../support/ledger';
import { onBothRedis } from '../support/ledger-suite';

const MANY = 400;

onBothRedis((s) => {
  /** A session of the room is compared: `ours` got it here, `theirs` there. */
  async function compare(roomId: string, ours: string, theirs: string): Promise<void> {
    await s.arrive(allocation(roomId));
    const [newest] = await s.t.desk.readDecisions(roomId, 1);
    const found = { roomId, last: newest?.id ?? '', place: '', ours, theirs, source: 'candidate' as const };
    expect(await s.t.ledger.compare(found)).toBe(true);
  }
  const noteLoads = () => s.t.ledger.noteCompared('loads', '{}');

  test('only agents whom we know are counted; the totals have all', async () => {
    await s.t.roster([{ id: 'a' }, { id: 'b' }]);
    for (let i = 0; i < 5; i++) await compare(`${i}`, 'a', i < 2 ? 'b' : `stranger-${i}`);
    const { given, sources, agreed } = await s.t.desk.readDryRun();
    expect(given).toEqual({ ours: new Map([['a', 5]]), theirs: new Map([['b', 2]]) });
    expect([sources.candidate, agreed]).toEqual([5, 0]);
  });

  test('what was counted for agents who left goes, a part with each reading of the agents', async () => {
    await s.t.roster([{ id: 'a' }]);
    await compare('1', 'a', 'a');
    const gone = Array.from({ length: MANY }, (_, i) => [`ours:gone-${i}`, '1', `theirs:gone-${i}`, '1']).flat();
    await s.client.hset(s.t.keys.compared, ...gone);
    const before = await s.client.hlen(s.t.keys.compared);
    await noteLoads();
    const after = await s.client.hlen(s.t.keys.compared);
    expect(after).toBeLessThan(before);
    // A part, not all: a script does bounded work.
    expect(after).toBeGreaterThan(MANY);
    for (let i = 0; i < MANY; i++) await noteLoads();
    const { given, sources, agreed } = await s.t.desk.readDryRun();
    expect(given).toEqual({ ours: new Map([['a', 1]]), theirs: new Map([['a', 1]]) });
    expect([sources.candidate, agreed]).toEqual([1, 1]);
    await s.t.roster([]);
    await s.t.desk.releaseRoom('1');
    await s.t.roster([]);
    for (let i = 0; i < 4; i++) await noteLoads();
    expect((await s.t.desk.readDryRun()).given).toEqual({ ours: new Map(), theirs: new Map() });
  });
});
