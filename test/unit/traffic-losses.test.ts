/** How the traffic's summary tells what became of a lost webhook. */
import { expect, test } from 'bun:test';
import type { JournalRecord } from '../../src/ledger/model';
import { madeGood } from '../traffic/losses';

const record = (atMs: number, event: string, fields: Record<string, string>): JournalRecord => ({
  id: `${atMs}-0`,
  event,
  atMs,
  fields: { room: '1', ...fields },
});
const loss = (kind: 'agent_allocation' | 'mark_as_resolved', roomId = '1') => ({ kind, roomId, atMs: 100 });
const HELD = [
  record(10, 'room.reserved', { state: 'reserved', entry: '10-0' }),
  record(20, 'room.assigned', { state: 'assigned' }),
];

test.each([
  [
    'a chat that the lists of Qiscus showed',
    loss('agent_allocation'),
    [record(200, 'room.adopted', { state: 'waiting' })],
    'asked',
  ],
  [
    'a chat whose customer wrote again',
    loss('agent_allocation'),
    [record(200, 'room.waiting', { state: 'waiting', entry: '199-0' })],
    'webhook',
  ],
  [
    'a customer who was in line',
    loss('agent_allocation'),
    [record(10, 'room.waiting', { state: 'waiting', entry: '9-0' })],
    'needless',
  ],
  [
    'an end that was read',
    loss('mark_as_resolved'),
    [...HELD, record(200, 'room.repaired', { state: 'resolved' })],
    'asked',
  ],
  [
    'an end, and the customer came back',
    loss('mark_as_resolved'),
    [
      ...HELD,
      record(200, 'room.superseded', { state: 'resolved' }),
      record(200, 'room.reserved', { state: 'reserved', entry: '199-0' }),
    ],
    'webhook',
  ],
  [
    'an end that a call was told',
    loss('mark_as_resolved'),
    [...HELD, record(200, 'room.closed', { state: 'resolved' })],
    'call',
  ],
  ['an end of which nobody speaks', loss('mark_as_resolved'), HELD, 'silent'],
  ['another room', loss('agent_allocation', '2'), [record(200, 'room.adopted', {})], 'silent'],
] as const)('%s', (_, lost, journal, way) => {
  expect([...madeGood([lost], journal)]).toEqual([[way, 1]]);
});
