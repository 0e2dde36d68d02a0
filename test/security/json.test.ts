/**
 * JSON that is odd: what is decoded, and that a declared and a chunked body (which are read in different ways) say the same.
 */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { LISTEN } from '../../src/app';
import { closedTokens, WEBHOOK } from '../support/config';
import { memoryApp } from '../support/memory-app';
import { codeOf, raw, webhookHead } from './wire';

const { app, intake, logged } = memoryApp(closedTokens);
beforeAll(() => {
  app.listen({ ...LISTEN, hostname: '127.0.0.1', port: 0 });
});
afterAll(() => app.stop(true));

const HEAD = webhookHead(WEBHOOK);
const repeated = (count: number, one: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => one(index)).join();
const nested = (depth: number, open: string, close: string) => open.repeat(depth) + close.repeat(depth);
const withRoom = (text: string) => `{"room_id":${text}}`;

/** Body, status, and the room that was understood or the code. */
const TABLE: [string, string | Uint8Array, number, string][] = [
  ['[F10] the largest safe number', withRoom('9007199254740991'), 200, '9007199254740991'],
  ['[F10] a number that silently became another', withRoom('90071992547409931'), 422, 'INVALID_BODY'],
  ['[F10] one above the largest', withRoom('9007199254740993'), 422, 'INVALID_BODY'],
  ['[F10] beyond all numbers', withRoom('1e400'), 422, 'INVALID_BODY'],
  ['[F10] 400 digits', withRoom('1'.repeat(400)), 422, 'INVALID_BODY'],
  ['[F10] an exponent', withRoom('1e3'), 200, '1000'],
  ['[F10] a fraction of nothing', withRoom('12.0'), 200, '12'],
  ['[F10] minus nothing', withRoom('-0'), 200, '0'],
  ['[F10] a fraction', withRoom('12.5'), 422, 'INVALID_BODY'],
  ['[F10] hexadecimal', withRoom('0x10'), 400, 'INVALID_JSON'],
  ['[F10] a leading zero', withRoom('012'), 400, 'INVALID_JSON'],
  ['[F10] NaN', withRoom('NaN'), 400, 'INVALID_JSON'],
  ['[S13] a key twice: the last counts', '{"room_id":"1","room_id":"2"}', 200, '2'],
  ['[S13] a key twice, once escaped', '{"room_id":"1","room\\u005fid":"2"}', 200, '2'],
  ['[S13] a key twice, the last unfit', '{"room_id":"1","room_id":{}}', 422, 'INVALID_BODY'],
  ['[S13] 20,000 keys', `{"room_id":"1",${repeated(20_000, (i) => `"${i}":1`)}}`, 200, '1'],
  ['[S13] 100,000 items', `{"room_id":"1","x":[${repeated(100_000, () => '1')}]}`, 200, '1'],
  ['[S13] 250,000 open brackets', `{"room_id":"1","x":${'['.repeat(250_000)}`, 400, 'INVALID_JSON'],
  ['[S13] 120,000 levels of lists', `{"room_id":"1","x":${nested(120_000, '[', ']')}}`, 422, 'INVALID_BODY'],
  [
    '[S13] 30,000 levels of objects',
    `{"room_id":"1","x":${'{"a":'.repeat(30_000)}1${'}'.repeat(30_000)}}`,
    422,
    'INVALID_BODY',
  ],
  ['[S13] a text of 250 kB', `{"room_id":"1","message":"${'x'.repeat(250_000)}"}`, 200, '1'],
  ['[S13] a key of 250 kB', `{"room_id":"1","${'x'.repeat(250_000)}":1}`, 200, '1'],
  ['[S14] __proto__ with what we look for', '{"__proto__":{"room_id":"1","isAdmin":true}}', 422, 'INVALID_BODY'],
  ['[S14] constructor.prototype', '{"room_id":"1","constructor":{"prototype":{"isAdmin":true}}}', 422, 'INVALID_BODY'],
  ['[S14] __proto__ deep inside', '{"room_id":"1","a":[{"b":{"__proto__":{"isAdmin":true}}}]}', 422, 'INVALID_BODY'],
  ['[S14] __proto__ as a text', '{"room_id":"__proto__"}', 200, '__proto__'],
  [
    '[S14] names of methods are only names',
    '{"room_id":"1","toString":1,"hasOwnProperty":1,"then":1,"toJSON":1}',
    200,
    '1',
  ],
  ['[F10] lone surrogates in a name', '{"room_id":"1","name":"a\\ud800b"}', 200, '1'],
  ['[F10] a lone surrogate in the room', '{"room_id":"\\ud800"}', 422, 'INVALID_BODY'],
  ['[F10] bytes that are no UTF-8, in a name', Buffer.from('{"room_id":"1","name":"\xff\xfe"}', 'latin1'), 200, '1'],
  ['[F10] bytes that are no UTF-8, in the room', Buffer.from('{"room_id":"\xff"}', 'latin1'), 422, 'INVALID_BODY'],
  ['[F10] an overlong slash', Buffer.from('{"room_id":"\xc0\xaf"}', 'latin1'), 422, 'INVALID_BODY'],
  ['[F10] a byte order mark', '\ufeff{"room_id":"1"}', 200, '1'],
  ['[F10] UTF-16', Buffer.from('{"room_id":"1"}', 'utf16le'), 400, 'INVALID_JSON'],
  ['[F10] NUL behind it', '{"room_id":"1"}\0', 400, 'INVALID_JSON'],
  ['[F10] a comment', '{"room_id":"1"/**/}', 400, 'INVALID_JSON'],
  ['[F10] a comma too many', '{"room_id":"1",}', 400, 'INVALID_JSON'],
  ['[F10] single quotes', "{'room_id':'1'}", 400, 'INVALID_JSON'],
  ['[F10] a raw line end in a text', '{"room_id":"1","name":"a\nb"}', 400, 'INVALID_JSON'],
  ['[F10] blanks all around', '\r\n\t {"room_id":"1"} \r\n', 200, '1'],
]; // prettier-ignore

test.each(TABLE)('%s', async (_, body, status, wanted) => {
  const bytes = Buffer.from(body);
  const ways = [
    [`${HEAD}\r\nContent-Length: ${bytes.length}\r\n\r\n`, bytes],
    [`${HEAD}\r\nTransfer-Encoding: chunked\r\n\r\n${bytes.length.toString(16)}\r\n`, bytes, '\r\n0\r\n\r\n'],
  ];
  for (const parts of ways) {
    intake.submitted = [];
    const reply = await raw(app.server?.port ?? 0, ...parts);
    expect([reply.status, codeOf(reply) ?? intake.submitted[0]?.webhook.roomId]).toEqual([status, wanted]);
    expect(intake.submitted).toHaveLength(status === 200 ? 1 : 0);
  }
  // Nothing of it reached what all objects share, and none was a fault of ours.
  expect(Reflect.get({}, 'isAdmin')).toBeUndefined();
  expect(logged).toEqual([]);
});
