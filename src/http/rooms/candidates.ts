/** Who would get a room, on the wire. */
import type { Candidate, RoomExplanation } from '../../ledger/explanation';
import { isoTime } from '../page';

/** More than anybody reads; all are counted. */
export const MOST_CANDIDATES = 500;

const timeOrNull = (ms: number | null) => (ms === null ? null : isoTime(ms));

const candidateOnWire = (candidate: Candidate) => ({
  id: candidate.id,
  name: candidate.name,
  verdict: candidate.verdict,
  lost_by: candidate.lostBy,
  load: candidate.load,
  reserved: candidate.reserved,
  assigned: candidate.assigned,
  outside: candidate.outside,
  limit: candidate.limit,
  last_assigned_at: timeOrNull(candidate.lastAssignedMs),
  seen_at: timeOrNull(candidate.seenMs),
});

export function candidatesOnWire(roomId: string, atMs: number, room: RoomExplanation) {
  const { able, ...others } = room.counts;
  return {
    status: 'success',
    room_id: roomId,
    state: room.state,
    agent_id: room.agentId,
    channel_id: room.channelId,
    at: isoTime(atMs),
    ahead: room.ahead,
    due: timeOrNull(room.dueMs),
    next: room.next,
    reason: room.reason,
    counts: { eligible: able, ...others },
    total: room.total,
    candidates: room.candidates.slice(0, MOST_CANDIDATES).map(candidateOnWire),
  };
}

export const CANDIDATES_EXAMPLE = candidatesOnWire('12345', 1_763_842_600_000, {
  state: 'waiting',
  agentId: null,
  channelId: '1',
  ahead: 0,
  dueMs: null,
  next: null,
  reason: 'all_full',
  counts: { able: 0, full: 1, paused: 0, aside: 0, offline: 0, off_channel: 0 },
  total: 1,
  candidates: [
    {
      id: 'agent_01',
      name: 'Agent 01',
      verdict: 'full',
      lostBy: null,
      load: 2,
      reserved: 0,
      assigned: 2,
      outside: 0,
      limit: 2,
      lastAssignedMs: 1_763_842_000_000,
      seenMs: 1_763_842_598_000,
    },
  ],
});
