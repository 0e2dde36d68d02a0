/** The rules for alerts: what holds, by health and settings; and what is said of it. */
import { describe, expect, test } from 'bun:test';
import type { LedgerHealth } from '../../src/ledger/model';
import { ALERT_CODES, type AlertCode } from '../../src/ledger/verdicts';
import { alertLine, alertsIn } from '../../src/reconcile/alerts';
import { healthy, record } from '../support/desk';

const RULES = { waitMinutes: 15, drift: 20, silenceMinutes: 90, repeatMinutes: 60 };
const MINUTE_MS = 60_000;
const calm: LedgerHealth = { ...healthy, waiting: 0, oldestWaitingMs: 0, parked: 0 };
const codes = (health: Partial<LedgerHealth>, more: { repairs?: number; silentMs?: number } = {}) =>
  alertsIn({ health: { ...calm, ...health }, repairs: 0, silentMs: 0, ...more }, RULES).map(({ code }) => code);

describe('an alert holds', () => {
  test('never when all is well', () => expect(codes({})).toEqual([]));

  test.each<[string, AlertCode[], Partial<LedgerHealth>, { repairs?: number; silentMs?: number }?]>([
    ['a minute too early', [], { waiting: 3, oldestWaitingMs: 14 * MINUTE_MS }],
    ['a customer who waits long', ['room_waiting_long'], { waiting: 3, oldestWaitingMs: 15 * MINUTE_MS }],
    ['nobody online, nobody waits', [], { agents: { online: 0, paused: 1, offline: 5 } }],
    ['nobody online', ['nobody_online'], { waiting: 1, agents: { online: 0, paused: 1, offline: 5 } }],
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
    const seen = { health: calm, repairs: 0, silentMs: 7 * 24 * 60 * MINUTE_MS };
    expect(alertsIn(seen, { ...RULES, silenceMinutes: null })).toEqual([]);
  });

  test('once for any number of rooms, with the count and the oldest', () => {
    const health = { ...calm, waiting: 900, oldestWaitingMs: 60 * MINUTE_MS, oldestWaitingRoomId: '7' };
    expect(alertsIn({ health, repairs: 0, silentMs: 0 }, RULES)).toEqual([
      { code: 'room_waiting_long', count: 900, roomId: '7' },
    ]);
  });
});

describe('what is said', () => {
  const line = (event: string, code: string) => alertLine({ ...record(1, { code, count: '3' }), event });

  test('every code has words and a level', () => {
    for (const code of ALERT_CODES) {
      expect(line('alert.raised', code)?.text).toMatch(/^[A-Za-z ,;]+: 3$/);
      expect(line('alert.repeated', code)?.text).toMatch(/^still: .+: 3$/);
      expect(line('alert.cleared', code)).toEqual({ level: 'warn', text: `over: ${code}` });
    }
    expect(line('alert.raised', 'nobody_online')?.level).toBe('error');
    expect(line('alert.raised', 'drift')?.level).toBe('warn');
  });

  test('a code of a newer version goes by its own name', () => {
    expect(line('alert.raised', 'tea_is_cold')).toEqual({ level: 'warn', text: 'tea_is_cold' });
  });

  test('other records are no alerts', () => expect(alertLine(record(1))).toBe(null));
});
