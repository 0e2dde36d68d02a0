/** The replay and its judge can fail: a small journal that is right, and every fault that is put into it is named. */
import { describe, expect, test } from 'bun:test';
import type { JournalRecord } from '../../src/ledger/model';
import { replay } from '../support/replay';

type Line = [event: string, fields: string];

/** Two agents; room 1 goes to a, room 2 to b, room 3 waits; b's room is resolved, and room 3 gets its slot. */
const RIGHT: Line[] = [
  ['limit.changed', 'from=0 to=1 by=initial_max_customers'],
  ['agent.joined', 'agent=a channels=*'],
  ['agent.online', 'agent=a'],
  ['agent.joined', 'agent=b channels=10,20'],
  ['agent.online', 'agent=b'],
  ['agent.joined', 'agent=c channels=*'],
  ['room.reserved', 'room=1 entry=1-0 place=1-0 channel= agent=a token=1 load=0 runner_up=b:0 full=0 off_channel=0'],
  ['room.reserved', 'room=2 entry=2-0 place=2-0 channel=10 agent=b token=2 load=0 runner_up= full=1 off_channel=0'],
  ['room.waiting', 'room=3 entry=3-0 place=3-0 channel=10 position=1 service=7'],
  ['room.waiting', 'room=4 entry=4-0 place=4-0 channel=20 position=1'],
  ['room.assigned', 'room=2 agent=b token=2'],
  ['room.released', 'room=2 entry=5-0 was=assigned agent=b service=9'],
  ['room.reserved', 'room=3 cause=5-0 place=3-0 channel=10 agent=b token=3 load=0 runner_up= full=1 off_channel=0'],
  ['snapshot.begun', 'limit=1'],
  ['snapshot.agents', 'snapshot=14-0 agents=a_1_____*'],
  ['snapshot.rooms', 'snapshot=14-0 rooms=2_resolved_12_9'],
  ['snapshot.ended', 'snapshot=14-0'],
];

function journal(lines: Line[]): JournalRecord[] {
  return lines.map(([event, text], i) => {
    const fields = Object.fromEntries(text.split(' ').map((pair) => pair.split('=', 2) as [string, string]));
    if (event === 'room.reserved')
      Object.assign(fields, { limit: '1', offline: '1', paused: '0', reason: 'least_loaded' });
    for (const name of ['rooms', 'agents']) if (fields[name]) fields[name] = fields[name].replaceAll('_', ' ');
    return { id: `${i + 1}-0`, event, atMs: i + 1, fields };
  });
}

test('a journal that is right is found right, and tells the state at its end', () => {
  const replayed = replay(journal(RIGHT), null);
  expect(replayed.problems).toEqual([]);
  expect([...replayed.rooms].map(([id, { state, agent, mark }]) => [id, state, agent, mark])).toEqual([
    ['1', 'reserved', 'a', 0],
    ['2', 'resolved', '', 9],
    ['3', 'reserved', 'b', 7],
    ['4', 'waiting', '', 0],
  ]);
  expect(replayed.judged).toBe(3);
});

describe('a fault is named:', () => {
  test.each<[string, [from: string, to: string], string]>([
    ['another agent', ['agent=a token=1', 'agent=b token=1'], 'the agent should be a, not b'],
    ['an agent that is offline', ['agent=a token=1', 'agent=c token=1'], 'the agent should be a, not c'],
    ['an agent above the limit', ['agent=b token=3', 'agent=a token=3'], 'load should be 1, not 0'],
    ['a wrong runner-up', ['runner_up=b:0', 'runner_up=c:0'], 'the runner-up should be b:0, not c:0'],
    ['a wrong count of the full', ['runner_up= full=1', 'runner_up= full=0'], 'full should be 1, not 0'],
    [
      'a younger room before an older one',
      ['room=3 cause=5-0 place=3-0 channel=10', 'room=4 cause=5-0 place=4-0 channel=20'],
      '4 overtakes 3',
    ],
    ['a token that does not grow', ['token=3', 'token=2'], 'token 2 after 2'],
    ['a second record of an entry', ['entry=4-0', 'entry=3-0'], 'a second record of entry 3-0'],
    ['a room that nobody knows', ['room=2 agent=b token=2', 'room=8 agent=b token=2'], 'is about 8, which is unknown'],
    [
      'a confirmation of somebody else',
      ['room=2 agent=b token=2', 'room=2 agent=a token=2'],
      'agent b, the record says a',
    ],
    ['another limit', ['limit=1', 'limit=2'], 'limit 1, the record says 2'],
    ['a snapshot that says otherwise', ['rooms=2_resolved_12_9', 'rooms=2_resolved_12_8'], '2: mark 9, in the books 8'],
    ['an agent of a snapshot whom nobody knows', ['agents=a_1', 'agents=z_1'], 'z is unknown'],
  ])('%s', (_, [from, to], named) => {
    const at = RIGHT.findIndex(([, text]) => text.includes(from));
    const broken = RIGHT.map(([event, text], i): Line => [event, i === at ? text.replace(from, to) : text]);
    expect(at).toBeGreaterThan(-1);
    expect(replay(journal(broken), null).problems.join('\n')).toContain(named);
  });

  test('an event that the replay does not know', () => {
    expect(replay(journal([...RIGHT, ['room.painted', 'room=1']]), null).problems.join()).toContain('not known');
  });
});
