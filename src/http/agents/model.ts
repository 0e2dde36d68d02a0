/** Agents on the wire. */
import { Type } from '@sinclair/typebox';
import type { AgentView } from '../../ledger/model';
import { shape } from '../body';
import { isoTime } from '../page';

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
