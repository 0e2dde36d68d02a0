/**
 * Records that cannot be read: a script that meets one changes nothing of what the record is about, the others go on, and all
 * is as it should be once it can be read again. The suite's own check looks at the whole state, journal included, after each test.
 */
import { describe, expect, test } from 'bun:test';
import pino from 'pino';
import { Dispatcher } from '../../src/dispatch/dispatcher';
import { type Intent, Ledger } from '../../src/ledger/index';
import { Trouble } from '../../src/ledger/trouble';
import { Scripts } from '../../src/redis/scripts';
import { ensureGroups } from '../../src/streams/groups';
import { allocation, resolved } from '../support/ledger';
import { CALM, onBothRedis } from '../support/ledger-suite';
import { until } from '../support/wait';

/** A MessagePack array of one: a format that never was. */
const NO_RECORD = Buffer.from([0x91, 0x00]);

onBothRedis((s) => {
  const { arrive, confirmAll, stateOf, agentOf, theIntent } = s;

  /** Runs `body` while the record of this room or agent cannot be read; it is as before then. */
  async function damaged<T>(kind: 'rooms' | 'agents', id: string, body: () => Promise<T>): Promise<T> {
    const key = s.t.keys[kind];
    const kept = await s.client.hgetBuffer(key, id);
    await s.client.hset(key, id, NO_RECORD);
    try {
      return await body();
    } finally {
      await s.client.hset(key, id, kept ?? '');
    }
  }
  const journalLength = () => s.client.xlen(s.t.keys.journal);
  const tokenOf = async (room: string) => (await s.t.desk.readRoom(room))?.token ?? 0;
  /** A question about room 1, which is assigned to `a`, in the hands of a dispatcher. */
  async function asked(): Promise<Intent> {
    await s.t.roster([{ id: 'a' }]);
    await arrive(allocation('1'));
    await confirmAll();
    await s.t.ledger.question('1', await tokenOf('1'));
    return theIntent();
  }
  const about = { kind: 'answered', pauseMs: 0 } as const;

  test.each(['rooms', 'agents'] as const)('an answer is not lost: of %s', async (kind) => {
    const intent = await asked();
    const answer = () => s.t.ledger.answer(intent, 'resolved', about);
    const before = await journalLength();
    const id = kind === 'rooms' ? '1' : 'a';
    await expect(damaged(kind, id, answer)).rejects.toThrow('a record cannot be read');
    expect([await s.client.xlen(s.t.keys.outbox), await journalLength()]).toEqual([1, before]);
    expect(await answer()).toBe('done');
    expect(await stateOf('1')).toBe('resolved');
  });

  const hands: [string, () => Promise<unknown>][] = [
    ['released', () => s.t.desk.releaseRoom('1')],
    ['repaired', async () => s.t.ledger.repair('1', await tokenOf('1'))],
    ['requeued', async () => s.t.desk.requeueRoom('1', await tokenOf('1'))],
  ];
  test.each(hands)('nothing is on record of a room that could not be %s', async (_, hand) => {
    await s.t.roster([{ id: 'a' }]);
    await arrive(allocation('1'));
    await confirmAll();
    const before = await journalLength();
    await expect(damaged('agents', 'a', hand)).rejects.toThrow('a record cannot be read');
    expect([await journalLength(), await stateOf('1')]).toEqual([before, 'assigned']);
    await hand();
    expect(await stateOf('1')).not.toBe('assigned');
  });

  test.each([
    ['ends the session', resolved('1', 5)],
    ['begins the next one', allocation('1', { finishedService: 5 })],
  ])('a webhook that %s is on record once', async (_, webhook) => {
    await s.t.roster([{ id: 'a' }]);
    await arrive(allocation('1', { finishedService: 1 }));
    await confirmAll();
    await s.send(webhook);
    const before = await journalLength();
    await expect(damaged('agents', 'a', () => s.t.ledger.takeEntries('new'))).rejects.toThrow('cannot be read');
    expect(await journalLength()).toBe(before);
    expect(await s.t.ledger.takeEntries('pending')).toMatchObject({ count: 1 });
  });

  /** What the ledger of `telling` passed over. */
  const told: string[][] = [];
  function telling(): Ledger {
    told.length = 0;
    return new Ledger(
      new Scripts(s.client, s.t.keys),
      () => s.t.clock.ms,
      (rooms) => told.push(rooms),
    );
  }

  describe('of many only that one is passed over', () => {
    test('calls that are handed out, and those that are taken over', async () => {
      const subject = telling();
      await s.t.roster([{ id: 'a' }, { id: 'b' }]);
      await arrive(allocation('1'), allocation('2'), allocation('3'));
      const taken = await damaged('rooms', '2', () => subject.takeIntents(9, 9, 1e9));
      expect(taken.kind === 'taken' && taken.intents.map(({ roomId }) => roomId)).toEqual(['1', '3']);
      expect(await damaged('rooms', '1', () => subject.reclaim(0, 8))).toBe(2);
      expect(told).toEqual([['2'], ['1']]);
      expect(await subject.reclaim(0, 8)).toBe(1);
      expect((await confirmAll()).sort()).toEqual(['1', '2', '3']);
    });

    test('a takeover whose agent cannot be read', async () => {
      const subject = telling();
      await s.t.roster([{ id: 'a' }, { id: 'b' }]);
      await arrive(allocation('1'), allocation('2'));
      await s.take();
      expect(await damaged('agents', 'a', () => subject.reclaim(0, 1))).toBe(1);
      expect([await stateOf('1'), await stateOf('2')]).toEqual(['reserved', 'parked']);
      expect(await subject.reclaim(0, 1)).toBe(1);
      expect([await stateOf('1'), told]).toEqual(['parked', [['1']]]);
    });

    test('what is due: it is due again later, whatever was to be done', async () => {
      const subject = telling();
      await s.t.roster([{ id: 'a' }, { id: 'b' }]);
      await arrive(allocation('1'), allocation('2'));
      for (const intent of await s.take()) await subject.refuse(intent, 'no', 'later', s.t.clock.ms + 1_000);
      s.t.clock.ms += 1_000;
      await damaged('rooms', '1', () => subject.advanceClock(CALM));
      expect([await stateOf('1'), await stateOf('2'), told]).toEqual(['waiting', 'reserved', [['1']]]);
      const { nextDueMs } = await subject.advanceClock(CALM);
      expect(nextDueMs).toBe(s.t.clock.ms + 30_000);
      s.t.clock.ms = nextDueMs;
      await subject.advanceClock(CALM);
      expect(await stateOf('1')).toBe('reserved');
    });

    test('what is due of a room that is gone goes, too', async () => {
      await s.client.zadd(s.t.keys.later, s.t.clock.ms, 'gone');
      expect(await telling().advanceClock(CALM)).toMatchObject({ more: false, nextDueMs: 0 });
      expect(told).toEqual([]);
    });

    test('rooms that waited for too long', async () => {
      const subject = telling();
      await arrive(allocation('1'), allocation('2'));
      s.t.clock.ms += 60_000;
      await damaged('rooms', '1', () => subject.advanceClock({ ...CALM, waitMaxMs: 1_000 }));
      expect([await stateOf('1'), await stateOf('2'), told]).toEqual(['waiting', 'resolved', [['1']]]);
    });

    test('calls that are queued anew after the outbox was lost', async () => {
      const subject = telling();
      await s.t.roster([{ id: 'a' }]);
      await arrive(allocation('1'), allocation('2'));
      await s.client.del(s.t.keys.outbox);
      const restore = { scripts: new Scripts(s.client, s.t.keys), nowMs: () => s.t.clock.ms };
      await damaged('rooms', '1', () => ensureGroups(s.client, s.t.keys, restore));
      expect(await s.client.xlen(s.t.keys.outbox)).toBe(1);
      await subject.advanceClock(CALM);
      expect((await confirmAll()).sort()).toEqual(['1', '2']);
    });

    test('rooms of an agent who goes, and what he was refused', async () => {
      await s.t.desk.setMaxCustomers(3);
      await s.t.roster([{ id: 'a' }]);
      await arrive(allocation('1'), allocation('2'), allocation('3'));
      const [one, two] = await s.take(2);
      if (!one || !two) throw new Error('there are two calls');
      await s.t.ledger.refuse(one, 'no', 'park', 0, true);
      expect(await damaged('rooms', '3', () => s.t.ledger.refuse(two, 'no', 'park', 0, true))).toBe('done');
      expect([await stateOf('1'), await stateOf('2'), await stateOf('3')]).toEqual(['parked', 'parked', 'reserved']);
    });
  });

  test('behind a head that cannot be read only its own channel waits, and only until it can be read', async () => {
    await s.t.desk.setMaxCustomers(1);
    const both = [{ id: 'a', channels: ['10', '20'] }];
    await s.t.roster(both);
    const on = (channelId: string) => ({ channelId });
    await arrive(allocation('held', on('10')), allocation('head', on('10')), allocation('next', on('20')));
    await confirmAll();
    await damaged('rooms', 'head', async () => {
      await arrive(resolved('held'), allocation('behind', on('10')));
      const subject = telling();
      const seen = { id: 'a', name: 'a', presence: 'online', channels: '10,20', customerCount: null } as const;
      const at = { begunMs: s.t.clock.ms, endedMs: s.t.clock.ms, lagMs: 0, last: true };
      await subject.applyRoster([seen], at);
      expect(await Promise.all(['next', 'behind'].map(stateOf))).toEqual(['reserved', 'waiting']);
      expect(told).toEqual([['head']]);
      const [overtook] = await s.t.desk.readDecisions('next', 1);
      s.explained.push(`5 ${overtook?.id} room.reserved: next overtakes head, which is older and a may serve it too`);
    });
    await confirmAll();
    await arrive(resolved('next'));
    expect(await Promise.all(['head', 'behind'].map(stateOf))).toEqual(['reserved', 'waiting']);
  });

  test('a room stays in line when the agent for it cannot be read', async () => {
    await s.t.desk.setMaxCustomers(1);
    await s.t.roster([{ id: 'a' }]);
    await arrive(allocation('1'), allocation('waits'));
    const raised = damaged('agents', 'a', () => s.t.desk.setMaxCustomers(2));
    await expect(raised).rejects.toThrow('a record cannot be read');
    expect((await s.t.desk.readQueue(null, 9)).rooms.map(({ roomId }) => roomId)).toEqual(['waits']);
    await s.t.desk.setMaxCustomers(3);
    expect(await stateOf('waits')).toBe('reserved');
  });

  test('a reading of agents leaves one as it was whose rooms cannot be read', async () => {
    await s.t.roster([{ id: 'a' }, { id: 'b' }]);
    await arrive(allocation('1'));
    await confirmAll();
    const moved = [{ id: 'a', channels: ['10'], count: 1 }, { id: 'b' }];
    const groups = () => s.client.hgetall(s.t.keys.groups);
    const before = [await groups(), await journalLength()];
    for (let i = 0; i < 3; i++)
      await expect(damaged('rooms', '1', () => s.t.roster(moved))).rejects.toThrow('cannot be read');
    expect([await groups(), await journalLength()]).toEqual(before);
    await s.t.roster(moved);
    expect((await s.t.desk.readAgent('a'))?.channels).toEqual(['10']);
  });

  test('a report is tried more and more rarely, and people are told of it once', async () => {
    await s.t.roster([{ id: 'a' }]);
    await arrive(allocation('1'));
    const lines: { event: string; room?: string }[] = [];
    const log = pino({ level: 'info' }, { write: (line) => lines.push(JSON.parse(line)) });
    let tries = 0;
    class Counting extends Ledger {
      override confirm(...args: Parameters<Ledger['confirm']>): ReturnType<Ledger['confirm']> {
        tries += 1;
        return super.confirm(...args);
      }
    }
    const nowMs = () => s.t.clock.ms;
    const limits = { concurrency: 8, ratePerSecond: 1_000, timeoutMs: 1_000, claimMs: 60_000 };
    const qiscus = {
      assignAgent: async () => ({ kind: 'assigned' }) as const,
      readRoom: async () => ({ kind: 'missing' }) as const,
    };
    const subject = new Counting(new Scripts(s.client, s.t.keys), nowMs);
    const dispatcher = new Dispatcher(subject, qiscus, limits, nowMs, async () => undefined, new Trouble(log), log);
    const begun = performance.now();
    await damaged('agents', 'a', async () => {
      dispatcher.poke();
      await until(() => tries === 4, { what: 'the fourth try' });
    });
    // 200, 400 and 800 ms.
    expect(performance.now() - begun).toBeGreaterThan(1_300);
    await until(async () => (await stateOf('1')) === 'assigned', { what: 'the report heard' });
    expect(await agentOf('1')).toBe('a');
    expect(lines).toMatchObject([{ event: 'script.failed', room: '1', what: 'report' }]);
    await dispatcher.stop(1_000);
  });
});
