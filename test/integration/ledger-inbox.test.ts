/** Webhooks that cannot be applied, streams that are damaged, scripts that are forgotten, and drains of a long line. */
import { beforeEach, describe, expect, test } from 'bun:test';
import { Redis } from 'ioredis';
import { Ledger } from '../../src/ledger/index';
import { Scripts } from '../../src/redis/scripts';
import { ensureGroups } from '../../src/streams/groups';
import { tried } from '../support/evidence';
import { allocation, resolved } from '../support/ledger';
import { onBothRedis } from '../support/ledger-suite';
import { until } from '../support/wait';

onBothRedis((s) => {
  const { send, arrive, confirmAll, stateOf, agentOf, loadOf, theIntent, applying, inboxEmpty } = s;

  describe('a webhook that cannot be applied', () => {
    const rooms = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, i) => allocation(`room-${String(from + i).padStart(3, '0')}`));

    test('[F20] is buried at its fifth delivery; the others are applied in order', async () => {
      await send(...rooms(0, 50));
      const poison = (await s.client.xadd(s.t.keys.inbox, '*', 'kind', 'allocation', 'request', 'p1')) as string;
      await send(...rooms(50, 100));
      await applying(inboxEmpty);
      expect((await s.t.desk.readQueue(null, 200)).rooms.map(({ roomId }) => roomId)).toEqual([...s.known].sort());
      expect(await s.t.desk.listDeadLetters()).toMatchObject([
        {
          id: `entry-${poison}`,
          kind: 'entry',
          roomId: null,
          attempts: 5,
          reason: 'the webhook could not be applied',
        },
      ]);
      const buried = (await s.client.xrange(s.t.keys.journal, '-', '+')).filter(([, fields]) =>
        fields.includes('entry.buried'),
      );
      expect(buried.map(([, fields]) => fields[fields.indexOf('entry') + 1])).toEqual([poison]);
      expect(await s.client.xpending(s.t.keys.inbox, 'ledger')).toMatchObject([0, null, null, null]);

      expect(await s.t.desk.deleteDeadLetter(`entry-${poison}`)).toBe(true);
      expect(await s.t.desk.deleteDeadLetter(`entry-${poison}`)).toBe(false);
      expect(await s.t.desk.listDeadLetters()).toEqual([]);
    });

    test('[F20] keeps its place when it is replayed, however often it was buried', async () => {
      // A record of no format that ever was: the room cannot be read.
      const broken = Buffer.from([0x91, 0x00]);
      await s.client.hset(s.t.keys.rooms, 'odd', broken);
      await send(allocation('first'));
      await s.t.append(allocation('odd', { customerName: 'Quixotic' }));
      await send(allocation('last'));
      const buryIt = () =>
        applying(async () => {
          await until(async () => (await s.t.desk.listDeadLetters()).length === 1, { what: 'the webhook buried' });
          await inboxEmpty();
        });
      await buryIt();
      for (let round = 0; round < 2; round++) {
        const [letter] = await s.t.desk.listDeadLetters();
        expect(JSON.stringify(await s.client.hgetall(s.t.keys.dead))).not.toContain('Quixotic');
        expect(await s.t.desk.replayDeadLetter(letter?.id ?? '')).toBe(true);
        expect(await s.t.desk.replayDeadLetter(letter?.id ?? '')).toBe(false);
        if (round === 0) await buryIt();
      }
      // What cannot be read was left alone.
      expect(await s.client.hgetBuffer(s.t.keys.rooms, 'odd')).toEqual(broken);
      await s.client.hdel(s.t.keys.rooms, 'odd');
      s.known.add('odd');
      await s.t.applyAll();
      expect((await s.t.desk.readQueue(null, 9)).rooms.map(({ roomId }) => roomId)).toEqual(['first', 'odd', 'last']);
    });
  });

  test('[F15] two workers go through the same webhooks, handed out to both: each is applied once, in order', async () => {
    const ids = Array.from({ length: 100 }, (_, i) => String(1_000 + i));
    await send(...ids.map((id) => allocation(id)));
    // Both go by one name in the group: what one was handed the other finds as its own.
    await s.client.xreadgroup('GROUP', 'ledger', 'ledger', 'COUNT', 100, 'STREAMS', s.t.keys.inbox, '>');
    const applied: number[] = [];
    const work = async (ledger: Ledger) => {
      for (let count = 0, left = true; left; count += 1) {
        const taken = await ledger.takeEntries('pending', 1);
        left = taken.kind !== 'taken' || taken.count > 0;
        if (!left) applied.push(count);
      }
    };
    const other = new Ledger(new Scripts(s.client, s.t.keys), () => s.t.clock.ms);
    await Promise.all([work(s.t.ledger), work(other)]);
    expect(Math.min(...applied)).toBeGreaterThan(10);
    expect(applied.reduce((sum, count) => sum + count)).toBe(ids.length);
    expect((await s.t.desk.readQueue(null, 200)).rooms.map(({ roomId }) => roomId)).toEqual(ids);
    const records = await s.client.xrange(s.t.keys.journal, '-', '+');
    expect(records.filter(([, fields]) => fields.includes('entry'))).toHaveLength(ids.length);
    tried(ids.length, 'F15');
  });

  describe('the inbox is damaged', () => {
    test('[F17] a pending entry that was deleted is passed over', async () => {
      const id = (await s.client.xadd(
        s.t.keys.inbox,
        '*',
        'kind',
        'allocation',
        'room',
        'gone',
        'request',
        'g',
      )) as string;
      await s.client.xreadgroup('GROUP', 'ledger', 'ledger', 'COUNT', 1, 'STREAMS', s.t.keys.inbox, '>');
      await s.client.xdel(s.t.keys.inbox, id);
      await send(allocation('1'));
      await applying(() => until(async () => stateOf('1'), { what: 'the next one applied' }));
      expect(await s.client.xpending(s.t.keys.inbox, 'ledger')).toMatchObject([0, null, null, null]);
      expect(await stateOf('gone')).toBeUndefined();
      s.explained.push('7 2 entries, 1 records, 0 to come');
    });

    test('its group is deleted while 1,000 entries wait: all are applied once, in order', async () => {
      const ids = Array.from({ length: 1_000 }, (_, i) => String(1_000 + i));
      await send(...ids.slice(0, 500).map((id) => allocation(id)));
      await applying(async () => {
        await until(async () => (await s.client.hlen(s.t.keys.rooms)) > 0, { what: 'the first ones applied' });
        await s.client.xgroup('DESTROY', s.t.keys.inbox, 'ledger');
        await send(...ids.slice(500).map((id) => allocation(id)));
        await s.client.xgroup('DESTROY', s.t.keys.inbox, 'ledger');
        await inboxEmpty();
      });
      const { rooms } = await s.t.desk.readQueue(null, 500);
      expect(rooms.map(({ roomId }) => roomId)).toEqual(ids.slice(0, 500));
      expect((await s.t.desk.readHealth()).waiting).toBe(1_000);
      const records = await s.client.xrange(s.t.keys.journal, '-', '+');
      expect(records.filter(([, fields]) => fields.includes('entry')).length).toBe(1_000);
    });

    test('the stream itself is deleted: what comes after is applied', async () => {
      await applying(async () => {
        await send(allocation('1'));
        await inboxEmpty();
        await s.client.del(s.t.keys.inbox);
        await send(allocation('2'));
        await until(() => stateOf('2'), { what: 'the next one applied' });
      });
      s.explained.push('7 1 entries, 2 records, 0 to come');
    });

    test('the outbox loses its group after a call was sent: the call is repeated, and known to be one', async () => {
      await s.t.roster([{ id: 'a' }]);
      await arrive(allocation('1'));
      const first = await theIntent();
      await s.client.xgroup('DESTROY', s.t.keys.outbox, 'dispatch');
      await ensureGroups(s.client, s.t.keys);
      const again = await theIntent();
      expect(again).toMatchObject({ roomId: '1', agentId: 'a', unsure: true });
      expect(await s.t.ledger.confirm(again, 'inferred')).toBe('done');
      expect(await s.t.ledger.confirm(first, 'confirmed')).toBe('fenced');
    });
  });

  test('Redis forgets its scripts all the time: nothing is noticed', async () => {
    const other = new Redis({ host: '127.0.0.1', port: s.redis.port });
    let flushing = true;
    const flush = (async () => {
      while (flushing) await other.script('FLUSH');
    })();
    await s.t.roster([{ id: 'a' }, { id: 'b' }]);
    for (let i = 0; i < 100; i++) {
      await arrive(allocation(String(i)));
      await confirmAll();
      await arrive(resolved(String(i)));
    }
    flushing = false;
    await flush;
    other.disconnect();
    expect([await loadOf('a'), await loadOf('b')]).toEqual([0, 0]);
    expect(
      (await s.client.xrange(s.t.keys.journal, '-', '+')).filter(([, f]) => f.includes('room.assigned')),
    ).toHaveLength(100);
  });

  describe('with a room waiting in each of 300 channels', () => {
    const ids = Array.from({ length: 300 }, (_, i) => String(1_000 + i));
    beforeEach(async () => {
      await arrive(...ids.map((id) => allocation(id, { channelId: id })));
    });

    /** How often Redis ran a command, in scripts too, while `body` ran. */
    async function callsOf(command: string, body: () => Promise<unknown>): Promise<number> {
      const other = new Redis({ host: '127.0.0.1', port: s.redis.port });
      await other.config('RESETSTAT');
      await body();
      const stats = await other.info('commandstats');
      other.disconnect();
      return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
    }

    test('a drain looks at no line when nobody has capacity, and stops when nobody has any more', async () => {
      const reading = () => s.t.roster([{ id: 'a' }, { id: 'b', channels: ['1001'] }]);
      await s.t.ledger.setInitialLimit(1);
      expect(await callsOf('zrange', reading)).toBeLessThan(20);
      expect([await agentOf('1000'), await agentOf('1001'), await agentOf('1002')]).toEqual(['a', 'b', null]);
      expect(await callsOf('zrange', reading)).toBeLessThan(20);
    });

    test('the queue is read page by page, in order, and a page looks only at the lines that it shows', async () => {
      await arrive(...ids.map((id) => allocation(`${id}-b`, { channelId: id })));
      await arrive(...ids.map((id) => allocation(`${id}-c`, { channelId: '1007' })));
      const order = ['', '-b', '-c'].flatMap((suffix) => ids.map((id) => id + suffix));
      const first = () => s.t.desk.readQueue(null, 10);
      expect(await callsOf('zrangebylex', first)).toBeLessThan(25);
      for (const limit of [7, 250, 500]) {
        const seen: string[] = [];
        let after: string | null = null;
        do {
          const page: Awaited<ReturnType<typeof first>> = await s.t.desk.readQueue(after, limit);
          expect(page.rooms.map(({ position }) => position)).toEqual(page.rooms.map((_, i) => seen.length + i + 1));
          seen.push(...page.rooms.map(({ roomId }) => roomId));
          after = page.next;
        } while (after !== null);
        expect(seen).toEqual(order);
      }
    });
  });

  test('dead letters are listed oldest first, rooms and webhooks together', async () => {
    await s.t.roster([{ id: 'a' }]);
    await s.t.desk.setMaxCustomers(9);
    const expected: string[] = [];
    for (let i = 0; i < 40; i++) {
      s.t.clock.ms += 1_000;
      if (i % 4 === 0) {
        await arrive(allocation(`room${i}`));
        for (const intent of await s.take()) await s.t.ledger.refuse(intent, 'occupied', 'park');
        expected.push(`room-room${i}`);
      } else {
        const id = await s.client.xadd(s.t.keys.inbox, '*', 'kind', 'allocation', 'request', `p${i}`);
        await expect(s.t.ledger.takeEntries('new')).rejects.toThrow();
        await s.t.ledger.buryEntry(1, 'poison');
        expected.push(`entry-${id}`);
      }
    }
    expect((await s.t.desk.listDeadLetters()).map(({ id }) => id)).toEqual(expected);
  });

  describe('a drain of more than 64 pairs', () => {
    const waiting = Array.from({ length: 200 }, (_, i) => String(1_000 + i));

    test('a raised limit serves all of the line, in order', async () => {
      await s.t.ledger.setInitialLimit(1);
      await s.t.roster([{ id: 'a' }, { id: 'b' }]);
      await arrive(...waiting.map((id) => allocation(id)));
      await s.t.desk.setMaxCustomers(100);
      expect((await s.t.desk.readHealth()).waiting).toBe(0);
      expect(await confirmAll()).toEqual(waiting);
      expect([await loadOf('a'), await loadOf('b')]).toEqual([100, 100]);
    });

    test('a hundred agents come online at once: all are served, in order', async () => {
      await arrive(...waiting.map((id) => allocation(id)));
      const agents = Array.from({ length: 100 }, (_, i) => ({ id: `agent_${i}` }));
      for (let i = 0; i < agents.length; i += 50) await s.t.roster([...agents.slice(0, i), ...agents.slice(i, i + 50)]);
      expect(await confirmAll()).toEqual(waiting);
    });

    test('no webhook is applied in between, whoever stops half-way', async () => {
      await s.t.ledger.setInitialLimit(1);
      await s.t.roster([{ id: 'a' }]);
      await arrive(...waiting.map((id) => allocation(id)));
      const scripts = new Scripts(s.client, s.t.keys);
      // 199 rooms wait and 199 may go: this makes 64 pairs and is then forgotten by its caller.
      expect(await scripts.run('set_max_customers', s.t.clock.ms, 'max_customers', 200)).toEqual(['more']);
      await send(allocation('newcomer'));
      const words: string[] = [];
      for (let taken = await s.t.ledger.takeEntries('new'); ; taken = await s.t.ledger.takeEntries('new')) {
        words.push(taken.kind);
        if (taken.kind !== 'more') break;
        expect(await stateOf('newcomer')).toBeUndefined();
      }
      expect(words).toEqual(['more', 'more', 'taken']);
      expect(await confirmAll()).toEqual(waiting);
      expect(await stateOf('newcomer')).toBe('waiting');
    });
  });
});
