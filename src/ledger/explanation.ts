/**
 * Why a room is where it is: whom the one matching rule would choose for it now, how every agent stands, what it waits for.
 *
 * 1. The script chooses with the rule itself; here its parts are put together, sorted, and the reason is read off them.
 * 2. Agents are read a part at a time: of one moment in an office of up to about 100 agents; in larger ones a few
 *    milliseconds lie between the parts, and the choice is the last one's.
 * Keeps nothing.
 */
import { list, number, text, textOrNull } from '../redis/reply';
import type { Reply } from '../redis/scripts';
import {
  type CandidateVerdict,
  CHOICE_KEYS,
  type ChoiceKey,
  type RoomReason,
  type RoomState,
  STANDINGS,
  type Standing,
} from './verdicts';

export interface Candidate {
  id: string;
  name: string;
  verdict: CandidateVerdict;
  /** By which key of the choice it lost to the next one. */
  lostBy: ChoiceKey | null;
  load: number;
  reserved: number;
  assigned: number;
  outside: number;
  limit: number;
  /** When its last assignment was confirmed; null: never. */
  lastAssignedMs: number | null;
  /** When Qiscus last listed it; null: never. */
  seenMs: number | null;
}

/** Where a room stands, and why. */
export interface RoomExplanation {
  state: RoomState;
  agentId: string | null;
  channelId: string | null;
  /** Older rooms of its channel in line; 0 unless it waits. */
  ahead: number;
  /** When its next step is due, after a refusal or a call without an answer; null: at once. */
  dueMs: number | null;
  /** Whom the matching rule would choose for it now. */
  next: string | null;
  reason: RoomReason;
  counts: Record<Standing, number>;
  total: number;
  /** All agents, best first; none for a resolved room, whose channel is forgotten. */
  candidates: Candidate[];
}

/** A candidate as the script tells of it. */
interface Found extends Omit<Candidate, 'verdict' | 'lostBy'> {
  standing: Standing;
  order: string;
}

function foundOf(item: Reply): Found {
  const [id, name, word, order, reserved, assigned, outside, limit, last, seen] = list(item);
  const standing = STANDINGS.find((standing) => standing === word);
  if (!standing) throw new Error('explain_room answered an unknown standing');
  return {
    id: text(id),
    name: text(name),
    standing,
    order: text(order),
    load: number(reserved) + number(assigned) + number(outside),
    reserved: number(reserved),
    assigned: number(assigned),
    outside: number(outside),
    limit: number(limit),
    lastAssignedMs: number(last) || null,
    seenMs: number(seen) || null,
  };
}

/** The first key in which two order texts differ. */
export function lostBy(order: string, chosen: string): ChoiceKey {
  const [ours, theirs] = [order.split('\0'), chosen.split('\0')];
  return CHOICE_KEYS.find((_, i) => ours[i] !== theirs[i]) ?? 'id';
}

const better = (a: Found, b: Found) =>
  STANDINGS.indexOf(a.standing) - STANDINGS.indexOf(b.standing) || (a.order < b.order ? -1 : 1);

/**
 * Explains one room; null: there is no such room.
 * @param run runs `explain_room` for one part of the agents, from a cursor
 * @param stateOf reads the state's word
 */
export async function explainRoom(
  run: (cursor: string) => Promise<Reply[]>,
  stateOf: (value: Reply | undefined) => RoomState,
): Promise<RoomExplanation | null> {
  const agents = new Map<string, Found>();
  for (let cursor = '0'; ; ) {
    const reply = await run(cursor);
    if (reply[0] === 'unknown') return null;
    for (const found of reply.slice(11).map(foundOf)) agents.set(found.id, found);
    cursor = text(reply[10]);
    if (cursor !== '0') continue;

    const [, state, agentId, channelId, ahead, due, call, breaker, older, next] = reply;
    const counts = { able: 0, full: 0, paused: 0, aside: 0, offline: 0, off_channel: 0 };
    for (const { standing } of agents.values()) counts[standing] += 1;
    const chosen = agents.get(text(next));
    const sorted = [...agents.values()].sort(better);
    const about = {
      state: stateOf(state),
      agentId: textOrNull(agentId),
      channelId: textOrNull(channelId),
      ahead: number(ahead),
      dueMs: number(due) || null,
      next: chosen?.id ?? null,
      counts,
      total: agents.size,
    };
    const isBehind = about.ahead > 0 || number(older) === 1;
    return {
      ...about,
      reason: reasonOf(about, isBehind, text(breaker) !== 'closed', text(call)),
      candidates: (chosen ? [chosen, ...sorted.filter((found) => found !== chosen)] : sorted).map((found) =>
        candidateOf(found, chosen),
      ),
    };
  }
}

function candidateOf({ standing, order, ...rest }: Found, chosen: Found | undefined): Candidate {
  if (rest.id === chosen?.id) return { ...rest, verdict: 'next', lostBy: null };
  if (standing !== 'able') return { ...rest, verdict: standing, lostBy: null };
  return { ...rest, verdict: 'lost', lostBy: chosen ? lostBy(order, chosen.order) : null };
}

/**
 * What the room waits for. While somebody is free it is only the order of the line; else it is what keeps those who serve
 * its channel from taking anybody, and that is the same for all rooms before it.
 */
function reasonOf(
  room: Pick<RoomExplanation, 'state' | 'dueMs' | 'next' | 'counts' | 'total'>,
  isBehind: boolean,
  isStopped: boolean,
  call: string,
): RoomReason {
  const { state, counts, total } = room;
  // Its call is under way where it was sent; where it was not, or had no answer, it is to be made again.
  if (state === 'reserved') return isStopped && call !== 'sent' ? 'calls_stopped' : 'reserved';
  if (state !== 'waiting') return state;
  if (room.dueMs !== null) return 'delayed';
  if (room.next !== null) return isBehind ? 'behind_others' : 'not_yet';
  if (counts.full > 0) return 'all_full';
  if (counts.paused > 0) return 'all_paused';
  if (total > 0 && counts.off_channel === total) return 'no_agent_for_channel';
  // Who is online we know from Qiscus only.
  return isStopped ? 'calls_stopped' : 'nobody_online';
}
