/** Which rooms are looked at again, and when: rules about time, without a clock. */
import { describe, expect, test } from 'bun:test';
import type { JournalRecord } from '../../src/ledger/model';
import { Comebacks } from '../../src/reconcile/comebacks';

const LAG_MS = 10_000;
const MINUTE_MS = 60_000;
const NOW = 1_700_000_000_000;

/** A webhook without a service, of a room that was resolved so long before. */
const late = (room: string, atMs: number, agoMs: number, more: Record<string, string> = {}): JournalRecord => ({
  id: `${atMs}-0`,
  event: 'entry.stale',
  atMs,
  fields: { room, state: 'resolved', service: '0', since: String(atMs - agoMs), ...more },
});
const heard = (...records: JournalRecord[]) => {
  const comebacks = new Comebacks(LAG_MS);
  for (const record of records) comebacks.hear(record);
  return comebacks;
};
const rooms = (comebacks: Comebacks, nowMs: number) => comebacks.take(nowMs)?.roomIds ?? [];

describe('a room is due', () => {
  test.each([
    ['resolved long ago: when Qiscus has had the time to list it', MINUTE_MS, 3_000],
    ['resolved just now: when the resolve is older than the lag', 1_000, 9_000],
  ])('%s', (_, agoMs, dueMs) => {
    const comebacks = heard(late('1', NOW, agoMs));
    expect(rooms(comebacks, NOW + dueMs - 1)).toEqual([]);
    expect(comebacks.take(NOW + dueMs)).toEqual({ roomIds: ['1'], sinceMs: NOW - MINUTE_MS });
    expect(comebacks.take(NOW + dueMs)).toBeNull();
  });

  test('with a record that does not tell when it was resolved, after the lag', () => {
    const { since: _, ...fields } = late('1', NOW, 0).fields;
    const comebacks = heard({ ...late('1', NOW, 0), fields });
    expect(rooms(comebacks, NOW + LAG_MS - 1)).toEqual([]);
    expect(rooms(comebacks, NOW + LAG_MS)).toEqual(['1']);
  });

  test('at most once a minute, and not forgotten before', () => {
    const comebacks = heard(late('1', NOW, MINUTE_MS));
    expect(rooms(comebacks, NOW + 3_000)).toEqual(['1']);
    comebacks.hear(late('1', NOW + 4_000, MINUTE_MS));
    expect(rooms(comebacks, NOW + 62_999)).toEqual([]);
    expect(rooms(comebacks, NOW + 63_000)).toEqual(['1']);
  });

  test('also when its customer goes on writing', () => {
    const comebacks = heard(...Array.from({ length: 30 }, (_, s) => late('1', NOW + s * 1_000, MINUTE_MS)));
    expect(rooms(comebacks, NOW + 3_000 + LAG_MS)).toEqual(['1']);
  });

  test('at once when the clock was set back', () => {
    expect(rooms(heard(late('1', NOW, MINUTE_MS)), NOW - 24 * 60 * MINUTE_MS)).toEqual(['1']);
  });
});

test.each<[string, Record<string, string>]>([
  ['names a service', { service: '5' }],
  ['does not say anything of services', { service: '' }],
  ['is about a room that is open with us', { state: 'waiting' }],
  ['is a resolve', { state: 'not_held' }],
])('a webhook that %s makes nothing due', (_, fields) => {
  expect(rooms(heard(late('1', NOW, MINUTE_MS, fields)), NOW + MINUTE_MS)).toEqual([]);
});

test('keeps a thousand rooms, and none once forgotten', () => {
  const many = Array.from({ length: 1_001 }, (_, n) => late(String(n), NOW, MINUTE_MS));
  expect(rooms(heard(...many), NOW + MINUTE_MS)).toHaveLength(1_000);
  const comebacks = heard(...many);
  comebacks.forget();
  expect(rooms(comebacks, NOW + MINUTE_MS)).toEqual([]);
});
