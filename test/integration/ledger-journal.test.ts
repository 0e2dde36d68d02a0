/**
 * The journal can be replayed: from its first record and from any snapshot, whatever goes on while that is written, whoever
 * writes it, and however much of the journal was trimmed. The suite's own check replays it after every test.
 */
import { beforeEach, describe, expect, test } from 'bun:test';
import { Ledger } from '../../src/ledger/index';
import { connect, mastersOf } from '../../src/redis/client';
import { Scripts } from '../../src/redis/scripts';
import { readBooks } from '../support/books';
import { differencesFrom } from '../support/differences';
import { brokenInReplay, brokenWhenQuiet } from '../support/invariants';
import { allocation, openTestLedger, resolved } from '../support/ledger';
import { onBothRedis } from '../support/ledger-suite';
import { startTestRedis } from '../support/redis';
import { beginnings, replay } from '../support/replay';

const FOR_EVER = 1e12;
const AGENTS = Array.from({ length: 90 }, (_, i) => ({ id: `agent-${i}`, channels: i % 3 ? null : ['10', '20'] }));

test('after a restart of Redis, whose hash tables are in another order, a snapshot begins anew', async () => {
  // Alone: replicas would need time to follow again.
  const redis = await startTestRedis({ kind: 'standalone' });
  try {
    const t = await openTestLedger(await connect(redis.url, 'command'));
    for (let i = 0; i < 600; i++) await t.append(allocation(String(i)));
    await t.applyAll();
    for (let i = 0; i < 5; i++) await t.ledger.snapshotJournal(FOR_EVER, FOR_EVER);
    t.client.disconnect();
    await redis.restart();
    const client = await connect(redis.url, 'command');
    const other = new Ledger(new Scripts(client, t.keys), () => t.clock.ms);
    while ((await other.snapshotJournal(FOR_EVER, FOR_EVER)) === 'more');
    const { journal, whole } = await readBooks(client, t.keys);
    const begun = journal.filter(({ event }) => event === 'snapshot.begun').map(({ id }) => id);
    expect(begun).toHaveLength(2);
    expect(beginnings(journal, whole)).toEqual([null, begun[1] ?? '']);
    expect(await brokenWhenQuiet(client, t.keys, null, ['0', '599'])).toEqual([]);
    client.disconnect();
  } finally {
    await redis.stop();
  }
}, 30_000);

onBothRedis((s) => {
  const { arrive, advance, confirmAll } = s;
  const channelOf = (n: number) => [null, '10', '20', '30'][n % 4] ?? null;
  const rooms = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, i) => allocation(String(from + i), { channelId: channelOf(from + i) }));
  const books = () => readBooks(s.client, s.t.keys);
  const countOf = async (event: string) => (await books()).journal.filter((record) => record.event === event).length;
  const part = (entries = FOR_EVER) => s.t.ledger.snapshotJournal(FOR_EVER, entries);
  async function snapshot(): Promise<void> {
    while ((await part()) === 'more');
  }

  /** Some of everything: rooms arrive, are confirmed, refused, deferred and resolved; agents come and go. */
  async function work(step: number): Promise<void> {
    await arrive(...rooms(step * 20, step * 20 + 20), resolved(String(step * 7)), resolved(String(step * 3 + 1)));
    const intents = await s.take(12);
    for (const [i, intent] of intents.entries()) {
      if (intent.kind === 'question') await s.t.ledger.answer(intent, 'resolved', { kind: 'answered', pauseMs: 0 });
      else if (i % 4 === 0) await s.t.ledger.refuse(intent, 'full', 'later', s.t.clock.ms + 1_000);
      else if (i % 4 === 1) {
        const how = { kind: 'slowed' as const, sent: i % 8 === 1, dueMs: s.t.clock.ms + 2_000, pauseMs: 0, limit: 8 };
        await s.t.ledger.defer(intent, 'slowed', how);
      } else if (i % 4 === 2) await s.t.ledger.confirm(intent, 'confirmed');
      else await s.t.ledger.refuse(intent, 'full', i % 8 === 3 ? 'park' : 'close');
    }
    if (step % 5 === 0) await s.t.roster(AGENTS.filter((_, i) => (i + step) % 4 !== 0));
    if (step % 7 === 0) await s.t.desk.setMaxCustomers(1 + (step % 3));
    if (step % 3 === 0) await s.t.desk.patchAgent(`agent-${step % 90}`, { paused: step % 2 === 0, maxCustomers: 3 });
    await advance(700);
  }

  test('a snapshot of 900 rooms that is written while everything goes on is exact at its end', async () => {
    await s.t.roster(AGENTS);
    await arrive(...rooms(10_000, 10_900));
    await confirmAll();
    for (let step = 0; (await part()) === 'more'; step++) await work(step);
    await s.t.desk.setMaxCustomers(9);
    await work(99);
    const now = await books();
    const [, newest] = beginnings(now.journal, now.whole);
    const replayed = replay(now.journal, newest ?? '');
    expect([...replayed.problems, ...differencesFrom(now, replayed)]).toEqual([]);
    expect([replayed.exact, replayed.rooms.size > 900, replayed.judged > 0]).toEqual([true, true, true]);
    const parts = now.journal.filter(({ event }) => event === 'snapshot.rooms').map(({ fields }) => fields.rooms ?? '');
    expect(Math.max(...parts.map((text) => text.split('\n').length))).toBeLessThanOrEqual(64);
    expect(parts.length).toBeGreaterThan(14);
  }, 60_000);

  test('a snapshot is written once, and the next when a quarter of the retention has passed', async () => {
    await s.t.roster([{ id: 'a' }]);
    await snapshot();
    expect(await part(400)).toBe('idle');
    await arrive(...rooms(0, 98));
    expect(await part(400)).toBe('idle');
    await arrive(...rooms(98, 101));
    expect(await part(400)).toBe('more');
    await snapshot();
    expect(await s.t.ledger.snapshotJournal(4_000, FOR_EVER)).toBe('idle');
    s.t.clock.ms += 1_000;
    expect(await s.t.ledger.snapshotJournal(4_000, FOR_EVER)).toBe('more');
  });

  test('another process goes on with the snapshot of one that died', async () => {
    await s.t.roster(AGENTS);
    await arrive(...rooms(0, 300));
    for (let i = 0; i < 4; i++) expect(await part()).toBe('more');
    const client = await connect(s.redis.url, 'command');
    const other = new Ledger(new Scripts(client, s.t.keys), () => s.t.clock.ms);
    await work(50);
    while ((await other.snapshotJournal(FOR_EVER, FOR_EVER)) === 'more');
    client.disconnect();
    expect([await countOf('snapshot.begun'), await countOf('snapshot.ended')]).toEqual([1, 1]);
  }, 30_000);

  test('marks that are forgotten are forgotten in a replay too', async () => {
    await arrive(...rooms(0, 80));
    await snapshot();
    await arrive(...Array.from({ length: 80 }, (_, i) => resolved(String(i), 7)));
    await advance(1_000, { keepMarkMs: 500 });
    await advance(0, { keepMarkMs: 500 });
    s.known.clear();
    const { rooms: left, journal, whole } = await books();
    expect([left.size, ...beginnings(journal, whole).map((from) => replay(journal, from).rooms.size)]).toEqual([
      0, 0, 0,
    ]);
  });

  test('the parts of a snapshot take at most 64 bytes a resolved room and 128 a room in line', async () => {
    const sizeNow = async () => Number(await s.client.memory('USAGE', s.t.keys.journal, 'SAMPLES', 0));
    const grownBy = async () => {
      const before = await sizeNow();
      // Due at once: nothing is kept.
      do await s.t.ledger.snapshotJournal(0, 0);
      while (await s.client.hexists(s.t.keys.meta, 'snapshot'));
      return (await sizeNow()) - before;
    };
    await arrive(...rooms(0, 2_000));
    const inLine = await grownBy();
    await arrive(...Array.from({ length: 2_000 }, (_, i) => resolved(String(i), 115_830_865)));
    const over = await grownBy();
    expect([inLine <= 2_000 * 128, over <= 2_000 * 64]).toEqual([true, true]);
  }, 30_000);

  describe('with small nodes, so that the stream is cut where it may be', () => {
    const ENTRIES = 400;
    beforeEach(async () => {
      for (const node of mastersOf(s.client)) await node.config('SET', 'stream-node-max-entries', '5');
    });

    test('[F70] the journal stays bounded, keeps what is promised, and can be replayed at every moment', async () => {
      await s.t.roster(AGENTS);
      let trimmed = false;
      for (let step = 0; step < 40; step++) {
        await work(step);
        for (let i = 0; i < 8; i++) await part(ENTRIES);
        await advance(0, { journalEntries: ENTRIES });
        const now = await books();
        const parts = now.journal.filter(({ event }) => event.startsWith('snapshot.')).length;
        if (step > 20) expect(beginnings(now.journal, now.whole)).not.toEqual([]);
        if (!now.whole) expect(now.journal.length - parts).toBeGreaterThanOrEqual(ENTRIES);
        // Retention, a share, and what is written while one snapshot is.
        expect(now.journal.length - parts).toBeLessThan(ENTRIES * 1.75);
        if (step % 6 === 0) expect(brokenInReplay(now)).toEqual([]);
        trimmed ||= !now.whole;
      }
      expect(trimmed).toBe(true);
      s.known.clear();
    }, 60_000);

    test('[F70] records that cannot be read do not keep the journal from being cut', async () => {
      await s.t.roster([{ id: 'a', online: false }]);
      await arrive(...rooms(0, 10));
      const hidden = [
        { key: s.t.keys.agents, id: 'a', raw: await s.client.hgetBuffer(s.t.keys.agents, 'a') },
        { key: s.t.keys.rooms, id: '3', raw: await s.client.hgetBuffer(s.t.keys.rooms, '3') },
      ];
      // A MessagePack array of one: a format that never was.
      for (const { key, id } of hidden) await s.client.hset(key, id, Buffer.from([0x91, 0x00]));
      await snapshot();
      await arrive(...rooms(10, 110));
      // Who closes rooms that waited for too long meets the record too, and passes it over.
      await advance(1_000, { journalEntries: 50, waitMaxMs: 1 });
      for (const { key, id, raw } of hidden) await s.client.hset(key, id, raw ?? '');
      const lacking = await books();
      const parts = lacking.journal.filter(({ event }) => event === 'snapshot.agents' || event === 'snapshot.rooms');
      expect(parts.map(({ fields }) => fields.unreadable)).toEqual(['1', '1']);
      expect(parts.map(({ fields: f }) => f.agents ?? f.rooms?.split('\n').length)).toEqual(['', 9]);
      // No replay may begin where something is missing; the next snapshot is whole again.
      expect([lacking.whole, beginnings(lacking.journal, lacking.whole)]).toEqual([false, []]);
      while ((await part(1)) === 'more');
      const now = await books();
      expect(beginnings(now.journal, now.whole)).toHaveLength(1);
    });

    test('old records go by their age too, and never past the last snapshot', async () => {
      const journalMs = 10_000;
      await arrive(...rooms(0, 100));
      await advance(20_000, { journalMs });
      expect((await books()).whole).toBe(true);
      await snapshot();
      await advance(9_000, { journalMs });
      expect((await books()).whole).toBe(true);
      await arrive(...rooms(100, 120));
      await advance(2_000, { journalMs });
      const { journal, whole } = await books();
      expect([whole, journal.some(({ event }) => event === 'snapshot.begun')]).toEqual([false, true]);
      expect(journal.findIndex(({ event }) => event === 'snapshot.begun')).toBeLessThan(5);
    });
  });
});
