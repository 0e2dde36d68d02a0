/** Webhooks that cannot be applied, streams that are damaged, scripts that are forgotten, and drains of a long line. */
import { describe, expect, test } from 'bun:test';
import { Redis } from 'ioredis';
import { Scripts } from '../../src/redis/scripts';
import { ensureGroups } from '../../src/streams/groups';
import { allocation, resolved } from '../support/ledger';
import { onBothRedis } from '../support/ledger-suite';
import { until } from '../support/wait';

onBothRedis((s) => {
  const { send, arrive, confirmAll, stateOf, loadOf, theIntent, applying, inboxEmpty } = s;

  describe('a webhook that cannot be applied', () => {
    const rooms = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, i) => allocation(`room-${String(from + i).padStart(3, '0')}`));

    test('is buried at its fifth delivery; the others are applied in order', async () => {
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

    test('keeps its place when it is replayed, however often it was buried', async () => {
      // A record of a newer version: the room cannot be read by this one.
      const newer = Buffer.from([0x91, 0x02]);
      await s.client.hset(s.t.keys.rooms, 'odd', newer);
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
      await s.client.hdel(s.t.keys.rooms, 'odd');
      s.known.add('odd');
      await s.t.applyAll();
      expect((await s.t.desk.readQueue(null, 9)).rooms.map(({ roomId }) => roomId)).toEqual(['first', 'odd', 'last']);
    });
  });

  describe('the inbox is damaged', () => {
    test('a pending entry that was deleted is passed over', async () => {
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
