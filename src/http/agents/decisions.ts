/**
 * Why an agent got nothing: all decisions since a time, newest first, each with why it was for the agent or passed it over.
 *
 * 1. Walks the journal back from now, and takes back what each record changed of the agent (ledger/past.ts).
 * 2. One call looks at so many records at most. Where it stopped listing, or looking, the next one goes on: `next` holds how
 *    the agent stood there.
 */
import { Type } from '@sinclair/typebox';
import { ServiceError } from '../../errors';
import { idAfter, idMs, isOlder, STREAM_ID_PATTERN } from '../../ids';
import type { JournalFeed, JournalRecord, LedgerDesk } from '../../ledger/model';
import { limitOf, loadOf, type PastAgent, takeBack, takeEnd, verdictOf } from '../../ledger/past';
import { CHOSEN_ENDS, type ChosenEnd, type DecisionVerdict } from '../../ledger/verdicts';
import { shape } from '../body';

const RECORDS_AT_ONCE = 1_000;
const MOST_RECORDS = 20_000;

/** One decision as this agent sees it. */
export interface AgentDecision {
  /** Of its journal record. */
  id: string;
  atMs: number;
  roomId: string;
  /** For whom it was. */
  agentId: string;
  verdict: DecisionVerdict;
  /** What came of it, where this agent was chosen; else null. */
  end: ChosenEnd | null;
  /** Its load and limit right before the decision; null: it was not known to us. */
  load: number | null;
  limit: number | null;
  /** The load of who was chosen. */
  chosenLoad: number;
}

/** From where a walk goes on, and how the agent stood there. */
interface Place {
  /** Records older than this one come next. */
  before: string;
  agent: PastAgent;
}

const whole = Type.Integer({ minimum: -1, maximum: Number.MAX_SAFE_INTEGER });
const PlaceShape = shape(
  Type.Object({
    before: Type.String({ pattern: `^${STREAM_ID_PATTERN}$` }),
    agent: Type.Object({
      id: Type.String(),
      known: Type.Boolean(),
      absent: Type.Boolean(),
      online: Type.Boolean(),
      paused: Type.Boolean(),
      asideMs: whole,
      ownLimit: whole,
      defaultLimit: whole,
      held: Type.Integer(),
      outside: whole,
      lastMs: Type.Union([whole, Type.Null()]),
      channels: Type.Union([Type.String(), Type.Null()]),
      ends: Type.Array(Type.Tuple([Type.String(), Type.Union(CHOSEN_ENDS.map((end) => Type.Literal(end)))])),
    }),
  }),
  'after must be the `next` of the page before, of the same agent.',
);

const written = ({ before, agent }: Place) =>
  Buffer.from(JSON.stringify({ before, agent: { ...agent, ends: [...agent.ends] } })).toString('base64url');

/** @throws ServiceError INVALID_BODY */
function placeOf(text: string, agentId: string): Place {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(text, 'base64url').toString());
  } catch {
    value = null;
  }
  if (PlaceShape.fits(value) && value.agent.id === agentId)
    return { ...value, agent: { ...value.agent, ends: new Map(value.agent.ends) } };
  throw new ServiceError('INVALID_BODY', PlaceShape.problem);
}

export interface Question {
  agentId: string;
  sinceMs: number;
  /** `next` of the page before; null: from now. */
  after: string | null;
  /** 1 to 500 */
  limit: number;
}

export interface AgentDecisions {
  /** Newest first, at most `limit`. */
  decisions: AgentDecision[];
  /** Of all that this call looked at. */
  counts: ReadonlyMap<DecisionVerdict, number>;
  /** What came of those that chose this agent. */
  ends: ReadonlyMap<ChosenEnd, number>;
  /** All decisions since then are counted. */
  countedFromMs: number;
  next: string | null;
}

/** Null: there is no such agent. @throws ServiceError INVALID_BODY, STORE_UNAVAILABLE */
export async function agentDecisions(
  desk: Pick<LedgerDesk, 'readStanding'>,
  feed: Pick<JournalFeed, 'pageBack'>,
  { agentId, sinceMs, after, limit }: Question,
): Promise<AgentDecisions | null> {
  const standing = await desk.readStanding(agentId);
  if (standing === null) return null;
  const start = after === null ? null : placeOf(after, agentId);
  const { agent } = start ?? standing;
  let before = start?.before ?? idAfter(standing.newest);
  const decisions: AgentDecision[] = [];
  const counts = new Map<DecisionVerdict, number>();
  const ends = new Map<ChosenEnd, number>();
  let next: string | null = null;
  let listed = 0;
  let isEnd = false;
  for (let looked = 0; !isEnd && looked < MOST_RECORDS; looked += RECORDS_AT_ONCE) {
    const page = await feed.pageBack(before, sinceMs, RECORDS_AT_ONCE);
    for (const record of page.records) {
      takeBack(agent, record);
      if (record.event !== 'room.reserved') continue;
      const decision = decisionOf(agent, record);
      const { verdict, end } = decision;
      counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
      if (end !== null) ends.set(end, (ends.get(end) ?? 0) + 1);
      listed += 1;
      if (listed <= limit) decisions.push(decision);
      if (listed === limit) next = written({ before: record.id, agent });
    }
    isEnd = page.next === null;
    before = page.next ?? before;
  }
  if (listed <= limit) next = isEnd ? null : written({ before, agent });
  const oldestMs = isOlder(standing.oldest, `${sinceMs}-0`) ? sinceMs : idMs(standing.oldest);
  return { decisions, counts, ends, countedFromMs: isEnd ? oldestMs : idMs(before), next };
}

function decisionOf(agent: PastAgent, record: JournalRecord): AgentDecision {
  const { id, atMs, fields } = record;
  const verdict = verdictOf(agent, record);
  const chosenLoad = Number(fields.load);
  const own = agent.known ? { load: loadOf(agent), limit: limitOf(agent) } : { load: null, limit: null };
  return {
    id,
    atMs,
    roomId: fields.room ?? '',
    agentId: fields.agent ?? '',
    verdict,
    end: verdict === 'chosen' ? takeEnd(agent, record) : null,
    // The record tells it of who was chosen, also of one who has left and come again since.
    ...(verdict === 'chosen' ? { load: chosenLoad, limit: Number(fields.limit) } : own),
    chosenLoad,
  };
}
