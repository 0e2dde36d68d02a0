/** Why an agent got nothing: each verdict by the state of that time, the pages, the end of what the journal has. */
import { describe, expect, test } from 'bun:test';
import pino from 'pino';
import { agentDecisions } from '../../src/http/agents/decisions';
import { JournalReader } from '../../src/streams/journal';
import { allocation, resolved } from '../support/ledger';
import { onBothRedis } from '../support/ledger-suite';

onBothRedis((s) => {
  const { arrive, confirmAll, advance, theIntent } = s;

  const feed = () =>
    new JournalReader(s.client, { on: () => () => undefined }, s.t.keys.journal, pino({ level: 'silent' }));

  async function ask(agentId: string, { sinceMs = 0, after = null as string | null, limit = 100 } = {}) {
    const found = await agentDecisions(s.t.desk, feed(), { agentId, sinceMs, after, limit });
    if (!found) throw new Error(`${agentId} is unknown`);
    return found;
  }
  /** `room verdict load/limit` of each decision, oldest first. */
  const told = async (agentId: string) =>
    (await ask(agentId)).decisions.map((one) => `${one.roomId} ${one.verdict} ${one.load}/${one.limit}`).reverse();

  test('offline, paused, full, another channel, and each key of the choice; what it holds now is not what it held then', async () => {
    await s.t.roster([{ id: 'a', online: false }, { id: 'b' }]);
    await arrive(allocation('offline'));
    await s.t.roster([{ id: 'a' }, { id: 'b' }]);
    await s.t.desk.patchAgent('a', { paused: true });
    await arrive(allocation('paused'), resolved('paused'));
    await s.t.desk.patchAgent('a', { paused: false, maxCustomers: 1 });
    await arrive(allocation('chosen'), allocation('full'), resolved('full'));
    await confirmAll();
    await s.t.desk.patchAgent('a', { maxCustomers: null });
    await arrive(resolved('offline'), allocation('load'), resolved('load'), resolved('chosen'));
    await s.t.desk.setMaxCustomers(3);
    await s.t.roster([{ id: 'a', channels: ['10'] }, { id: 'b' }]);
    await arrive(allocation('off_channel', { channelId: '20' }), resolved('off_channel'));
    await s.t.roster([{ id: 'a' }, { id: 'c' }, { id: 'b' }]);
    await arrive(allocation('last_assigned'));
    expect(await s.agentOf('last_assigned')).toBe('c');
    expect(await told('a')).toEqual([
      'offline offline 0/2',
      'paused paused 0/2',
      'chosen chosen 0/1',
      'full full 1/1',
      'load load 1/2',
      'off_channel off_channel 0/3',
      'last_assigned last_assigned 0/3',
    ]);
    const { counts, decisions, next } = await ask('a');
    expect([counts.get('chosen'), counts.get('full'), next]).toEqual([1, 1, null]);
    expect(decisions[0]).toMatchObject({ agentId: 'c', chosenLoad: 0, atMs: s.t.clock.ms });
    // It came only now.
    const own = await told('c');
    expect(own.slice(-2)).toEqual(['off_channel not_joined null/null', 'last_assigned chosen 0/3']);
  });

  test('the id, and who was set aside for a while', async () => {
    await s.t.roster([{ id: 'a' }, { id: 'b' }]);
    await arrive(allocation('1'), resolved('1'), allocation('2'));
    expect(await told('b')).toEqual(['1 id 0/2', '2 id 0/2']);
    await s.t.ledger.refuse(await theIntent(), 'not with this one', 'close', 0, true);
    await arrive(allocation('3'));
    await s.t.ledger.refuse(await theIntent(), 'not with this one', 'close', 0, true);
    await arrive(allocation('aside'));
    const { clock } = s.t;
    clock.ms += 20_000;
    await arrive(allocation('offline'));
    await s.t.roster([{ id: 'a' }, { id: 'b' }]);
    await arrive(allocation('back'));
    expect((await told('a')).slice(-3)).toEqual(['aside aside 0/2', 'offline offline 0/2', 'back chosen 0/2']);
  });

  test('what came of the choices: got, refused, over before Qiscus said a word, under way; the same in pages', async () => {
    await s.t.roster([{ id: 'a' }]);
    await arrive(allocation('refused'));
    for (const due of [0, 0]) {
      await s.t.ledger.refuse(await theIntent(), 'no', 'later', s.t.clock.ms + due, false);
      await advance(1_000);
    }
    await s.t.ledger.refuse(await theIntent(), 'no', 'park', 0, false);
    await arrive(allocation('got'));
    await confirmAll();
    await arrive(allocation('dropped'), resolved('dropped'), resolved('got'), allocation('reserved'));
    const said = [
      ...['reserved reserved', 'dropped dropped', 'got got'],
      ...['refused refused', 'refused refused', 'refused refused'],
    ];
    const found = await ask('a');
    expect(found.decisions.map(({ roomId, end }) => `${roomId} ${end}`)).toEqual(said);
    expect(Object.fromEntries(found.ends)).toEqual({ got: 1, refused: 3, dropped: 1, reserved: 1 });
    const paged: string[] = [];
    for (let after: string | null = null, more = true; more; more = after !== null) {
      const page = await ask('a', { after, limit: 1 });
      paged.push(...page.decisions.map(({ roomId, end }) => `${roomId} ${end}`));
      after = page.next;
    }
    expect(paged).toEqual(said);
  });

  test('who left and came again: no agent here meanwhile, and before that nothing more is known', async () => {
    await s.t.roster([{ id: 'a' }, { id: 'b' }]);
    await arrive(allocation('before'), resolved('before'));
    await s.t.roster([{ id: 'b' }]);
    await s.t.roster([{ id: 'b' }]);
    await s.t.roster([{ id: 'b' }]);
    await arrive(allocation('meanwhile'), resolved('meanwhile'));
    await s.t.roster([{ id: 'a' }, { id: 'b' }]);
    const own = await told('a');
    expect(own).toContain('meanwhile not_joined null/null');
    expect(own.filter((one) => one.startsWith('before'))).toEqual(['before chosen 0/2']);
  });

  test('the fallback agent is no rival of those who are full', async () => {
    await s.t.desk.setMaxCustomers(1);
    await s.t.roster([{ id: 'a' }, { id: 'boss', channels: [] }]);
    await arrive(allocation('1', { channelId: '10' }), allocation('2', { channelId: '10' }));
    await advance(61_000, { fallbackAgentId: 'boss', fallbackAfterMs: 60_000 });
    expect(await s.agentOf('2')).toBe('boss');
    expect(await told('a')).toEqual(['1 chosen 0/1', '2 full 1/1']);
    expect(await told('boss')).toEqual(['1 off_channel 0/1', '2 chosen 0/1']);
  });

  describe('the walk', () => {
    async function morning(rooms: number) {
      await s.t.roster([{ id: 'a' }, { id: 'b' }]);
      for (let i = 0; i < rooms; i++) await arrive(allocation(`${i}`), resolved(`${i}`));
    }

    test('pages: the counts are of all that is left, the list goes on where it stopped', async () => {
      await morning(10);
      const first = await ask('b', { limit: 4 });
      expect([first.decisions.length, first.counts.get('id')]).toEqual([4, 10]);
      const second = await ask('b', { limit: 4, after: first.next });
      expect([second.decisions.map(({ roomId }) => roomId), second.counts.get('id')]).toEqual([
        ['5', '4', '3', '2'],
        6,
      ]);
      const third = await ask('b', { limit: 4, after: second.next });
      expect([third.decisions.map(({ roomId }) => roomId), third.next]).toEqual([['1', '0'], null]);
      expect(ask('a', { after: first.next })).rejects.toMatchObject({ code: 'INVALID_BODY' });
      expect(ask('b', { after: 'e30' })).rejects.toMatchObject({ code: 'INVALID_BODY' });
    });

    test('nothing before `since`; and how far back the journal reaches is told', async () => {
      await morning(3);
      const last = (await s.t.desk.readDecisions('2', 50)).find(({ event }) => event === 'room.reserved');
      const lastMs = Number.parseInt(last?.id ?? '', 10);
      const found = await ask('b', { sinceMs: lastMs });
      expect(found.countedFromMs).toBe(lastMs);
      expect(found.decisions.map(({ roomId }) => roomId)).toContain('2');
      expect((await ask('b', { sinceMs: lastMs + 3_600_000 })).decisions).toEqual([]);
      // Nothing was ever cut off: there is no time of which it does not tell.
      expect((await ask('b')).countedFromMs).toBe(0);
      const gone = await s.client.xtrim(s.t.keys.journal, 'MAXLEN', 3);
      await s.client.hset(s.t.keys.meta, 'journal_gone', gone);
      s.explained.push('7 the journal cannot be replayed: it was trimmed, and holds no snapshot');
      const [oldest] = await s.client.xrange(s.t.keys.journal, '-', '+', 'COUNT', 1);
      expect((await ask('b')).countedFromMs).toBe(Number.parseInt(oldest?.[0] ?? '', 10));
    });

    test('one call looks at 20,000 records at most, and the next one goes on', async () => {
      await morning(2);
      // Records that change nothing.
      for (let i = 0; i < 21; i++) {
        const batch = s.client.pipeline();
        for (let n = 0; n < 1_000; n++) batch.xadd(s.t.keys.journal, '*', 'event', 'qiscus.recovered', 'at', '1');
        await batch.exec();
      }
      const first = await ask('b');
      expect([first.decisions.length, first.next !== null]).toEqual([0, true]);
      const second = await ask('b', { after: first.next });
      expect(second.decisions.map(({ verdict }) => verdict)).toEqual(['id', 'id']);
      expect([second.next, first.countedFromMs >= second.countedFromMs]).toEqual([null, true]);
    });
  });
});
