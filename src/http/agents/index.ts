/** Agents: who may get rooms, what each holds, and the two things an operator sets per agent. */
import { Elysia } from 'elysia';
import type { Apps } from '../../apps/directory';
import { ServiceError } from '../../errors';
import type { AgentView } from '../../ledger/model';
import { readBody } from '../body';
import { describe, type Parameter } from '../describe';
import { pageParameters } from '../page';
import { agentDecisions } from './decisions';
import { AGENT_EXAMPLE, AgentPatch, agentOnWire, DECISIONS_EXAMPLE, decisionsOnWire, readQuestion } from './model';

export function agents(apps: Apps, nowMs: () => number) {
  return new Elysia({ prefix: '/api/v1/agents' })
    .get(
      '',
      async ({ request }) => ({
        status: 'success',
        agents: (await apps.of(request).desk.listAgents()).map(agentOnWire),
      }),
      { detail: LIST },
    )
    .get('/:id', async ({ params, request }) => reply(await apps.of(request).desk.readAgent(params.id)), {
      detail: READ,
    })
    .get(
      '/:id/decisions',
      async ({ params, query, request }) => {
        const question = readQuestion(params.id, query, nowMs());
        const { desk, feed } = apps.of(request);
        const found = await agentDecisions(desk, feed, question);
        if (found === null) throw unknownAgent();
        return decisionsOnWire(question, found);
      },
      { detail: DECISIONS },
    )
    .patch(
      '/:id',
      async ({ params, request }) => {
        const { max_customers, paused } = await readBody(request, AgentPatch);
        if (max_customers === undefined && paused === undefined) {
          throw new ServiceError('INVALID_BODY', AgentPatch.problem);
        }
        const patch = {
          ...(max_customers !== undefined && { maxCustomers: max_customers }),
          ...(paused !== undefined && { paused }),
        };
        return reply(await apps.of(request).desk.patchAgent(params.id, patch));
      },
      { detail: PATCH },
    );
}

function reply(agent: AgentView | null) {
  if (agent === null) throw unknownAgent();
  return { status: 'success', ...agentOnWire(agent) };
}

const unknownAgent = () => new ServiceError('AGENT_UNKNOWN', 'Qiscus has not named such an agent.');

const ID: Parameter = { name: 'id', in: 'path', description: "The agent's id at Qiscus.", example: 'agent_01' };
const ONE = { status: 'success', ...AGENT_EXAMPLE };

const LIST = describe({
  tag: 'Agents',
  summary: 'All agents and what they hold',
  description:
    '`load` is reserved + assigned + outside, where outside is what Qiscus says the agent holds beyond our rooms (`outside_known` false: Qiscus did not say lately). `limit` is in force; `max_customers` null means that it is the default. `last_assigned_at` is when Qiscus last confirmed a room for the agent.',
  access: 'admin',
  store: true,
  replies: { 200: { means: 'All agents, by id.', example: { status: 'success', agents: [AGENT_EXAMPLE] } } },
});

const READ = describe({
  tag: 'Agents',
  summary: 'One agent',
  description: 'As in the list.',
  access: 'admin',
  store: true,
  errors: ['AGENT_UNKNOWN'],
  parameters: [ID],
  replies: { 200: { means: 'The agent.', example: ONE } },
});

const DECISIONS = describe({
  tag: 'Agents',
  summary: 'Why an agent got nothing',
  description:
    'Every decision since a time, newest first: whether it was for this agent, or why it passed the agent over. `verdict` is chosen, or the first that applied then: off_channel, offline, aside (Qiscus refused it rooms), paused, full; or the key by which another one came first: load (`load` against `chosen_load`), last_assigned, id; removed (an operator had just taken this room from it, and somebody else could take it); not_joined: it was no agent here at that time; unknown where the journal does not tell. Where it was chosen, `outcome` says what came of it: got (Qiscus confirmed), refused (Qiscus said no), dropped (over before Qiscus said either: the agent went offline, the chat ended, no answer), reserved (Qiscus is being asked). `got`, `refused`, `dropped`, `reserved` and `passed_over` count decisions from `after`, or from now, back to `counted_from`: that is `since`, unless the journal begins later, or one call cannot look at so much (20,000 records) and `next` goes on.',
  access: 'admin',
  store: true,
  errors: ['AGENT_UNKNOWN', 'INVALID_BODY'],
  parameters: [
    ID,
    {
      name: 'since',
      in: 'query',
      description: 'A time: ISO 8601 with its zone, or ms since the epoch. Absent: an hour ago.',
    },
    ...pageParameters('`next` of the page before; absent: from now.'),
  ],
  replies: {
    200: { means: '`next` is the `after` of the next, older page; null at the end.', example: DECISIONS_EXAMPLE },
  },
});

const PATCH = describe({
  tag: 'Agents',
  summary: "Set an agent's own limit, or pause the agent",
  description:
    'A paused agent keeps what is assigned and gets nothing new. `max_customers` null goes back to the default.',
  access: 'admin',
  store: true,
  errors: ['AGENT_UNKNOWN'],
  parameters: [ID],
  body: { schema: AgentPatch.schema, examples: { limit: { max_customers: 3 }, pause: { paused: true } } },
  replies: { 200: { means: 'The changed agent.', example: ONE } },
});
