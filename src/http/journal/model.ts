/** Journal records on the wire. */
import { STREAM_ID_PATTERN } from '../../ids';
import type { JournalRecord } from '../../ledger/model';
import { isoTime } from '../page';

export const recordOnWire = ({ id, event, atMs, fields }: JournalRecord) => ({ id, event, at: isoTime(atMs), fields });

export const RECORD_ID = new RegExp(`^${STREAM_ID_PATTERN}$`);

export const RECORD_EXAMPLE = {
  id: '1763842000001-0',
  event: 'room.reserved',
  at: '2025-11-22T20:06:40.001Z',
  fields: { room: '12345', agent: 'agent_01', load: '0', limit: '2', runner_up: 'agent_02' },
};
