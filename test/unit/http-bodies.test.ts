/** The body's door: size, depth, names and content type. */
import { describe, expect, test } from 'bun:test';
import { codeOf, memoryApp } from '../support/memory-app';

const ALLOCATE = '/api/v1/webhook/agent_allocation';
const JSON_TYPE = { 'content-type': 'application/json' };

describe('bodies', () => {
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
  const deep = (depth: number) => `{"room_id":"1","x":${nested(depth)}}`;
  const declared = (body: string) => ({ body, headers: { ...JSON_TYPE, 'content-length': String(body.length) } });
  const chunked = (body: string) => ({ body, headers: JSON_TYPE });

  const table: [string, string, number, string | undefined][] = [
    ['fine', '{"room_id":"1"}', 200, undefined],
    ['empty', '', 400, 'INVALID_JSON'],
    ['cut off', '{"room_id":', 400, 'INVALID_JSON'],
    ['not JSON', 'room_id=1', 400, 'INVALID_JSON'],
    ['two values', '{} {}', 400, 'INVALID_JSON'],
    ['32 levels', deep(31), 200, undefined],
    ['33 levels', deep(32), 422, 'INVALID_BODY'],
    ['20,000 levels', deep(20_000), 422, 'INVALID_BODY'],
    ['__proto__', '{"room_id":"1","__proto__":{"a":1}}', 422, 'INVALID_BODY'],
    ['escaped __proto__', '{"room_id":"1","\\u005f_proto__":{"a":1}}', 422, 'INVALID_BODY'],
    ['constructor inside', '{"room_id":"1","x":[{"constructor":{"prototype":1}}]}', 422, 'INVALID_BODY'],
    ['prototype', '{"room_id":"1","prototype":1}', 422, 'INVALID_BODY'],
    ['a list', '[]', 422, 'INVALID_BODY'],
    ['256 KiB', `{"room_id":"1"${' '.repeat(256 * 1024 - 15)}}`, 200, undefined],
    ['256 KiB and one', `{"room_id":"1"${' '.repeat(256 * 1024 - 14)}}`, 413, 'BODY_TOO_LARGE'],
  ];
  test.each(table)('[F10 S09 S13 S14] %s', async (_, body, status, code) => {
    for (const init of [declared(body), chunked(body)]) {
      const reply = await memoryApp().send('POST', ALLOCATE, init);
      expect(reply.status).toBe(status);
      expect(await codeOf(reply)).toBe(code);
    }
  });

  test('[S09] an endless body is dropped after the cap and one chunk', async () => {
    let pulls = 0;
    let cancelled = false;
    const body = new ReadableStream(
      {
        pull(controller) {
          pulls += 1;
          controller.enqueue(new Uint8Array(64 * 1024).fill(32));
        },
        cancel() {
          cancelled = true;
        },
      },
      { highWaterMark: 0 },
    );
    const reply = await memoryApp().send('POST', ALLOCATE, { body, headers: JSON_TYPE });
    expect(reply.status).toBe(413);
    expect(pulls).toBeLessThanOrEqual(6);
    expect(cancelled).toBe(true);
  });

  test.each([
    [undefined, 415],
    ['text/plain', 415],
    ['application/x-www-form-urlencoded', 415],
    ['application/jsonx', 415],
    ['text/plain; application/json', 415],
    ['application/json', 200],
    ['application/json; charset=utf-8', 200],
    ['Application/JSON ;charset=utf-8', 200],
  ])('[S24] content type %p', async (type, status) => {
    const headers: Record<string, string> = type === undefined ? {} : { 'content-type': type };
    const body = new Blob(['{"room_id":"1"}']).stream();
    const reply = await memoryApp().send('POST', ALLOCATE, { body, headers });
    expect(reply.status).toBe(status);
    if (status === 415) expect(await codeOf(reply)).toBe('UNSUPPORTED_MEDIA_TYPE');
  });
});
