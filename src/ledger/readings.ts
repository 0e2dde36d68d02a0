/**
 * What the scripts answer whom the HTTP side asks (desk.ts), decoded to the values of model.ts. Pure.
 * What no script of ours says is a fault of ours, and thrown.
 */
import { list, number, text, textOrNull, unexpected } from '../redis/reply';
import type { Reply } from '../redis/scripts';
import type {
  AgentView,
  DeadLetter,
  HandResult,
  JournalRecord,
  LedgerHealth,
  QueueItem,
  RaisedAlert,
  RoomView,
} from './model';
import { ALERT_CODES, ROOM_STATES, type RoomState } from './verdicts';

const BREAKER_STATES = ['closed', 'open', 'denied', 'slowed'] as const;
const WEBHOOK_FINDINGS = ['ok', 'unset', 'disabled', 'elsewhere'] as const;
const CALLS = ['queued', 'sent', 'unknown'] as const;

export function roomState(value: Reply | undefined): RoomState {
  const word = text(value);
  const state = ROOM_STATES.find((state) => state === word);
  if (!state) throw new Error('a script answered an unknown room state');
  return state;
}

/** One journal record as streams answer it: id, then fields. */
export function journalRecord(id: string, fields: Record<string, string>): JournalRecord {
  const { event = '', at = '0', ...rest } = fields;
  return { id, event, atMs: Number(at), fields: rest };
}

export function agentView(item: Reply): AgentView {
  const [id, name, online, paused, reserved, assigned, outside, limit, own, channels, counted, last] = list(item);
  const listed = text(channels);
  return {
    id: text(id),
    name: text(name),
    online: number(online) === 1,
    paused: number(paused) === 1,
    load: number(reserved) + number(assigned) + number(outside),
    reserved: number(reserved),
    assigned: number(assigned),
    outside: number(outside),
    outsideKnown: number(counted) === 1,
    limit: number(limit),
    maxCustomers: number(own) < 0 ? null : number(own),
    channels: listed === '*' ? null : listed.split(',').filter(Boolean),
    lastAssignedMs: number(last) || null,
  };
}

export function roomView(roomId: string, reply: Reply[]): RoomView {
  const [, state, agent, channel, source, name, place, position, since, attempts, token, due, call] = reply;
  return {
    roomId,
    state: roomState(state),
    agentId: textOrNull(agent),
    token: number(token),
    channelId: textOrNull(channel),
    source: textOrNull(source),
    customerName: textOrNull(name),
    place: text(place),
    position: number(position) || null,
    sinceMs: number(since),
    dueMs: number(due) || null,
    call: CALLS.find((word) => word === call) ?? null,
    attempts: number(attempts),
  };
}

/** @param limit how many were asked for: fewer than that is the end */
export function queuePage(
  [, total, before, ...items]: Reply[],
  limit: number,
): { total: number; rooms: QueueItem[]; next: string | null } {
  const rooms = items.map((item, i): QueueItem => {
    const [roomId, at, channel, since] = list(item);
    return {
      roomId: text(roomId),
      position: number(before) + i + 1,
      place: text(at),
      channelId: textOrNull(channel),
      sinceMs: number(since),
    };
  });
  const last = rooms.at(-1);
  return {
    total: number(total),
    rooms,
    next: last && rooms.length === limit ? `${last.place}/${last.roomId}` : null,
  };
}

export function handResult(reply: Reply[]): HandResult {
  if (reply[0] === 'done') return { kind: 'done', state: roomState(reply[1]) };
  if (reply[0] === 'unknown') return { kind: 'unknown' };
  return { kind: 'wrong_state', state: roomState(reply[1]), agentId: textOrNull(reply[2]) };
}

export function deadLetter(item: Reply): DeadLetter {
  const [word, id, since, attempts, reason] = list(item);
  const kind = text(word) === 'room' ? 'room' : 'entry';
  return {
    id: `${kind}-${text(id)}`,
    kind,
    roomId: kind === 'room' ? text(id) : null,
    reason: text(reason),
    sinceMs: number(since),
    attempts: number(attempts),
  };
}

/** A code that this version does not know is a newer one's. */
function raisedAlert(item: Reply): RaisedAlert[] {
  const [word, since] = list(item);
  const code = ALERT_CODES.find((known) => known === word);
  return code ? [{ code, sinceMs: number(since) }] : [];
}

/** @param atMs the ledger's time after the reading */
export function healthOf(reply: Reply[], atMs: number): LedgerHealth {
  const [inbox, inboxOldest, outbox, outboxOldest, roster, waiting, waitingOldest, parked] = reply
    .slice(1, 9)
    .map(Number);
  const state = BREAKER_STATES.find((word) => word === reply[9]);
  if (!state) throw unexpected('read_health', reply);
  const age = (since: number | undefined) => (since ? Math.max(0, atMs - since) : 0);
  return {
    atMs,
    inboxLength: inbox ?? 0,
    inboxAgeMs: age(inboxOldest),
    outboxLength: outbox ?? 0,
    outboxAgeMs: age(outboxOldest),
    rosterAgeMs: roster ? age(roster) : null,
    waiting: waiting ?? 0,
    oldestWaitingMs: age(waitingOldest),
    oldestWaitingRoomId: textOrNull(reply[16]),
    parked: parked ?? 0,
    oldestParkedRoomId: textOrNull(reply[17]),
    oldestParkedMs: age(number(reply[18])),
    agents: { online: number(reply[13]), paused: number(reply[14]), offline: number(reply[15]) },
    alerts: reply.slice(20).flatMap(raisedAlert),
    watch: text(reply[19]),
    qiscus: { state, untilMs: number(reply[10]), failures: number(reply[11]) },
    resolveWebhook: WEBHOOK_FINDINGS.find((finding) => finding === reply[12]) ?? null,
  };
}
