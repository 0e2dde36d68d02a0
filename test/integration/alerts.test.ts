/** Alerts on a real ledger: raised once, told again now and then, told when over, whoever leads; shown as things are now. */
import { beforeEach, describe, expect, test } from 'bun:test';
import { idMs } from '../../src/ids';
import type { JournalRecord } from '../../src/ledger/model';
import { journalRecord } from '../../src/ledger/readings';
import { alertsShown } from '../../src/reconcile/alerts';
import { Watch } from '../../src/reconcile/watch';
import { fieldsOf } from '../../src/redis/reply';
import { allocation } from '../support/ledger';
import { onBothRedis } from '../support/ledger-suite';

const RULES = { waitMinutes: 15, drift: 3, silenceMinutes: null as number | null, repeatMinutes: 60 };
const MINUTE_MS = 60_000;
/** Here the list of agents is never too old: tests say when it is read. */
const configOf = (alerts: typeof RULES) => ({ alerts, rosterSyncSeconds: 24 * 3600 });

onBothRedis((s) => {
  const { arrive } = s;
  let seen = '0';
  let told: string[] = [];
  beforeEach(() => {
    seen = '0';
    told = [];
  });

  const journal = async (): Promise<JournalRecord[]> => {
    const found = await s.client.xrange(s.t.keys.journal, seen === '0' ? '-' : `(${seen}`, '+');
    seen = found.at(-1)?.[0] ?? seen;
    return found.map(([id, fields]) => journalRecord(id, fieldsOf(fields)));
  };
  /** One process's watch: a look, and a look after so many minutes, as if no other had come between. */
  const process = (rules = RULES) => new Watch(s.t.ledger, s.t.desk, configOf(rules));
  const look = async (watch: Watch, minutes = 0) => {
    s.t.clock.ms += minutes * MINUTE_MS;
    await watch.look();
    for (const { event, fields } of await journal()) {
      if (!event.startsWith('alert.')) continue;
      const { code, count, about = '-', since, until } = fields;
      const rest = event === 'alert.cleared' ? (Number(until) - Number(since)) / MINUTE_MS : `${count} ${about}`;
      told.push(`${event} ${code} ${rest}`);
    }
    return told.splice(0);
  };
  const shown = async (rules = RULES) => alertsShown(await s.t.desk.readHealth(), configOf(rules));
  const codes = async () => (await shown()).map(({ code, count }) => `${code} ${count}`);

  describe('a room waits and nobody is online', () => {
    const NOBODY = 'nobody_online 2 1';

    test('raised after a minute, once; told again after an hour; over five minutes after somebody came', async () => {
      await s.t.roster([{ id: 'a1', online: false }]);
      await arrive(allocation('1'), allocation('2'));
      const watch = process();
      expect(await look(watch)).toEqual([]);
      expect(await look(watch, 1)).toEqual([`alert.raised ${NOBODY}`]);
      const sinceMs = s.t.clock.ms;
      for (let i = 0; i < 10; i++) expect(await look(watch, 1)).toEqual([]);
      expect(await look(watch, 10)).toEqual(['alert.raised room_waiting_long 2 1']);
      expect(await look(watch, 40)).toEqual([`alert.repeated ${NOBODY}`]);
      expect(await codes()).toEqual(['nobody_online 2', 'room_waiting_long 2']);
      const [first] = (await s.t.desk.readQueue(null, 1)).rooms;
      const room = { id: '1', sinceMs: idMs(first?.place ?? '') };
      expect((await shown())[0]).toEqual({ code: 'nobody_online', sinceMs, count: 2, room });

      await s.t.roster([{ id: 'a1' }]);
      expect(await look(watch)).toEqual([]);
      expect(await look(watch, 4)).toEqual([]);
      // Both began and were last seen at different looks: 60 and 40 minutes.
      expect(await look(watch, 1)).toEqual(['alert.cleared nobody_online 60', 'alert.cleared room_waiting_long 40']);
      expect((await s.t.desk.readHealth()).alerts).toEqual([]);
    });

    test('is shown as it is at the moment, whatever the last look saw; it comes back as the same one', async () => {
      await s.t.roster([{ id: 'a1', online: false }]);
      await arrive(allocation('1'), allocation('2'));
      const watch = process();
      await look(watch);
      await look(watch, 1);
      const [first] = await shown();
      expect(first).toMatchObject({ code: 'nobody_online', count: 2 });
      await arrive(allocation('3'));
      expect(await codes()).toEqual(['nobody_online 3']);

      await s.t.desk.patchAgent('a1', { maxCustomers: 1 });
      await s.t.roster([{ id: 'a1' }]);
      expect(await codes()).toEqual([]);
      expect(await look(watch, 4)).toEqual([]);
      expect(await codes()).toEqual([]);
      await s.t.roster([{ id: 'a1', online: false }]);
      // One reading may be wrong: two make it true.
      await s.t.roster([{ id: 'a1', online: false }]);
      expect(await codes()).toEqual(['nobody_online 3']);
      expect(await look(watch)).toEqual([]);
      expect((await shown())[0]).toMatchObject({ count: 3, sinceMs: first?.sinceMs, room: first?.room });
    });

    test('that comes and goes is one alert', async () => {
      await s.t.roster([{ id: 'a1', online: false }]);
      await arrive(allocation('1'), allocation('2'), allocation('3'));
      const watch = process({ ...RULES, waitMinutes: 1 });
      const all: string[] = [];
      for (let minute = 0; minute < 30; minute++) {
        await s.t.desk.patchAgent('a1', { paused: minute % 3 === 0 });
        all.push(...(await look(watch, 1)));
      }
      expect(all.filter((line) => line.includes('room_waiting_long'))).toEqual(['alert.raised room_waiting_long 3 1']);
    });

    test('is not told anew by another leader, nor by one that comes back', async () => {
      await s.t.roster([{ id: 'a1', online: false }]);
      await arrive(allocation('1'), allocation('2'));
      const [first, second] = [process(), process()];
      await look(first);
      expect(await look(first, 1)).toEqual([`alert.raised ${NOBODY}`]);
      expect(await look(second)).toEqual([]);
      expect(await look(second, 2)).toEqual([]);
      expect(await look(first, 2)).toEqual([]);
      expect(await look(second, 55)).toEqual([`alert.raised room_waiting_long 2 1`]);
      expect(await look(first, 1)).toEqual([`alert.repeated ${NOBODY}`]);
      expect(await look(second, 1)).toEqual([]);
    });

    test('a clock that was set back does not silence it', async () => {
      await s.t.roster([{ id: 'a1', online: false }]);
      await arrive(allocation('1'), allocation('2'));
      const watch = process();
      await look(watch);
      await look(watch, 1);
      s.t.clock.ms -= 24 * 60 * MINUTE_MS;
      await look(watch);
      expect(await look(watch, 61)).toEqual([`alert.repeated ${NOBODY}`]);
    });
  });

  test('a parked room is told at once, shown with the time since it is parked, and gone with the cause', async () => {
    await s.t.roster([{ id: 'a1' }]);
    await arrive(allocation('1'));
    await s.take();
    s.t.clock.ms += 7 * MINUTE_MS;
    await s.t.ledger.reclaim(0, 1);
    const parkedAtMs = s.t.clock.ms;
    const watch = process();
    expect(await look(watch, 2)).toEqual(['alert.raised room_parked 1 1']);
    const room = { id: '1', sinceMs: parkedAtMs };
    expect(await shown()).toEqual([{ code: 'room_parked', count: 1, sinceMs: s.t.clock.ms, room }]);
    await s.t.desk.releaseRoom('1');
    expect(await shown()).toEqual([]);
  });

  describe('what only time shows', () => {
    const repaired = (n: number): JournalRecord => ({
      id: `${n}-0`,
      event: 'room.repaired',
      atMs: s.t.clock.ms,
      fields: {},
    });

    test('repairs add up within an hour, over a change of leader that heard none of them', async () => {
      const [first, second] = [process(), process()];
      first.see(repaired(1));
      first.see(repaired(2));
      expect(await look(first)).toEqual([]);
      s.t.clock.ms += MINUTE_MS;
      second.see(repaired(3));
      expect(await look(second)).toEqual(['alert.raised drift 3 -']);
      expect(await codes()).toEqual(['drift 3']);
      expect(await look(second, 57)).toEqual([]);
      s.t.clock.ms += 4 * MINUTE_MS;
      expect(await codes()).toEqual([]);
      expect(await look(second, 6)).toEqual(['alert.cleared drift 57']);
    });

    test('silence counts from the last allocation webhook that anybody heard', async () => {
      const rules = { ...RULES, silenceMinutes: 30 };
      const heard = async (watch: Watch) => {
        for (const record of await journal()) watch.see(record);
      };
      const [first, second] = [process(rules), process(rules)];
      await s.t.roster([{ id: 'a1' }]);
      s.t.clock.ms += 20 * MINUTE_MS;
      await arrive(allocation('1'));
      await heard(first);
      expect(await look(first, 29)).toEqual([]);
      expect(await look(second, 1)).toEqual(['alert.raised no_webhooks 30 -']);
      s.t.clock.ms += 3 * MINUTE_MS;
      expect(await shown(rules)).toMatchObject([{ code: 'no_webhooks', count: 33, room: null }]);
      await arrive(allocation('2'));
      await heard(second);
      expect(await look(second)).toEqual(['alert.cleared no_webhooks 0']);
      expect(await shown(rules)).toEqual([]);
      // Silent again: that is another alert, never a short silence of an old one.
      expect(await look(second, 30)).toEqual(['alert.raised no_webhooks 30 -']);
      expect(await look(second, 60)).toEqual(['alert.repeated no_webhooks 90 -']);
    });

    test('no words where nothing happens: one note, then none', async () => {
      const watch = process();
      await look(watch);
      const before = await s.t.client.hgetall(s.t.keys.meta);
      for (let i = 0; i < 5; i++) expect(await look(watch, 10)).toEqual([]);
      expect(await s.t.client.hgetall(s.t.keys.meta)).toEqual(before);
    });
  });
});
