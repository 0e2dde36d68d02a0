/** The rules for alerts: what holds, by health and settings; and what is said of it. */
import { describe, expect, test } from 'bun:test';
import type { LedgerHealth } from '../../src/ledger/model';
import { ALERT_CODES, type AlertCode } from '../../src/ledger/verdicts';
import { alertLine, alertsIn, alertsShown } from '../../src/reconcile/alerts';
import { Heard } from '../../src/reconcile/heard';
import { healthy, record } from '../support/desk';

const NOW_MS = Date.parse('2026-11-23T12:00:00Z');
const RULES = { alerts: { waitMinutes: 15, drift: 20, silenceMinutes: 90, repeatMinutes: 60 }, rosterSyncSeconds: 10 };
const MINUTE_MS = 60_000;
const calm: LedgerHealth = { ...healthy, waiting: 0, oldestWaitingMs: 0, parked: 0 };
const heardOf = ({ repairs = 0, silentMs = 0 }) =>
  Heard.of(`${calm.atMs - silentMs} ${Math.floor(calm.atMs / MINUTE_MS)}:${repairs}`);
const codes = (health: Partial<LedgerHealth>, more: { repairs?: number; silentMs?: number } = {}) =>
  alertsIn({ ...calm, ...health }, heardOf(more), RULES).map(({ code }) => code);

describe('an alert holds', () => {
  test('never when all is well', () => expect(codes({})).toEqual([]));

  test.each<[string, AlertCode[], Partial<LedgerHealth>, { repairs?: number; silentMs?: number }?]>([
    ['a minute too early', [], { waiting: 3, oldestWaitingMs: 14 * MINUTE_MS }],
    ['a customer who waits long', ['room_waiting_long'], { waiting: 3, oldestWaitingMs: 15 * MINUTE_MS }],
    ['nobody online, nobody waits', [], { agents: { online: 0, paused: 1, offline: 5 } }],
    ['nobody online', ['nobody_online'], { waiting: 1, agents: { online: 0, paused: 1, offline: 5 } }],
    [
      'nobody online when last read',
      [],
      { waiting: 1, agents: { online: 0, paused: 0, offline: 6 }, rosterAgeMs: 60_001 },
    ],
    [
      'nobody online, just read',
      ['nobody_online'],
      { waiting: 1, agents: { online: 0, paused: 0, offline: 6 }, rosterAgeMs: 60_000 },
    ],
    ['agents not read yet', [], { waiting: 1, agents: { online: 0, paused: 0, offline: 0 }, rosterAgeMs: null }],
    ['refused', ['qiscus_refuses'], { qiscus: { state: 'denied', untilMs: 1, failures: 4 } }],
    ['no answers', ['qiscus_refuses'], { qiscus: { state: 'open', untilMs: 1, failures: 5 } }],
    ['slowed down', [], { qiscus: { state: 'slowed', untilMs: 1, failures: 1 } }],
    ['parked', ['room_parked'], { parked: 1 }],
    ['some repairs', [], {}, { repairs: 19 }],
    ['many repairs', ['drift'], {}, { repairs: 20 }],
    ['a quiet hour', [], {}, { silentMs: 89 * MINUTE_MS }],
    ['a quiet hour and a half', ['no_webhooks'], {}, { silentMs: 90 * MINUTE_MS }],
  ])('%s', (_, expected, health, ...[more]) => expect(codes(health, more)).toEqual(expected));

  test('silence is no alert where nobody has said how long is too long', () => {
    const heard = heardOf({ silentMs: 7 * 24 * 60 * MINUTE_MS });
    expect(alertsIn(calm, heard, { ...RULES, alerts: { ...RULES.alerts, silenceMinutes: null } })).toEqual([]);
  });

  test('once for any number of rooms, with the count and the oldest', () => {
    const health = { ...calm, waiting: 900, oldestWaitingMs: 60 * MINUTE_MS, oldestWaitingRoomId: '7' };
    expect(alertsIn(health, heardOf({}), RULES)).toEqual([
      { code: 'room_waiting_long', count: 900, room: { id: '7', sinceMs: calm.atMs - 60 * MINUTE_MS } },
    ]);
  });

  test('and is shown only if it was raised: not what has just begun, nor what is away', () => {
    const health = { ...calm, parked: 2, waiting: 1, agents: { online: 0, paused: 0, offline: 1 } };
    const raised = (['room_waiting_long', 'room_parked'] as const).map((code) => ({ code, sinceMs: 5 }));
    expect(alertsShown({ ...health, alerts: raised }, RULES)).toEqual([
      { code: 'room_parked', count: 2, sinceMs: 5, room: { id: '888', sinceMs: calm.atMs - 7000 } },
    ]);
  });
});

describe('what is said', () => {
  const line = (event: string, code: string, fields: Record<string, string> = {}) => {
    const since = String(NOW_MS - 17 * MINUTE_MS);
    return alertLine({ ...record(1, { code, count: '3', since, ...fields }), atMs: NOW_MS, event });
  };

  test('every code has words and a level', () => {
    for (const code of ALERT_CODES) {
      expect(line('alert.raised', code)?.text).toMatch(/^[A-Za-z ,;]+: 3$/);
      expect(line('alert.repeated', code)?.text).toMatch(/^still, after 17 min: .+: 3$/);
      const until = String(NOW_MS - 5 * MINUTE_MS);
      expect(line('alert.cleared', code, { until })?.text).toMatch(/^over after 12 min: [A-Za-z ,]+$/);
      expect(line('alert.cleared', code)?.level).toBe('warn');
    }
    expect(line('alert.raised', 'nobody_online')?.level).toBe('error');
    expect(line('alert.raised', 'drift')?.level).toBe('warn');
  });

  test('a code of a newer version goes by its own name', () => {
    expect(line('alert.raised', 'tea_is_cold')).toEqual({ level: 'warn', text: 'tea_is_cold; count: 3' });
  });

  test('other records are no alerts', () => expect(alertLine(record(1))).toBe(null));
});
