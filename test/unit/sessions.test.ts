/** One session of a room among its journal records: where it begins and ends, whom we chose, what is known of theirs. */
import { describe, expect, test } from 'bun:test';
import type { JournalRecord } from '../../src/ledger/model';
import { sessionIn } from '../../src/reconcile/sessions';

let next = 0;
const record = (event: string, fields: Record<string, string> = {}): JournalRecord => {
  next += 1;
  return { id: `${next}-0`, event, atMs: next, fields };
};
/** Newest first, as the ledger answers them. */
const chain = (...oldestFirst: JournalRecord[]) => oldestFirst.toReversed();

const opened = (place: string, candidate?: string) =>
  record('room.reserved', { place, agent: 'a', ...(candidate && { candidate }) });
const assigned = (agent = 'a') => record('room.assigned', { agent });
const released = (more: Record<string, string> = {}) => record('room.released', { agent: 'a', ...more });

describe('a session that goes on', () => {
  test('is that of the newest records', () => {
    const records = chain(opened('1-0'), assigned('x'), released(), opened('2-0', 'c'), assigned('b'));
    expect(sessionIn(records, null)).toEqual({
      last: records[0]?.id ?? '',
      place: '2-0',
      ours: 'b',
      candidate: 'c',
      resolver: null,
      isCompared: false,
    });
  });

  test.each<[string, JournalRecord[]]>([
    ['nothing is known of the room', []],
    ['it is over', chain(opened('1-0'), assigned(), released())],
    ['it is over, and more was said since', chain(opened('1-0'), assigned(), released(), record('entry.stale'))],
    ['nobody has it', chain(record('room.waiting', { place: '1-0' }), record('entry.repeated'))],
  ])('is none when %s', (_, records) => expect(sessionIn(records, null)).toBeNull());

  test('is compared once', () => {
    const compared = record('room.compared', { place: '2-0' });
    expect(sessionIn(chain(opened('2-0'), assigned(), compared), null)).toMatchObject({ isCompared: true });
    expect(sessionIn(chain(opened('3-0'), assigned(), compared), null)).toMatchObject({ isCompared: false });
  });
});

describe('a session that ended', () => {
  test('is the one before its end, whatever came after it', () => {
    const end = released({ claimed_agent: 'r' });
    const records = chain(
      ...[opened('1-0', 'old'), assigned(), released()],
      ...[
        record('room.waiting', { place: '2-0', candidate: 'first' }),
        record('entry.repeated', { candidate: 'last' }),
      ],
      ...[record('room.reserved', { place: '2-0', agent: 'a' }), assigned(), end, opened('3-0', 'new'), assigned()],
    );
    const found = { place: '2-0', ours: 'a', candidate: 'last', resolver: 'r', isCompared: false };
    expect(sessionIn(records, end.id)).toEqual({ last: records[0]?.id ?? '', ...found });
  });

  test('was compared even when that was written after the next one began', () => {
    const end = record('room.superseded', { agent: 'a' });
    const records = chain(opened('1-0'), assigned(), end, opened('2-0'), record('room.compared', { place: '1-0' }));
    expect(sessionIn(records, end.id)).toMatchObject({ place: '1-0', isCompared: true });
    expect(sessionIn(chain(...records.toReversed(), assigned()), null)).toMatchObject({ isCompared: false });
  });

  test('in line: we had chosen nobody', () => {
    const end = record('room.released', { agent: '', was: 'waiting', claimed_agent: 'r' });
    expect(sessionIn(chain(record('room.waiting', { place: '1-0' }), end), end.id)).toMatchObject({
      ours: null,
      resolver: 'r',
    });
  });

  test('further back than the records reach: none', () => {
    expect(sessionIn(chain(opened('1-0'), assigned()), '999-0')).toBeNull();
  });
});
