/** Rooms on the wire. */
import { Type } from '@sinclair/typebox';
import type { JournalRecord, RoomView } from '../../ledger/model';
import { shape } from '../body';
import { RECORD_EXAMPLE, recordOnWire } from '../journal/model';
import { isoTime } from '../page';

export const RequeueBody = shape(
  Type.Object({ remove_agent: Type.Optional(Type.Boolean({ default: false })) }),
  'remove_agent, if given, must be true or false.',
);

export const EmptyBody = shape(Type.Object({}), 'The body must be empty or a JSON object.');

export const roomOnWire = (room: RoomView, decisions: JournalRecord[]) => ({
  status: 'success',
  room_id: room.roomId,
  state: room.state,
  agent_id: room.agentId,
  channel_id: room.channelId,
  source: room.source,
  customer_name: room.customerName,
  place: room.place,
  position: room.position,
  since: isoTime(room.sinceMs),
  due: room.dueMs === null ? null : isoTime(room.dueMs),
  call: room.call,
  attempts: room.attempts,
  decisions: decisions.map(recordOnWire),
});

export const ROOM_EXAMPLE = {
  status: 'success',
  room_id: '12345',
  state: 'assigned',
  agent_id: 'agent_01',
  channel_id: '1',
  source: 'wa',
  customer_name: 'Harpi',
  place: '1763842000000-0',
  position: null,
  since: '2025-11-22T20:06:40.000Z',
  due: null,
  call: null,
  attempts: 0,
  decisions: [RECORD_EXAMPLE],
};
