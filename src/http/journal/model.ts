/** Journal records on the wire, and the order of their ids. */
import type { JournalRecord } from '../../ledger/model';
import { isoTime } from '../page';

export const recordOnWire = ({ id, event, atMs, fields }: JournalRecord) => ({ id, event, at: isoTime(atMs), fields });

export const RECORD_ID = /^\d{1,16}-\d{1,16}$/;

/** Whether record `a` is younger than record `b`; ids are `<ms>-<sequence>`. */
export function isAfter(a: string, b: string): boolean {
  const [aMs = 0, aSequence = 0] = a.split('-').map(Number);
  const [bMs = 0, bSequence = 0] = b.split('-').map(Number);
  return aMs === bMs ? aSequence > bSequence : aMs > bMs;
}

export const RECORD_EXAMPLE = {
  id: '1763842000001-0',
  event: 'room.reserved',
  at: '2025-11-22T20:06:40.001Z',
  fields: { room: '12345', agent: 'agent_01', load: '0', limit: '2', runner_up: 'agent_02' },
};
