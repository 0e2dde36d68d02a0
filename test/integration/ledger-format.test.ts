/** A ledger that a newer version works on: this one changes, takes and buries nothing, whatever it meets. */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { FORMAT, NewerFormat } from '../../src/redis/format';
import { loadScript, Scripts, scriptNames } from '../../src/redis/scripts';
import { readBooks } from '../support/books';
import { allocation, resolved } from '../support/ledger';
import { onBothRedis } from '../support/ledger-suite';
import { until } from '../support/wait';

/** What may run beside a newer version: they touch nothing that has a format. */
const WITHOUT_FORMAT = ['append_entries', 'append_entry', 'take_lease'];

const failureOf = (call: Promise<unknown>) => call.then(() => null).catch((error: unknown) => error);

onBothRedis((s) => {
  const { arrive, send, confirmAll, applying } = s;
  const format = () => s.client.hget(s.t.keys.meta, 'format');

  describe('a ledger of a newer format', () => {
    beforeEach(async () => {
      await s.t.roster([{ id: 'a' }]);
      await arrive(allocation('1'), allocation('2'), allocation('3'));
      await confirmAll();
      await arrive(resolved('1'));
      await send(allocation('4'));
      await s.client.hset(s.t.keys.meta, 'format', FORMAT + 1);
    });

    test.each(scriptNames().filter((name) => !WITHOUT_FORMAT.includes(name)))(
      '[F65] %s refuses it and changes nothing',
      async (name) => {
        const before = await readBooks(s.client, s.t.keys);
        const scripts = new Scripts(s.client, s.t.keys);
        const failure = await failureOf(scripts.run(name, s.t.clock.ms, ...Array<number>(12).fill(1)));
        expect(failure).toBeInstanceOf(NewerFormat);
        expect(await readBooks(s.client, s.t.keys)).toEqual(before);
      },
    );

    test('the others touch nothing that has a format', () => {
      for (const name of WITHOUT_FORMAT) {
        const { keys } = loadScript(name);
        expect([name, keys.filter((noun) => noun !== 'inbox' && noun !== 'lease')]).toEqual([name, []]);
      }
    });

    test('it is told once, however often it is met', async () => {
      const told: number[] = [];
      const scripts = new Scripts(s.client, s.t.keys, (newer) => told.push(newer.format));
      for (let i = 0; i < 3; i++) await failureOf(scripts.run('open_ledger', s.t.clock.ms));
      expect(told).toEqual([FORMAT + 1]);
    });
  });

  describe('what a newer version left without a word about it', () => {
    /** Its loop goes on for more rounds than an entry that cannot be applied lives. */
    const stepsBack = () =>
      applying(async () => {
        await until(async () => (await format()) === String(FORMAT + 1), { what: 'the newer format on record' });
        const rounds = s.t.ledger;
        for (let i = 0; i < 7; i++) expect(await failureOf(rounds.takeEntries('pending'))).toBeInstanceOf(NewerFormat);
        expect(await failureOf(rounds.buryEntry(1, 'never'))).toBeInstanceOf(NewerFormat);
      });

    // The newer version is made up: it wrote nothing else, and goes as it came.
    afterEach(async () => {
      await s.client.hdel(s.t.keys.meta, 'format');
      expect(await s.client.hlen(s.t.keys.dead)).toBe(0);
    });

    test('[F65] an entry of the inbox: nothing of it is applied, nor what was read with it', async () => {
      await send(allocation('before'));
      const { inbox } = s.t.keys;
      const fields = ['kind', 'allocation', 'room', 'odd', 'request', 'odd', 'v', String(FORMAT + 1)];
      const odd = (await s.client.xadd(inbox, '*', ...fields)) as string;
      await send(allocation('after'));
      await stepsBack();
      expect((await s.client.xrange(inbox, '-', '+')).map(([id]) => id)).toContain(odd);
      expect(await s.client.xlen(inbox)).toBe(3);
      expect(await s.client.hlen(s.t.keys.rooms)).toBe(0);
    });

    test('[F65] a record: it stays as it was, and its webhook is left in the inbox', async () => {
      const newer = Buffer.from([0x91, FORMAT + 1]);
      await s.client.hset(s.t.keys.rooms, 'odd', newer);
      await send(allocation('odd'));
      await stepsBack();
      expect(await s.client.hgetBuffer(s.t.keys.rooms, 'odd')).toEqual(newer);
      expect(await s.client.xlen(s.t.keys.inbox)).toBe(1);
      await s.client.hdel(s.t.keys.rooms, 'odd');
    });
  });

  test('a ledger says nothing of the first format, nor do its entries, records and journal', async () => {
    expect(FORMAT).toBe(1);
    await s.t.roster([{ id: 'a' }]);
    await arrive(allocation('1'));
    expect(await format()).toBeNull();
    const record = (await s.client.hgetBuffer(s.t.keys.rooms, '1')) ?? Buffer.of();
    expect(record[1]).toBe(1);
    const [entry] = await s.client.xrange(s.t.keys.journal, '-', '+');
    expect(entry?.[1]).not.toContain('v');
  });
});
