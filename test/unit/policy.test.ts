/** What each answer of Qiscus leads to: the whole table. */
import { describe, expect, test } from 'bun:test';
import { type Action, afterReading, decide, REFUSAL_DELAYS_MS } from '../../src/dispatch/policy';
import type { Intent } from '../../src/ledger/index';
import type { AssignOutcome, RoomReading } from '../../src/qiscus/model';

const intent = (more: Partial<Intent> = {}): Intent => ({
  id: '1-0',
  kind: 'assign',
  roomId: '7',
  agentId: 'agent_01',
  token: 1,
  refusals: 0,
  unknowns: 0,
  unsure: false,
  ...more,
});
const deferred = { do: 'defer', pauseMs: 0 } as const;

const cases: [string, AssignOutcome, Partial<Intent>, Action][] = [
  ['assigned', { kind: 'assigned' }, {}, { do: 'confirm', reason: 'confirmed' }],
  ['assigned after a lost answer', { kind: 'assigned' }, { unsure: true }, { do: 'confirm', reason: 'confirmed' }],
  ['not called: a dry run', { kind: 'not_made' }, { unsure: true }, { do: 'confirm', reason: 'dry_run' }],
  ['already resolved', { kind: 'resolved' }, {}, { do: 'close', reason: 'already_resolved' }],
  ['already resolved, unsure', { kind: 'resolved' }, { unsure: true }, { do: 'close', reason: 'already_resolved' }],
  ['somebody is in it', { kind: 'occupied' }, {}, { do: 'read', reason: 'exceed_max_agents' }],
  ['it is us who are in it', { kind: 'occupied' }, { unsure: true }, { do: 'confirm', reason: 'inferred' }],
  ['another 4xx', { kind: 'refused', status: 404 }, {}, { do: 'read', reason: 'refused_404' }],
  ['another 4xx, unsure', { kind: 'refused', status: 422 }, { unsure: true }, { do: 'read', reason: 'refused_422' }],
  [
    'our credentials are refused',
    { kind: 'denied', status: 401 },
    {},
    { ...deferred, kind: 'denied', sent: false, delayMs: 1_000, reason: 'denied_401' },
  ],
  [
    'too fast, with a time',
    { kind: 'slowed', retryAfterMs: 7_000 },
    {},
    { ...deferred, kind: 'slowed', sent: false, delayMs: 1_000, pauseMs: 7_000, reason: 'slow_down' },
  ],
  [
    'too fast, without one',
    { kind: 'slowed', retryAfterMs: null },
    {},
    { ...deferred, kind: 'slowed', sent: false, delayMs: 1_000, reason: 'slow_down' },
  ],
  [
    'no answer, it may be done',
    { kind: 'unknown', sent: true, reason: 'timeout' },
    {},
    { ...deferred, kind: 'unknown', sent: true, delayMs: 1_000, reason: 'timeout' },
  ],
  [
    'no connection, it is certainly not done',
    { kind: 'unknown', sent: false, reason: 'refused' },
    { unknowns: 2 },
    { ...deferred, kind: 'unknown', sent: false, delayMs: 4_000, reason: 'refused' },
  ],
];

describe('decide', () => {
  test.each(cases)('%s', (_, outcome, state, action) => expect(decide(outcome, intent(state), 1)).toEqual(action));

  test('backs off 1, 2, 4 … at most 30 s, and jitter takes at most half of it', () => {
    const delays = (jitter: number) =>
      [0, 1, 2, 3, 4, 5, 6, 50].map((unknowns) => {
        const action = decide({ kind: 'unknown', sent: true, reason: 'timeout' }, intent({ unknowns }), jitter);
        return action.do === 'defer' ? action.delayMs : Number.NaN;
      });
    expect(delays(1)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
    expect(delays(0)).toEqual([500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
  });
});

describe('afterReading', () => {
  const open: RoomReading = { kind: 'room', resolved: false };
  test('a room that is over is closed, whatever was refused before', () => {
    for (const refusals of [0, 3, 9])
      expect(afterReading({ kind: 'room', resolved: true }, 'refused_404', refusals)).toEqual({
        do: 'close',
        reason: 'shown_resolved',
      });
  });
  test('an open one gets three more tries after 1, 2 and 4 s, then it is parked', () => {
    expect(REFUSAL_DELAYS_MS).toEqual([1_000, 2_000, 4_000]);
    for (const [refusals, delayMs] of REFUSAL_DELAYS_MS.entries())
      expect(afterReading(open, 'exceed_max_agents', refusals)).toEqual({
        do: 'later',
        delayMs,
        reason: 'exceed_max_agents',
        doubt: false,
      });
    for (const refusals of [3, 4])
      expect(afterReading(open, 'exceed_max_agents', refusals)).toMatchObject({ do: 'park', doubt: false });
  });
  test('a room that is there and open was perhaps refused for its agent; an unknown or unread one was not', () => {
    for (const refusals of [0, 9]) {
      expect(afterReading(open, 'refused_404', refusals)).toMatchObject({ doubt: true });
      expect(afterReading({ kind: 'missing' }, 'refused_404', refusals)).toMatchObject({ doubt: false });
      expect(afterReading({ kind: 'denied', status: 401 }, 'refused_404', refusals)).toMatchObject({ doubt: false });
    }
  });
});
