/** The journal: everything that changed, as pages and as server-sent events. */
import { Elysia } from 'elysia';
import type { Apps } from '../../apps/directory';
import { describe } from '../describe';
import { pageParameters, readPage } from '../page';
import { RECORD_EXAMPLE, RECORD_ID, recordOnWire } from './model';
import { eventStream } from './service';

export function journal(apps: Apps, stopping: AbortSignal | undefined) {
  return new Elysia({ prefix: '/api/v1' })
    .get(
      '/journal',
      async ({ query, request }) => {
        const { after, limit } = readPage(query, RECORD_ID);
        const { records, next } = await apps.of(request).feed.page(after, limit);
        return { status: 'success', records: records.map(recordOnWire), next };
      },
      { detail: PAGE },
    )
    .get(
      '/events',
      ({ query, request, set }) => {
        // A browser's EventSource cannot set the header on its first call, so `after` says the same.
        const header = request.headers.get('last-event-id') || undefined;
        const { feed, gone } = apps.of(request);
        const { after } = readPage({ after: header ?? query.after }, RECORD_ID);
        set.headers['content-type'] = 'text/event-stream; charset=utf-8';
        // A HEAD must not open a stream that nobody reads.
        return new Response(
          request.method === 'HEAD'
            ? null
            : eventStream(feed, after, stopping ? AbortSignal.any([stopping, gone]) : gone),
        );
      },
      { detail: EVENTS },
    );
}

const PAGE = describe({
  tag: 'Journal',
  summary: 'What happened, oldest first',
  description:
    'One record per webhook and per change, with its inputs and its reason. Holds no customer data. Kept for JOURNAL_DAYS.',
  access: 'admin',
  store: true,
  errors: ['INVALID_BODY'],
  parameters: pageParameters('Id of the last record that you have; absent: from the oldest kept.'),
  replies: {
    200: {
      means: '`next` is the `after` of the next page; null at the end.',
      example: { status: 'success', records: [RECORD_EXAMPLE], next: null },
    },
  },
});

const EVENTS = describe({
  tag: 'Journal',
  summary: 'What happens, as server-sent events',
  description:
    'Stays open. `id` is the record id, `event` its name, `data` the record as in the journal. With `Last-Event-ID` (or `after`) everything since then comes first, without a gap; otherwise only what is new.',
  access: 'admin',
  store: true,
  errors: ['INVALID_BODY'],
  parameters: [
    { name: 'Last-Event-ID', in: 'header', description: 'Id of the last record that you have.' },
    { name: 'after', in: 'query', description: 'The same, for clients that cannot set a header.' },
  ],
  replies: { 200: { means: 'The stream.', type: 'text/event-stream' } },
});
