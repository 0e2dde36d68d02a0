/** Agents on the wire. */
import { Type } from '@sinclair/typebox';
import { ServiceError } from '../../errors';
import type { AgentView } from '../../ledger/model';
import { CHOSEN_ENDS, DECISION_VERDICTS } from '../../ledger/verdicts';
import { shape } from '../body';
import { isoTime, readPage } from '../page';
import type { AgentDecision, AgentDecisions, Question } from './decisions';

export const AgentPatch = shape(
  Type.Object(
    {
      max_customers: Type.Optional(Type.Union([Type.Integer({ minimum: 1, maximum: 1000 }), Type.Null()])),
      paused: Type.Optional(Type.Boolean()),
    },
    { minProperties: 1 },
  ),
  'Give max_customers (a whole number from 1 to 1000, or null for the default), paused (true or false), or both.',
);

export const agentOnWire = (agent: AgentView) => ({
  id: agent.id,
  name: agent.name,
  online: agent.online,
  paused: agent.paused,
  load: agent.load,
  reserved: agent.reserved,
  assigned: agent.assigned,
  outside: agent.outside,
  outside_known: agent.outsideKnown,
  limit: agent.limit,
  max_customers: agent.maxCustomers,
  channels: agent.channels,
  last_assigned_at: agent.lastAssignedMs === null ? null : isoTime(agent.lastAssignedMs),
});

export const AGENT_EXAMPLE = {
  id: 'agent_01',
  name: 'Agent 01',
  online: true,
  paused: false,
  load: 1,
  reserved: 0,
  assigned: 1,
  outside: 0,
  outside_known: true,
  limit: 2,
  max_customers: null,
  channels: ['1'],
  last_assigned_at: '2025-11-22T20:06:40.000Z',
};

const HOUR_MS = 3_600_000;
/** Clocks may be apart by this. */
const SKEW_MS = 60_000;
const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)$/;

/** @throws ServiceError INVALID_BODY when `since` is no time, or one to come, or the page's parameters are wrong. */
export function readQuestion(agentId: string, query: Record<string, unknown>, nowMs: number): Question {
  const { since } = query;
  const { after, limit } = readPage(query, /^[\w-]{1,16384}$/);
  if (since === undefined) return { agentId, sinceMs: nowMs - HOUR_MS, after, limit };
  const text = typeof since === 'string' ? since : '';
  const sinceMs = /^\d{1,15}$/.test(text) ? Number(text) : ISO_TIME.test(text) ? Date.parse(text) : Number.NaN;
  // Not less than 0, not more than now, and a time at all.
  if (sinceMs >= 0 && sinceMs <= nowMs + SKEW_MS) return { agentId, sinceMs, after, limit };
  throw new ServiceError(
    'INVALID_BODY',
    'since must be a time that is over: ISO 8601 with its zone, or milliseconds since the epoch.',
  );
}

const PASSED_OVER = DECISION_VERDICTS.filter((verdict) => verdict !== 'chosen');

const decisionOnWire = (decision: AgentDecision) => ({
  id: decision.id,
  at: isoTime(decision.atMs),
  room_id: decision.roomId,
  agent_id: decision.agentId,
  verdict: decision.verdict,
  outcome: decision.end,
  load: decision.load,
  limit: decision.limit,
  chosen_load: decision.chosenLoad,
});

const counted = <T extends string>(words: readonly T[], counts: ReadonlyMap<T, number>) =>
  Object.fromEntries(words.map((word) => [word, counts.get(word) ?? 0]));

export const decisionsOnWire = (
  { agentId, sinceMs }: Pick<Question, 'agentId' | 'sinceMs'>,
  found: AgentDecisions,
) => ({
  status: 'success',
  agent_id: agentId,
  since: isoTime(sinceMs),
  counted_from: isoTime(found.countedFromMs),
  ...counted(CHOSEN_ENDS, found.ends),
  passed_over: counted(PASSED_OVER, found.counts),
  decisions: found.decisions.map(decisionOnWire),
  next: found.next,
});

export const DECISIONS_EXAMPLE = decisionsOnWire(
  { agentId: 'agent_01', sinceMs: 1_763_838_400_000 },
  {
    countedFromMs: 1_763_838_400_000,
    counts: new Map([['load', 1]]),
    ends: new Map(),
    next: null,
    decisions: [
      {
        id: '1763842000001-0',
        atMs: 1_763_842_000_001,
        roomId: '12345',
        agentId: 'agent_02',
        verdict: 'load',
        end: null,
        load: 1,
        limit: 2,
        chosenLoad: 0,
      },
    ],
  },
);
