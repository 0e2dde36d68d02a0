/** Dead letters: rooms that were parked, and inbox entries that could not be applied. */
import { Elysia } from 'elysia';
import type { Apps } from '../../apps/directory';
import { ServiceError } from '../../errors';
import type { DeadLetter, LedgerDesk } from '../../ledger/model';
import { readBody } from '../body';
import { describe, type Parameter } from '../describe';
import { RECORD_EXAMPLE, recordOnWire } from '../journal/model';
import { isoTime, pageParameters, readPage } from '../page';
import { EmptyBody } from '../rooms/model';

const LETTER_ID = /^(room|entry)-[0-9A-Za-z_-]{1,64}$/;
const MOST_HISTORY = 10;

export function deadLetters(apps: Apps) {
  async function onWire(desk: LedgerDesk, letter: DeadLetter) {
    const history = letter.roomId === null ? [] : await desk.readDecisions(letter.roomId, MOST_HISTORY);
    return {
      id: letter.id,
      kind: letter.kind,
      room_id: letter.roomId,
      reason: letter.reason,
      since: isoTime(letter.sinceMs),
      attempts: letter.attempts,
      history: history.map(recordOnWire),
    };
  }

  return new Elysia({ prefix: '/api/v1/dead_letters' })
    .get(
      '',
      async ({ query, request }) => {
        const { desk } = apps.of(request);
        const { after, limit } = readPage(query, LETTER_ID);
        const letters = await desk.listDeadLetters();
        const start = after === null ? 0 : letters.findIndex(({ id }) => id === after) + 1;
        const page = letters.slice(start, start + limit);
        const next = start + limit < letters.length ? (page.at(-1)?.id ?? null) : null;
        return {
          status: 'success',
          total: letters.length,
          dead_letters: await Promise.all(page.map((letter) => onWire(desk, letter))),
          next,
        };
      },
      { detail: LIST },
    )
    .post(
      '/:id/replay',
      async ({ params, request }) => {
        await readBody(request, EmptyBody, true);
        if (!(await apps.of(request).desk.replayDeadLetter(params.id))) throw unknown();
        return { status: 'success', id: params.id };
      },
      { detail: REPLAY },
    )
    .delete(
      '/:id',
      async ({ params, request }) => {
        await readBody(request, EmptyBody, true);
        if (!(await apps.of(request).desk.deleteDeadLetter(params.id))) throw unknown();
        return { status: 'success', id: params.id };
      },
      { detail: DELETE },
    );
}

const unknown = () => new ServiceError('NOT_FOUND', 'There is no such dead letter (any more).');

const ID: Parameter = { name: 'id', in: 'path', description: 'As in the list.', example: 'room-12345' };
const DONE = { status: 'success', id: 'room-12345' };

const LIST = describe({
  tag: 'Dead letters',
  summary: 'What needs a person',
  description:
    'Parked rooms (Qiscus kept refusing them) and poison entries (webhooks that could not be applied), with the reason and the last journal records.',
  access: 'admin',
  store: true,
  errors: ['INVALID_BODY'],
  parameters: pageParameters('Id of the last dead letter of the page before.'),
  replies: {
    200: {
      means: 'All of them, paged.',
      example: {
        status: 'success',
        total: 1,
        dead_letters: [
          {
            id: 'room-12345',
            kind: 'room',
            room_id: '12345',
            reason: 'occupied',
            since: '2025-11-22T20:06:40.000Z',
            attempts: 3,
            history: [RECORD_EXAMPLE],
          },
        ],
        next: null,
      },
    },
  },
});

const REPLAY = describe({
  tag: 'Dead letters',
  summary: 'Try one again',
  description: 'A room goes back to its old place in line; an entry goes through the inbox again.',
  access: 'admin',
  store: true,
  errors: ['NOT_FOUND'],
  parameters: [ID],
  body: { schema: EmptyBody.schema, optional: true, examples: { empty: {} } },
  replies: { 200: { means: 'Under way again.', example: DONE } },
});

const DELETE = describe({
  tag: 'Dead letters',
  summary: 'Give one up',
  description: 'Forgets it. A customer who writes again in that room is served as new.',
  access: 'admin',
  store: true,
  errors: ['NOT_FOUND'],
  parameters: [ID],
  body: { schema: EmptyBody.schema, optional: true, examples: { empty: {} } },
  replies: { 200: { means: 'Forgotten.', example: DONE } },
});
