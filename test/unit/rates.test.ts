/** Rates: the arithmetic, the joint between the past and the present, and what is forgotten. */
import { describe, expect, test } from 'bun:test';
import { Histogram } from '../../src/http/rates/histogram';
import { Minutes, MOST_MINUTES, Rates } from '../../src/http/rates/service';
import type { JournalRecord } from '../../src/ledger/model';
import { MemoryFeed, memoryApp } from '../support/memory-app';

const MINUTE_MS = 60_000;
const BEGUN_MS = 1_763_842_020_000;

/** A record so long after `BEGUN_MS`. */
const record = (afterMs: number, event: string, fields: Record<string, string> = {}): JournalRecord => ({
  id: `${BEGUN_MS + afterMs}-0`,
  event,
  atMs: BEGUN_MS + afterMs,
  fields: { room: '1', ...fields },
});
const place = (afterMs: number) => `${BEGUN_MS + afterMs}-0`;

describe('percentiles', () => {
  test('are right within 5 %, whatever the times are', () => {
    for (const scale of [1, 40, 90_000, 600_000_000]) {
      const times = Array.from({ length: 999 }, (_, i) => scale * (1 + ((i * 7919) % 999) / 100));
      const histogram = new Histogram();
      for (const ms of times) histogram.add(ms);
      times.sort((a, b) => a - b);
      for (const share of [0.5, 0.95]) {
        const right = times[Math.ceil(share * times.length) - 1] ?? 0;
        expect(Math.abs((histogram.percentile(share) ?? 0) / right - 1)).toBeLessThan(0.05);
      }
    }
  });

  test('of nothing are null, of one time that time', () => {
    expect(new Histogram().percentile(0.5)).toBeNull();
    const one = new Histogram();
    one.add(-3);
    expect(one.percentile(0.95)).toBeLessThanOrEqual(1);
  });
});

describe('minutes', () => {
  const counted = (...records: JournalRecord[]) => {
    const minutes = new Minutes();
    for (const one of records) minutes.count(one);
    return minutes;
  };

  test('count arrivals, reservations, assignments, ends and repairs where they happened', () => {
    const [first, second] = counted(
      record(0, 'room.waiting', { entry: place(0), place: place(0) }),
      record(1_000, 'room.reserved', { entry: place(1_000), place: place(1_000), room: '2' }),
      record(2_000, 'room.assigned', { room: '2', waited: '1000', took: '1000' }),
      record(3_000, 'room.released', { room: '2', reason: 'resolved' }),
      // Reserved by the drain: it has arrived before.
      record(60_001, 'room.reserved', { place: place(0), cause: place(3_000) }),
      record(61_000, 'call.sent'),
      record(61_500, 'room.assigned', { waited: '61500', took: '1499' }),
      record(62_000, 'room.repaired'),
      record(63_000, 'room.adopted', { room: '3' }),
    ).last(2, BEGUN_MS + MINUTE_MS + 1);
    expect(first).toMatchObject({ atMs: BEGUN_MS, arrived: 2, reserved: 1, assigned: 1, resolved: 1, repaired: 0 });
    expect(second).toMatchObject({ arrived: 1, reserved: 1, assigned: 1, resolved: 1, repaired: 2 });
    expect(second?.wait.percentile(0.5)).toBeWithin(58_500, 64_500);
    expect(second?.assign.percentile(0.5)).toBeWithin(1_400, 1_600);
  });

  test('a room that its customer revives has not arrived anew', () => {
    const [minute] = counted(
      record(0, 'room.reserved', { entry: place(0), session: 'revived', place: place(-9_000) }),
    ).last(1, BEGUN_MS);
    expect(minute).toMatchObject({ arrived: 0, reserved: 1 });
  });

  test('a wait counts when an agent first has the room: no refused try, and not again when it is taken from him', () => {
    const tries = Array.from({ length: 7 }, (_, n) => [
      record(n * 1_000, 'room.reserved', { place: place(0) }),
      record(n * 1_000 + 100, 'room.refused'),
    ]).flat();
    const first = [record(8_000, 'room.reserved'), record(8_200, 'room.assigned', { waited: '8200', took: '200' })];
    const taken = [
      record(50_000, 'room.requeued', { was: 'assigned' }),
      record(50_001, 'room.reserved', { place: place(0) }),
      record(50_201, 'room.assigned', { waited: '', took: '200' }),
    ];
    const [minute] = counted(...tries, ...first, ...taken).last(1, BEGUN_MS);
    expect(minute).toMatchObject({ reserved: 9, assigned: 2 });
    for (const share of [0.01, 0.5, 1]) expect(minute?.wait.percentile(share)).toBeWithin(7_800, 8_600);
    for (const share of [0.01, 1]) expect(minute?.assign.percentile(share)).toBeWithin(190, 210);
  });

  test('older than the most are forgotten', () => {
    const minutes = counted(record(0, 'room.adopted'), record(MOST_MINUTES * MINUTE_MS, 'room.adopted'));
    expect(minutes.last(MOST_MINUTES + 1, BEGUN_MS + MOST_MINUTES * MINUTE_MS).map(({ arrived }) => arrived)).toEqual([
      ...Array.from({ length: MOST_MINUTES }, () => 0),
      1,
    ]);
  });
});

describe('following the journal', () => {
  const arrivals = async (rates: Rates) => {
    const { complete, minutes } = await rates.read(MOST_MINUTES, BEGUN_MS);
    return complete ? minutes.reduce((sum, { arrived }) => sum + arrived, 0) : null;
  };

  test('nothing is missed and nothing counted twice between the past and the present', async () => {
    const feed = new MemoryFeed();
    for (let i = 0; i < 1_200; i++) feed.records.push(record(i, 'room.adopted'));
    let next = 1_200;
    feed.whilePaging = () => {
      // Told while a page is on its way that does not have it.
      feed.add(record(next++, 'room.adopted'));
    };
    const rates = new Rates({ feed, gone: new AbortController().signal }, BEGUN_MS);
    expect(await arrivals(rates)).toBe(next);
    feed.add(record(next++, 'room.adopted'));
    expect(await arrivals(rates)).toBe(next);
  });

  test('goes on where it stopped when the past could not be read, and ends with the app', async () => {
    const feed = new MemoryFeed();
    for (let i = 0; i < 900; i++) feed.records.push(record(i, 'room.adopted'));
    let pages = 0;
    feed.whilePaging = () => {
      if (++pages === 2) throw new Error('Redis is away');
    };
    const gone = new AbortController();
    const rates = new Rates({ feed, gone: gone.signal }, BEGUN_MS);
    expect(await arrivals(rates)).toBeNull();
    expect(await arrivals(rates)).toBe(900);
    expect(feed.listeners.size).toBe(1);
    gone.abort();
    expect(feed.listeners.size).toBe(0);
  });
});

describe('over HTTP', () => {
  test('nobody listens until somebody asks; then once', async () => {
    const { feed, send } = memoryApp();
    const before = feed.listeners.size;
    for (let i = 0; i < 2; i++) await send('GET', '/api/v1/rates?minutes=5');
    expect(feed.listeners.size).toBe(before + 1);
  });

  test('minutes are 1 to 60', async () => {
    const { send } = memoryApp();
    for (const wrong of ['0', '61', '-1', '1.5', 'x', '']) {
      expect((await send('GET', `/api/v1/rates?minutes=${wrong}`)).status).toBe(422);
    }
    const body = (await (await send('GET', '/api/v1/rates')).json()) as { minutes: { at: string }[] };
    expect(body.minutes.length).toBe(60);
    expect(body.minutes[0]).toMatchObject({ arrived: 0, wait_p50_seconds: null, assign_p95_seconds: null });
  });
});
