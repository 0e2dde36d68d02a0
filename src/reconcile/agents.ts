/**
 * Brings Qiscus's agents into the ledger: presence, channels, names, and the load that is not ours.
 *
 * 1. One reading is all agents or nothing: a page that fails leaves the last view as it is.
 * 2. Agents that the reading lacks are reported as absent; the ledger decides what that means.
 */
import { ID } from '../ids';
import { type Comparison, ROSTER_PART, type RosterEntry } from '../ledger/comparison';
import type { LedgerDesk } from '../ledger/model';
import type { Qiscus, RosterAgent, RosterReading, Turn } from '../qiscus/model';
import { shortText } from '../text';

const MOST_CHANNELS = 1_000;
const LONGEST_NAME = 80;
/** Ids are opaque, but keys are built of them with NUL between. */
const AGENT_ID = /^[^\0\s]{1,64}$/;

function channelsOf(agent: RosterAgent): string {
  if (agent.channelIds === null) return '*';
  return [...new Set(agent.channelIds)]
    .filter((id) => ID.test(id))
    .sort((a, b) => a.length - b.length || (a < b ? -1 : 1))
    .slice(0, MOST_CHANNELS)
    .join(',');
}

function entryOf(agent: RosterAgent, withCount: boolean): RosterEntry {
  return {
    id: agent.id,
    name: shortText(agent.name, LONGEST_NAME) ?? '',
    presence: agent.online ? 'online' : 'offline',
    channels: channelsOf(agent),
    customerCount: withCount ? agent.customerCount : null,
  };
}

/**
 * Reads all agents once and applies the reading.
 * @param lagMs how late Qiscus's counts may be
 * @param turn taken before each call; the reading begins when the first one is given
 * @param withCounts false: what agents hold at Qiscus beyond our rooms is no load (in a dry run it is all of others' making)
 */
export async function syncAgents(
  qiscus: Qiscus,
  ledger: Comparison,
  desk: LedgerDesk,
  nowMs: () => number,
  lagMs: number,
  turn: Turn,
  withCounts = true,
): Promise<RosterReading> {
  await turn();
  let first = true;
  const begunMs = nowMs();
  const reading = await qiscus.listAgents(async () => {
    if (!first) await turn();
    first = false;
  });
  if (reading.kind !== 'agents') return reading;
  const endedMs = nowMs();
  const agents = reading.agents.filter((agent) => AGENT_ID.test(agent.id));
  const shown = new Set(agents.map((agent) => agent.id));
  const absent = (await desk.listAgents())
    .filter((agent) => !shown.has(agent.id))
    .map((agent): RosterEntry => ({ id: agent.id, name: '', presence: 'absent', channels: '', customerCount: null }));
  const entries = [...agents.map((agent) => entryOf(agent, withCounts)), ...absent];
  for (let i = 0; i === 0 || i < entries.length; i += ROSTER_PART) {
    const last = i + ROSTER_PART >= entries.length;
    await ledger.applyRoster(entries.slice(i, i + ROSTER_PART), { begunMs, endedMs, lagMs, last });
  }
  return reading;
}
