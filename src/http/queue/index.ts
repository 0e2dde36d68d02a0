/** The line: all waiting rooms, oldest first. */
import { Elysia } from 'elysia';
import type { Apps } from '../../apps/directory';
import { ID_PATTERN, STREAM_ID_PATTERN } from '../../ids';
import { describe } from '../describe';
import { isoTime, pageParameters, readPage } from '../page';

const PLACE_AND_ROOM = new RegExp(`^${STREAM_ID_PATTERN}/${ID_PATTERN}$`);

export function queue(apps: Apps) {
  return new Elysia({ prefix: '/api/v1' }).get(
    '/queue',
    async ({ query, request }) => {
      const { after, limit } = readPage(query, PLACE_AND_ROOM);
      const { total, rooms, next } = await apps.of(request).desk.readQueue(after, limit);
      const waiting = rooms.map((room) => ({
        room_id: room.roomId,
        position: room.position,
        place: room.place,
        channel_id: room.channelId,
        since: isoTime(room.sinceMs),
      }));
      return { status: 'success', total, rooms: waiting, next };
    },
    { detail: READ },
  );
}

const READ = describe({
  tag: 'Rooms',
  summary: 'The line',
  description: 'All waiting rooms over all channels, oldest first. `place` is the order of arrival.',
  access: 'admin',
  store: true,
  errors: ['INVALID_BODY'],
  parameters: pageParameters('`next` of the page before; absent: from the oldest.'),
  replies: {
    200: {
      means: '`total` rooms wait; `next` is the `after` of the next page, null at the end.',
      example: {
        status: 'success',
        total: 1,
        rooms: [
          {
            room_id: '12345',
            position: 1,
            place: '1763842000000-0',
            channel_id: '1',
            since: '2025-11-22T20:06:40.000Z',
          },
        ],
        next: null,
      },
    },
  },
});
