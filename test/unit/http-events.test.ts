/** The journal's pages, and the event stream: no gap, no repeat, a heartbeat, and an end. */
import { describe, expect, test } from 'bun:test';
import { eventStream } from '../../src/http/journal/service';
import { record } from '../support/desk';
import { MemoryFeed, memoryApp } from '../support/memory-app';
import { until } from '../support/wait';

/** Reads a stream in the background; `ids` are the records seen, `text` everything. */
function follow(stream: ReadableStream<Uint8Array> | null) {
  const seen = { text: '', ids: [] as string[], ended: false, cancel: () => reader.cancel() };
  if (stream === null) throw new Error('no stream');
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  (async () => {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      seen.text += decoder.decode(part.value, { stream: true });
      seen.ids = [...seen.text.matchAll(/^id: (.*)$/gm)].map((match) => match[1] ?? '');
    }
    seen.ended = true;
  })();
  return seen;
}

const idOf = (n: number) => record(n).id;
const feedOf = (count: number) => {
  const feed = new MemoryFeed();
  for (let n = 1; n <= count; n += 1) feed.add(record(n));
  return feed;
};

describe('pages', () => {
  test('after, limit, next', async () => {
    const { feed, send } = memoryApp();
    for (let n = 1; n <= 3; n += 1) feed.add(record(n, { room: String(n) }));
    const first = (await (await send('GET', '/api/v1/journal?limit=2')).json()) as {
      records: { id: string }[];
      next: string;
    };
    expect(first.records.map(({ id }) => id)).toEqual([idOf(1), idOf(2)]);
    expect<unknown>(first.records[0]).toEqual({
      id: idOf(1),
      event: 'room.reserved',
      at: '2025-11-22T20:06:40.001Z',
      fields: { room: '1' },
    });
    const second = await (await send('GET', `/api/v1/journal?after=${first.next}`)).json();
    expect(second).toMatchObject({ status: 'success', records: [{ id: idOf(3) }], next: null });
    for (const query of ['after=x', 'after=1', 'limit=501']) {
      expect((await send('GET', `/api/v1/journal?${query}`)).status).toBe(422);
    }
  });
});

describe('events', () => {
  test('a record as a frame', async () => {
    const { feed, send } = memoryApp();
    const reply = await send('GET', '/api/v1/events');
    expect(reply.status).toBe(200);
    expect(reply.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    const seen = follow(reply.body);
    await until(() => seen.text !== '', { what: 'the stream opens' });
    feed.add(record(1, { room: '7' }));
    await until(() => seen.ids.length === 1, { what: 'the record' });
    expect(seen.text).toBe(
      `: connected\n\nid: ${idOf(1)}\nevent: room.reserved\ndata: {"id":"${idOf(1)}","event":"room.reserved","at":"2025-11-22T20:06:40.001Z","fields":{"room":"7"}}\n\n`,
    );
    await seen.cancel();
    expect(feed.listeners.size).toBe(1); // the metrics' own
  });

  test('without an id only what is new', async () => {
    const feed = feedOf(3);
    const seen = follow(eventStream(feed, null, undefined));
    await until(() => feed.listeners.size === 1 && seen.text !== '', { what: 'the stream opens' });
    feed.add(record(4));
    await until(() => seen.ids.length === 1, { what: 'the record' });
    expect(seen.ids).toEqual([idOf(4)]);
    await seen.cancel();
  });

  test('Last-Event-ID, and `after` for browsers', async () => {
    for (const [path, headers] of [
      ['/api/v1/events', { 'last-event-id': idOf(1) }],
      [`/api/v1/events?after=${idOf(1)}`, {}],
      [`/api/v1/events?after=${idOf(2)}`, { 'last-event-id': idOf(1) }],
    ] as const) {
      const { feed, send } = memoryApp();
      for (let n = 1; n <= 3; n += 1) feed.add(record(n));
      const seen = follow((await send('GET', path, { headers })).body);
      await until(() => seen.ids.length === 2, { what: 'the backlog' });
      expect(seen.ids).toEqual([idOf(2), idOf(3)]);
      await seen.cancel();
    }
    expect((await memoryApp().send('GET', '/api/v1/events?after=x')).status).toBe(422);
  });

  test('what arrives while the backlog is read comes once, and in order', async () => {
    const feed = feedOf(1200);
    let next = 1200;
    // Each page sees one more record than the listener has told, and the listener tells one more than the page has.
    feed.whilePaging = () => {
      next += 1;
      feed.add(record(next));
    };
    const seen = follow(eventStream(feed, idOf(1), undefined));
    await until(() => seen.ids.length >= next - 1 && next > 1202, { what: 'backlog and live' });
    feed.whilePaging = () => {};
    feed.add(record(next + 1));
    await until(() => seen.ids.at(-1) === idOf(next + 1), { what: 'live after it' });
    expect(seen.ids).toEqual(Array.from({ length: next }, (_, n) => idOf(n + 2)));
    await seen.cancel();
  });

  test('ids are compared as numbers', async () => {
    const feed = new MemoryFeed();
    const seen = follow(eventStream(feed, '9-9', undefined));
    await until(() => seen.text !== '', { what: 'the stream opens' });
    for (const id of ['9-10', '10-0', '9-11']) feed.add({ ...record(1), id });
    await until(() => seen.ids.length === 2, { what: 'both' });
    expect(seen.ids).toEqual(['9-10', '10-0']);
    await seen.cancel();
  });

  test('a heartbeat while nothing happens', async () => {
    const seen = follow(eventStream(new MemoryFeed(), null, undefined, 5));
    await until(() => seen.text.split(': still here\n\n').length > 3, { what: 'three heartbeats' });
    await seen.cancel();
  });

  test('a reader that is too slow is disconnected', async () => {
    const feed = new MemoryFeed();
    const stream = eventStream(feed, null, undefined);
    await until(() => feed.listeners.size === 1, { what: 'the stream opens' });
    for (let n = 1; n <= 5000 && feed.listeners.size > 0; n += 1) feed.add(record(n));
    expect(feed.listeners.size).toBe(0);
    const seen = follow(stream);
    await until(() => seen.ended, { what: 'the end' });
    expect(seen.ids.length).toBeLessThan(3000);
  });

  test('the stream ends when the service stops, and when the backlog cannot be read', async () => {
    const feed = new MemoryFeed();
    const stopping = new AbortController();
    const seen = follow(eventStream(feed, null, stopping.signal));
    await until(() => seen.text !== '', { what: 'the stream opens' });
    stopping.abort();
    await until(() => seen.ended, { what: 'the end' });
    feed.page = () => Promise.reject(new Error('down'));
    const failed = follow(eventStream(feed, idOf(1), undefined));
    await until(() => failed.ended, { what: 'the end' });
    expect(feed.listeners.size).toBe(0);
  });

  test('a HEAD opens no stream', async () => {
    const { feed, send } = memoryApp();
    const before = feed.listeners.size;
    expect((await send('HEAD', '/api/v1/events')).status).toBe(200);
    expect(feed.listeners.size).toBe(before);
  });
});
