/**
 * How an agent stood at an earlier time, and why a room was or was not given to it then. Pure.
 *
 * 1. Begins with how it stands now, and takes the journal's records back, newest first: each says what it changed.
 * 2. What a record of an older version does not say is unknown from there on back, and never guessed.
 */
import { number, text } from '../redis/reply';
import type { Reply } from '../redis/scripts';
import { refusalOf } from './meaning';
import type { JournalRecord } from './model';
import type { ChosenEnd, DecisionVerdict } from './verdicts';

export interface PastAgent {
  id: string;
  /** False: at that time it was not known to us, or nothing more is known of it. */
  known: boolean;
  /** True: at that time it was no agent here. */
  absent: boolean;
  online: boolean;
  paused: boolean;
  /** Until when Qiscus's refusals set it aside; 0: they did not. Counts while it is not online. */
  asideMs: number;
  /** Its own limit; -1: the default. */
  ownLimit: number;
  defaultLimit: number;
  /** Reserved and assigned rooms. */
  held: number;
  outside: number;
  /** When its last assignment was confirmed; 0: never; null: unknown. */
  lastMs: number | null;
  /** '*': all; else ids joined by commas; null: unknown. */
  channels: string | null;
  /** What came of its reservations that were under way at that time, by room; missing: they are so still. */
  ends: Map<string, ChosenEnd>;
}

/** How an agent stands after the journal's `newest` record; `oldest` is the first that it still has, '0-0': it was never cut. */
export interface AgentStanding {
  agent: PastAgent;
  newest: string;
  oldest: string;
}

/** Reads what `read_standing` answered. */
export function standingOf(id: string, reply: Reply[]): AgentStanding {
  const [, newest, oldest, online, paused, aside, own, limit, held, outside, last, channels] = reply;
  const agent: PastAgent = {
    id,
    known: true,
    absent: false,
    online: number(online) === 1,
    paused: number(paused) === 1,
    asideMs: number(aside),
    ownLimit: number(own),
    defaultLimit: number(limit),
    held: number(held),
    outside: number(outside),
    lastMs: number(last),
    channels: text(channels),
    ends: new Map(),
  };
  return { agent, newest: text(newest) || '0-0', oldest: text(oldest) || '0-0' };
}

/** They took the room from the agent that they name. */
const FREES = new Set(
  'released closed parked refused returned requeued repaired superseded'.split(' ').map((word) => `room.${word}`),
);
/** A time further off is from before the clock was set back (lua/prelude/roster.lua). */
const LONGEST_ASIDE_MS = 300_000;

export const loadOf = (agent: PastAgent): number => agent.held + agent.outside;
export const limitOf = (agent: PastAgent): number => (agent.ownLimit < 0 ? agent.defaultLimit : agent.ownLimit);

/** Makes of how it stood after a record how it stood before. */
export function takeBack(agent: PastAgent, record: JournalRecord): void {
  const { event, fields } = record;
  if (event === 'limit.changed') agent.defaultLimit = Number(fields.from);
  if (fields.agent !== agent.id) return;
  const end = endOf(record);
  if (end !== null) agent.ends.set(fields.room ?? '', end);
  if (FREES.has(event)) agent.held += 1;
  switch (event) {
    case 'room.reserved':
      agent.held -= 1;
      break;
    case 'room.assigned':
      agent.lastMs = fields.last === undefined ? null : Number(fields.last);
      break;
    case 'agent.online':
      agent.online = false;
      agent.asideMs = Number(fields.aside ?? 0);
      break;
    case 'agent.offline':
      agent.online = true;
      break;
    case 'agent.paused':
    case 'agent.unpaused':
      agent.paused = event === 'agent.unpaused';
      break;
    case 'agent.limited':
      agent.ownLimit = Number(fields.from);
      break;
    case 'agent.outside':
      agent.outside = Number(fields.from);
      break;
    case 'agent.channels':
      agent.channels = fields.from ?? null;
      break;
    case 'agent.joined':
      // If there was one of this id before, it had left, and nothing more is known of it.
      agent.known = false;
      agent.absent = true;
      break;
    case 'agent.left':
      agent.absent = false;
      break;
  }
}

/** How a reservation of the agent that the record names ended in it; null: none did. */
function endOf(record: JournalRecord): ChosenEnd | null {
  const { event, fields } = record;
  if (event === 'room.assigned') return 'got';
  const hadIt = event === 'room.repaired' || fields.was === 'assigned' || fields.ours === 'assigned';
  if (!FREES.has(event) || hadIt) return null;
  return refusalOf(record) === null ? 'dropped' : 'refused';
}

/** What came of a decision for the agent; asked once of each, newest first, so that only what is under way is remembered. */
export function takeEnd(agent: PastAgent, { fields: { room = '' } }: JournalRecord): ChosenEnd {
  const end = agent.ends.get(room) ?? 'reserved';
  agent.ends.delete(room);
  return end;
}

/** Why a decision was for the agent, or passed it over. @param agent how it stood right before the decision */
export function verdictOf(agent: PastAgent, { atMs, fields }: JournalRecord): DecisionVerdict {
  if (fields.agent === agent.id) return 'chosen';
  if (!agent.known) return agent.absent ? 'not_joined' : 'unknown';
  if (fields.removed === agent.id) return 'removed';
  const serves = isServing(agent, fields.channel ?? '');
  if (serves === false) return 'off_channel';
  if (!agent.online) return agent.asideMs > atMs && agent.asideMs <= atMs + LONGEST_ASIDE_MS ? 'aside' : 'offline';
  if (agent.paused) return 'paused';
  if (serves === null) return 'unknown';
  const load = loadOf(agent);
  if (load >= limitOf(agent)) return 'full';
  // The fallback agent is not chosen among others.
  if (fields.reason === 'fallback') return 'unknown';
  return lostBy(agent, load, fields);
}

function lostBy(agent: PastAgent, load: number, fields: Record<string, string>): DecisionVerdict {
  const chosenLoad = Number(fields.load);
  if (load !== chosenLoad) return load > chosenLoad ? 'load' : 'unknown';
  if (agent.lastMs === null || fields.last === undefined) return 'unknown';
  const chosenLast = Number(fields.last);
  if (agent.lastMs !== chosenLast) return agent.lastMs > chosenLast ? 'last_assigned' : 'unknown';
  return byId(agent, { id: fields.agent ?? '' }) > 0 ? 'id' : 'unknown';
}

/** By length, then bytes: the order of the ledger's last tie-break. */
export function byId(a: { id: string }, b: { id: string }): number {
  return a.id.length - b.id.length || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

/** null: its channels then are unknown. */
function isServing({ channels }: PastAgent, channel: string): boolean | null {
  if (channel === '' || channels === '*') return true;
  return channels === null ? null : channels.split(',').includes(channel);
}
