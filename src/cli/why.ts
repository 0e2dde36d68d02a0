/** `why <room>`: where a room is, why it waits or who would get it, in words; every candidate; the decisions so far. */
import type { CandidateVerdict, ChoiceKey } from '../ledger/verdicts';
import type { Api } from './api';
import { CommandError } from './errors';
import { type Cell, type Screen, table, wrap } from './screen';
import { decisionLines, lineOf, readRoom, roomFacts } from './tables';
import { type Candidate, Candidates, type Room } from './wire';
import { age, count } from './words';

const MOST_DECISIONS = 10;

/** @throws CommandError */
export async function why(api: Api, id: string) {
  const room = await readRoom(api, id);
  const found = await api.find(`/rooms/${encodeURIComponent(id)}/candidates`, Candidates);
  if (!found) throw new CommandError('This service is older than the command: it cannot list candidates. Update it.');
  return {
    json: { room: room.json, candidates: found.json },
    code: 0,
    lines: (screen: Screen) => [
      ...roomFacts(room.value, screen),
      '',
      ...wrap(explain(room.value, found.value), screen.width).map((line) => screen.paint('bold', line)),
      ...(found.value.reason === 'resolved' ? [] : candidateLines(room.value, found.value, screen)),
      '',
      ...decisionLines(room.value, MOST_DECISIONS, screen, (id) => nameIn(found.value, id)),
    ],
  };
}

/** An agent as people call it; those who are not listed by their id. */
function nameIn({ candidates }: Candidates, id: string): string {
  const name = candidates.find((one) => one.id === id)?.name;
  return name && name !== id ? `${name} (${id})` : id;
}

/** The room's reason, as a sentence that also says what moves it. */
export function explain(room: Pick<Room, 'agent_id' | 'room_id' | 'channel_id'>, found: Candidates): string {
  const { reason, ahead, next } = found;
  const named = (id: string | null) => (id === null ? 'nobody' : nameIn(found, id));
  switch (reason) {
    case 'assigned':
      return `${named(room.agent_id)} has it.`;
    case 'reserved':
      return `It is being given to ${named(room.agent_id)}: the call to Qiscus is due or under way.`;
    case 'resolved':
      return 'Its chat is over.';
    case 'parked':
      return `It needs a person: requeue or release it on the board, or POST /api/v1/rooms/${room.room_id}/requeue.`;
    case 'not_yet':
      return `${named(next)} is free for it: the next step gives it.`;
    case 'behind_others':
      return ahead === 0
        ? 'Older rooms of other channels come first.'
        : `${count(ahead, 'older room')} ${lineOf(room)} ${ahead === 1 ? 'comes' : 'come'} first.`;
    case 'nobody_online':
      return 'Nobody who may serve it is online: it goes on by itself when an agent comes.';
    case 'all_full':
      return 'Everybody who may serve it is at the limit: it goes on when a chat ends, or a limit is raised.';
    case 'all_paused':
      return 'Everybody online who may serve it is paused: it goes on when one is unpaused.';
    case 'no_agent_for_channel':
      return 'No agent may serve its channel: give the channel to one at Qiscus.';
    case 'delayed':
      return 'Qiscus refused it: it is tried again after a pause.';
    case 'calls_stopped':
      return 'Qiscus refuses us or does not answer: everything waits until it does. See `doctor`.';
    default:
      return `It waits (${reason}).`;
  }
}

function tally(room: Room, { counts, total, ahead }: Candidates): string {
  const parts = Object.entries(counts).flatMap(([name, many]) =>
    many > 0 ? [`${many} ${name.replace('_', ' ')}`] : [],
  );
  const agents = `${count(total, 'agent')}${parts.length > 0 ? `: ${parts.join(', ')}` : ''}`;
  return ahead > 0 ? `${agents}; ${count(ahead, 'older room')} ${lineOf(room)}` : agents;
}

const VERDICTS: Record<string, Cell> = {
  next: { text: 'would get it now', style: 'green' },
  full: { text: 'is at the limit', style: 'yellow' },
  paused: { text: 'is paused', style: 'yellow' },
  offline: { text: 'is offline', style: 'dim' },
  aside: { text: 'is set aside: Qiscus refused', style: 'yellow' },
  off_channel: { text: 'may not serve the channel', style: 'dim' },
} satisfies Record<Exclude<CandidateVerdict, 'lost'>, Cell>;
const LOST: Record<string, string> = {
  load: 'holds more',
  last_assigned: 'got one more lately',
  id: 'comes later by id',
} satisfies Record<ChoiceKey, string>;

const verdictOf = ({ verdict, lost_by }: Candidate): Cell =>
  VERDICTS[verdict] ?? (verdict === 'lost' ? (LOST[lost_by ?? ''] ?? 'comes later') : verdict);

function candidateLines(room: Room, found: Candidates, screen: Screen): string[] {
  const { candidates, total, at } = found;
  const nowMs = Date.parse(at);
  const rows = candidates.map((one) => [
    one.id,
    one.name,
    verdictOf(one),
    `${one.load}/${one.limit}`,
    age(one.last_assigned_at, nowMs) || 'never',
    age(one.seen_at, nowMs),
  ]);
  const columns = [
    { title: 'AGENT', least: 8 },
    { title: 'NAME', least: 6 },
    { title: 'NOW', least: 8 },
    { title: 'LOAD', right: true },
    { title: 'LAST GOT ONE', right: true, least: 6 },
    { title: 'SEEN', right: true, least: 4 },
  ];
  const rest = total - candidates.length;
  return [
    ...wrap(tally(room, found), screen.width),
    '',
    ...table(columns, rows, screen),
    ...(rest > 0 ? [`… and ${count(rest, 'agent')} more.`] : []),
  ];
}
