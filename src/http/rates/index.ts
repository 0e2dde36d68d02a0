/** Rates: what happened a minute, and how long customers waited. */
import { Elysia } from 'elysia';
import type { QiscusApp } from '../../apps/app';
import type { Apps } from '../../apps/directory';
import { describe } from '../describe';
import { MINUTE_EXAMPLE, minuteOnWire, readMinutes } from './model';
import { MOST_MINUTES, Rates } from './service';

export function rates(apps: Apps, nowMs: () => number) {
  const known = new WeakMap<QiscusApp, Rates>();
  const of = (app: QiscusApp): Rates => {
    const found = known.get(app) ?? new Rates(app, nowMs());
    known.set(app, found);
    return found;
  };
  return new Elysia({ prefix: '/api/v1' }).get(
    '/rates',
    async ({ query, request }) => {
      const count = readMinutes(query);
      const { complete, minutes } = await of(apps.of(request)).read(count, nowMs());
      return { status: 'success', complete, minutes: minutes.map(minuteOnWire) };
    },
    { detail: READ },
  );
}

const READ = describe({
  tag: 'Journal',
  summary: 'What happened a minute, and how long customers waited',
  description: `Of the past ${MOST_MINUTES} minutes at most, the present one included; for longer there is /metrics. \`arrived\`: chats begun; \`reserved\`: an agent was chosen; \`assigned\`: Qiscus confirmed; \`resolved\`: chats ended, however; \`repaired\`: differences from Qiscus that were found and mended. \`wait\`: arrival until an agent has the chat, once a chat, when it is first confirmed, however often it was tried before and whoever gets it later; \`assign\`: reserved to assigned; percentiles in seconds, right within 5 %, null where nothing happened. Counted from the journal when first asked.`,
  access: 'admin',
  store: true,
  errors: ['INVALID_BODY'],
  parameters: [
    {
      name: 'minutes',
      in: 'query',
      description: 'How many minutes.',
      example: MOST_MINUTES,
      schema: { type: 'integer', minimum: 1, maximum: MOST_MINUTES, default: MOST_MINUTES },
    },
  ],
  replies: {
    200: {
      means: 'One item a minute, oldest first. `complete` is false while the past is still being read.',
      example: { status: 'success', complete: true, minutes: [MINUTE_EXAMPLE] },
    },
  },
});
