/** `queue`, `agents` and `room`: what the API's lists say, as tables. */
import type { Api } from './api';
import { wrongUsage } from './errors';
import { type Cell, facts, type Screen, table } from './screen';
import { type Agent, Agents, Queue, Room } from './wire';
import { age, count, moment, rowMoment, sentenceOf, WIDE, ZONE } from './words';

const MOST_ROWS = 500;

/** How many rows of a list: 1 to 500, by default 100. @throws CommandError */
export function readLimit(limit = '100'): number {
  if (!/^\d{1,3}$/.test(limit) || Number(limit) < 1 || Number(limit) > MOST_ROWS)
    throw wrongUsage(`--limit must be 1 to ${MOST_ROWS}.`);
  return Number(limit);
}

/** The line's oldest rooms. @param limit see `readLimit` @throws CommandError */
export async function queue(api: Api, limit?: string) {
  const { value, json } = await api.get(`/queue?limit=${readLimit(limit)}`, Queue);
  return {
    json,
    code: 0,
    lines: (screen: Screen) => {
      if (value.total === 0) return ['Nobody waits.'];
      const rows = value.rooms.map(({ position, room_id, channel_id, since }) => [
        String(position),
        room_id,
        channel_id ?? 'any',
        age(since, Date.now()),
        rowMoment(since, screen.width),
      ]);
      const columns = [
        { title: '#', right: true },
        { title: 'ROOM', least: 8 },
        { title: 'CHANNEL', least: 7 },
        { title: 'WAITS', right: true },
        { title: `SINCE (${ZONE})`, least: 5 },
      ];
      const rest = value.total - value.rooms.length;
      return [...table(columns, rows, screen), ...(rest > 0 ? [`… and ${count(rest, 'room')} more.`] : [])];
    },
  };
}

const BAR = 10;

/** A bar of the load against the limit, `##........`; what is above the limit is not drawn. */
export function bar(load: number, limit: number): Cell {
  const filled = Math.min(BAR, Math.ceil((load / Math.max(1, limit)) * BAR));
  return {
    text: '#'.repeat(filled) + '.'.repeat(BAR - filled),
    style: load > limit ? 'red' : load === limit ? 'yellow' : 'green',
  };
}

export function stateOf({ online, paused }: Agent): Cell {
  if (paused) return { text: online ? 'paused' : 'paused, offline', style: 'yellow' };
  return online ? { text: 'online', style: 'green' } : { text: 'offline', style: 'dim' };
}

/** All agents and what they hold. @throws CommandError */
export async function agents(api: Api) {
  const { value, json } = await api.get('/agents', Agents);
  return {
    json,
    code: 0,
    lines: (screen: Screen) => {
      if (value.agents.length === 0) return ['Qiscus has named no agents yet.'];
      const hasBars = screen.width >= WIDE;
      const rows = value.agents.map((agent) => [
        agent.id,
        agent.name,
        stateOf(agent),
        `${agent.load}/${agent.limit}${agent.max_customers === null ? '' : '*'}`,
        ...(hasBars ? [bar(agent.load, agent.limit)] : []),
        String(agent.reserved),
        String(agent.assigned),
        agent.outside_known ? String(agent.outside) : `${agent.outside}?`,
        agent.channels?.join(',') ?? 'all',
      ]);
      const columns = [
        { title: 'AGENT', least: 8 },
        { title: 'NAME', least: 6 },
        { title: 'STATE', least: 6 },
        { title: 'LOAD', right: true },
        ...(hasBars ? [{ title: '' }] : []),
        { title: hasBars ? 'RESERVED' : 'RES', right: true },
        { title: hasBars ? 'ASSIGNED' : 'ASG', right: true },
        { title: hasBars ? 'OUTSIDE' : 'OUT', right: true },
        { title: 'CHANNELS', least: 8 },
      ];
      const legend = [
        ...(value.agents.some(({ max_customers }) => max_customers !== null) ? ['* a limit of their own'] : []),
        ...(value.agents.some(({ outside_known }) => !outside_known)
          ? ['? Qiscus did not say lately what they hold besides']
          : []),
      ];
      return [...table(columns, rows, screen), ...legend];
    },
  };
}

/** Whom a room stands in line with. */
export const lineOf = ({ channel_id }: Pick<Room, 'channel_id'>): string =>
  channel_id === null ? 'among those without a channel' : 'of its channel';

/** The head of a room: where it is. */
export function roomFacts(room: Room, screen: Screen): string[] {
  const { paint } = screen;
  const nowMs = Date.now();
  const pairs: [string, string | null][] = [
    ['agent', room.agent_id],
    ['position', room.position === null ? null : `${room.position} ${lineOf(room)}`],
    ['channel', room.channel_id],
    ['source', room.source],
    ['customer', room.customer_name],
    ['since', `${moment(room.since)} ${ZONE} (${age(room.since, nowMs)})`],
    ['tries', room.attempts > 0 ? String(room.attempts) : null],
  ];
  return [
    `${paint('bold', `Room ${room.room_id}`)}  ${paint(room.state === 'parked' ? 'red' : 'cyan', room.state)}`,
    ...facts(
      pairs.flatMap(([name, text]) => (text === null ? [] : [[name, text] as const])),
      screen,
    ),
  ];
}

/** The journal's last records about a room, newest first. */
export function decisionLines(room: Room, most: number, screen: Screen, nameOf?: (id: string) => string): string[] {
  const rows = room.decisions
    .slice(0, most)
    .map((record) => [rowMoment(record.at, screen.width), sentenceOf(record, nameOf)]);
  return table(
    [
      { title: `TIME (${ZONE})`, least: 8 },
      { title: 'WHAT AND WHY', least: 20, wraps: true },
    ],
    rows,
    screen,
  );
}

export const readRoom = (api: Api, id: string) => api.get(`/rooms/${encodeURIComponent(id)}`, Room);

/** One room and its decisions. @throws CommandError */
export async function room(api: Api, id: string) {
  const { value, json } = await readRoom(api, id);
  return {
    json,
    code: 0,
    lines: (screen: Screen) => [
      ...roomFacts(value, screen),
      '',
      ...decisionLines(value, value.decisions.length, screen),
    ],
  };
}
