/** Rooms: what is known of one, why it is there, and an operator's hands on it. */
import { Elysia } from 'elysia';
import type { Apps } from '../../apps/directory';
import { readBody } from '../body';
import { describe, type Parameter } from '../describe';
import { refuseInDryRun } from '../dry-run/service';
import { CANDIDATES_EXAMPLE, candidatesOnWire, MOST_CANDIDATES } from './candidates';
import { EmptyBody, RequeueBody, ROOM_EXAMPLE, roomOnWire } from './model';
import { handReply, requeue, unknownRoom } from './service';

const MOST_DECISIONS = 50;

export function rooms(apps: Apps, nowMs: () => number) {
  return new Elysia({ prefix: '/api/v1/rooms' })
    .get(
      '/:room_id',
      async ({ params, request }) => {
        const { desk } = apps.of(request);
        const [room, decisions] = await Promise.all([
          desk.readRoom(params.room_id),
          desk.readDecisions(params.room_id, MOST_DECISIONS),
        ]);
        if (room === null) throw unknownRoom();
        return roomOnWire(room, decisions);
      },
      { detail: READ },
    )
    .get(
      '/:room_id/candidates',
      async ({ params, request }) => {
        const explained = await apps.of(request).desk.explainRoom(params.room_id);
        if (explained === null) throw unknownRoom();
        return candidatesOnWire(params.room_id, nowMs(), explained);
      },
      { detail: CANDIDATES },
    )
    .post(
      '/:room_id/requeue',
      async ({ params, request }) => {
        const { remove_agent = false } = await readBody(request, RequeueBody, true);
        const { desk, qiscus, config } = apps.of(request);
        if (remove_agent) refuseInDryRun(config);
        return requeue(desk, qiscus, params.room_id, remove_agent);
      },
      { detail: REQUEUE },
    )
    .post(
      '/:room_id/release',
      async ({ params, request }) => {
        await readBody(request, EmptyBody, true);
        return handReply(params.room_id, await apps.of(request).desk.releaseRoom(params.room_id));
      },
      { detail: RELEASE },
    )
    .post(
      '/:room_id/erase',
      async ({ params, request }) => {
        await readBody(request, EmptyBody, true);
        const erased = await apps.of(request).desk.eraseRoom(params.room_id);
        if (erased === null) throw unknownRoom();
        return { status: 'success', room_id: params.room_id, erased };
      },
      { detail: ERASE },
    );
}

const ID: Parameter = { name: 'room_id', in: 'path', description: "The room's id at Qiscus.", example: '12345' };

const READ = describe({
  tag: 'Rooms',
  summary: 'One room: where it is, and why',
  description: `\`state\` is waiting, reserved, assigned, parked or resolved; \`position\` counts the older rooms of the same channel; \`due\` is when its next step is due, after a refusal or an unanswered call; \`call\` of a reserved room is queued, sent or unknown (no answer); \`decisions\` are the journal's last ${MOST_DECISIONS} records about it, newest first.`,
  access: 'admin',
  store: true,
  errors: ['ROOM_UNKNOWN'],
  parameters: [ID],
  replies: { 200: { means: 'The room.', example: ROOM_EXAMPLE } },
});

const CANDIDATES = describe({
  tag: 'Rooms',
  summary: 'Who would get a room now, and why nobody else',
  description: `Every agent, best first, at most ${MOST_CANDIDATES} of \`total\`; \`counts\` counts all. \`next\` is whom the matching rule would choose now, also for a room that somebody holds (its own slot still counted) or that waits behind others. A \`verdict\` is the first that applies: off_channel, offline, aside (Qiscus refused it rooms; it is tried again in a while), paused, full; then next, or lost, with the key by which: load, last_assigned (who had its last one longer ago comes first), id. \`reason\` of a room that waits: not_yet (somebody is free, the next step gives it), behind_others (somebody is free, older rooms come first), all_full, all_paused, nobody_online (each of those who serve its channel), no_agent_for_channel, delayed (until \`due\`, after a refusal), calls_stopped (Qiscus refuses us or does not answer; also of a reserved room whose call is still to be made); otherwise its state. \`ahead\` counts the older rooms of its channel, whatever the reason. A resolved room has no candidates: its channel is forgotten.`,
  access: 'admin',
  store: true,
  errors: ['ROOM_UNKNOWN'],
  parameters: [ID],
  replies: { 200: { means: 'The room and all candidates.', example: CANDIDATES_EXAMPLE } },
});

const REQUEUE = describe({
  tag: 'Rooms',
  summary: 'Put a room back in line',
  description:
    'A parked room goes back to its old place. An assigned one only with `remove_agent: true`, which removes the agent at Qiscus first (not in a dry run). Then whoever else can take it goes before that agent, at this one decision: its record has the reason `agent_removed`, and in `removed` the agent. When nobody else can, it is in line at its old place, and may come back to the same agent.',
  access: 'admin',
  store: true,
  errors: ['ROOM_UNKNOWN', 'WRONG_STATE', 'QISCUS_REFUSED'],
  parameters: [ID],
  body: { schema: RequeueBody.schema, optional: true, examples: { parked: {}, assigned: { remove_agent: true } } },
  replies: {
    200: {
      means: 'Back in line, or already with the next agent (reserved).',
      example: { status: 'success', room_id: '12345', state: 'waiting' },
    },
  },
});

const RELEASE = describe({
  tag: 'Rooms',
  summary: "Free a room's slot",
  description: 'Closes the session in our books only; Qiscus is not told. For a room that Qiscus no longer has.',
  access: 'admin',
  store: true,
  errors: ['ROOM_UNKNOWN', 'WRONG_STATE'],
  parameters: [ID],
  body: { schema: EmptyBody.schema, optional: true, examples: { empty: {} } },
  replies: { 200: { means: 'Freed.', example: { status: 'success', room_id: '12345', state: 'resolved' } } },
});

const ERASE = describe({
  tag: 'Rooms',
  summary: "Forget a room's customer",
  description:
    "Forgets the customer's name, the only thing of a customer that is kept, and that only until the room is resolved; works in every state. `erased` false: none was kept. A webhook of the room that comes later, or lies in the inbox still, brings the name again when it opens the next session. Redis's own files and your backups hold it until they are rewritten; Qiscus is not told.",
  access: 'admin',
  store: true,
  errors: ['ROOM_UNKNOWN'],
  parameters: [ID],
  body: { schema: EmptyBody.schema, optional: true, examples: { empty: {} } },
  replies: { 200: { means: 'Forgotten.', example: { status: 'success', room_id: '12345', erased: true } } },
});
