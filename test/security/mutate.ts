/**
 * Requests that no sender means: made from every fixture by damage of every kind. Payload n of a seed is always the same,
 * so that one that broke something can be made again alone.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRandom } from '../../src/qiscus/sandbox/random';
import { CHARACTERS, NUMBERS, ODD, TYPES } from './odd';

const FIXTURES = join(import.meta.dir, '../fixtures');
const BASES: string[] = [
  '{"room_id":"12345","message":"Hello, I need help!","customer_id":"67890"}',
  '{"room_id":"12345","agent_id":"agent_01"}',
  ...readdirSync(FIXTURES)
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => readFileSync(join(FIXTURES, file), 'utf8')),
];
const WEBHOOKS = BASES.filter((text) => /"room_id"/.test(text) && text.length < 3_000);
const ENDPOINTS = ['/api/v1/webhook/agent_allocation', '/api/v1/webhook/mark_as_resolved'];

export interface FuzzRequest {
  bytes: Buffer;
  /** What was done to it, for the failing test. */
  how: string;
  /** False: not even HTTP, so that the server may refuse it without our words. */
  isHttp: boolean;
}

/** Whole numbers below `limit`, the same for the same seed. */
function dice(seed: number): (limit: number) => number {
  const next = createRandom(seed);
  return (limit) => Math.floor(next() * limit);
}

type Dice = ReturnType<typeof dice>;
const pick = <T>(roll: Dice, list: readonly T[]): T => list[roll(list.length)] as T;

interface Node {
  holder: Record<string, unknown>;
  key: string;
}

function nodesOf(value: unknown, found: Node[] = []): Node[] {
  if (typeof value !== 'object' || value === null) return found;
  const holder = value as Record<string, unknown>;
  for (const key of Object.keys(holder)) {
    found.push({ holder, key });
    nodesOf(holder[key], found);
  }
  return found;
}

const nested = (depth: number, inner: string) => '[{"a":'.repeat(depth) + inner + '}]'.repeat(depth);

/** Damage to the value. */
const STRUCTURAL: Record<string, (roll: Dice, value: Record<string, unknown>) => void> = {
  'an odd value': (roll, value) => {
    const node = pick(roll, nodesOf(value));
    if (node) node.holder[node.key] = structuredClone(pick(roll, ODD));
  },
  'an odd room': (roll, value) => {
    value.room_id = structuredClone(pick(roll, ODD));
  },
  'another room': (roll, value) => {
    const id = roll(3) === 0 ? 1 + roll(400) : String(1 + roll(400));
    value.room_id = id;
    if (typeof value.service === 'object' && value.service !== null)
      Object.assign(value.service, { room_id: id, id: roll(1_000) });
  },
  'a key less': (roll, value) => {
    const node = pick(roll, nodesOf(value));
    if (node) delete node.holder[node.key];
  },
  'a key renamed': (roll, value) => {
    const node = pick(roll, nodesOf(value));
    if (node)
      node.holder[
        pick(roll, ['__proto__x', 'room_id', 'service', 'payload', 'room_log', 'app_id', 'channel', '', 'a\0b'])
      ] = structuredClone(node.holder[node.key]);
  },
  'two fixtures in one': (roll, value) => {
    const other: unknown = JSON.parse(pick(roll, BASES));
    if (typeof other === 'object' && !Array.isArray(other)) Object.assign(value, other);
  },
  'another service': (roll, value) => {
    value.latest_service = pick(roll, [
      null,
      roll(1_000),
      String(roll(1_000)),
      { id: roll(1_000) },
      { id: '7', is_resolved: false },
      { id: -1 },
      [],
    ]);
    value.service = pick(roll, [undefined, { id: roll(1_000), room_id: String(roll(400)) }, { room_id: 5 }, null, 'x']);
  },
  'a long text': (roll, value) => {
    value[pick(roll, ['name', 'source', 'message', 'extras', 'agent_id'])] = pick(roll, ['x', '🙂', '\0', '\n']).repeat(
      1 + roll(30_000),
    );
  },
  'many keys': (roll, value) => {
    for (let i = roll(4_000); i > 0; i -= 1) value[`key${i}`] = i;
  },
};

/** Damage to the text. */
const TEXTUAL: Record<string, (roll: Dice, text: string) => string | Buffer> = {
  'a key twice': (roll, text) =>
    text.replace('{', `{"room_id":${pick(roll, ['"a"', '1', 'null', '{}', '[]', '"x y"'])},`),
  'a poisoned key': (roll, text) =>
    text.replace(
      '{',
      `{"${pick(roll, ['__proto__', 'constructor', 'prototype', '\\u005f_proto__'])}":{"room_id":"1"},`,
    ),
  'an odd number': (roll, text) => text.replace(/:\s*("[^"]*"|\d+|null)/, `:${pick(roll, NUMBERS)}`),
  'deep inside': (roll, text) => text.replace('{', `{"deep":${nested(1 + roll(40), '1')},`),
  'very deep': (roll, text) => text.replace('{', `{"deep":${nested(1_000 + roll(8_000), '1')},`),
  'cut off': (roll, text) => text.slice(0, roll(text.length)),
  'two values': (roll, text) => text + pick(roll, [text, ' {}', ',', '\0', ']']),
  'an odd sign': (roll, text) => {
    const at = roll(text.length);
    return text.slice(0, at) + pick(roll, CHARACTERS) + text.slice(at);
  },
  'wrong bytes': (roll, text) => {
    const bytes = Buffer.from(text);
    for (let i = 1 + roll(8); i > 0; i -= 1) bytes[roll(bytes.length)] = roll(256);
    return bytes;
  },
  'a piece again': (roll, text) => {
    const [a, b] = [roll(text.length), roll(text.length)];
    return text.slice(0, a) + text.slice(Math.min(a, b));
  },
  'another encoding': (roll, text) =>
    pick(roll, [
      Buffer.from(text, 'utf16le'),
      Buffer.from(`\ufeff${text}`),
      Bun.gzipSync(text),
      Buffer.from(text).toString('base64'),
    ]) as Buffer,
  'only blanks': (roll) => pick(roll, ['', ' ', '\n\n', '\t'.repeat(2_000), 'null', '0', '""', '[]', '{}', 'true']),
  'far too long': (_, text) => text + ' '.repeat(270_000),
};

/** Payload `index` of `seed`. `tokens` are the valid ones. */
export function fuzzRequest(seed: number, index: number, token: string): FuzzRequest {
  const roll = dice(Math.imul(seed, 2654435761) ^ Math.imul(index + 1, 40503));
  const done: string[] = [];
  const text = pick(roll, roll(4) === 0 ? BASES : WEBHOOKS);
  let body: string | Buffer = text;
  const value: unknown = JSON.parse(text);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    // Most fixtures name an app that is not ours.
    const fields = value as Record<string, unknown>;
    if (roll(3) > 0) for (const name of ['app_id', 'app_code']) delete fields[name];
    for (let i = roll(3); i > 0; i -= 1) {
      const name = roll(4) === 0 ? 'another room' : pick(roll, Object.keys(STRUCTURAL));
      STRUCTURAL[name]?.(roll, fields);
      done.push(name);
    }
    body = JSON.stringify(fields);
  }
  if (roll(3) === 0 && body.length > 0) {
    const rare = roll(20) > 0 ? 1 : 0;
    const names = Object.keys(TEXTUAL).slice(0, rare ? -1 : undefined);
    const name = pick(roll, names);
    body = TEXTUAL[name]?.(roll, String(body)) ?? body;
    done.push(name);
  }

  let path = pick(roll, ENDPOINTS);
  const headers: string[] = ['Host: localhost'];
  const way = roll(40);
  if (way < 13) headers.push(`X-Webhook-Token: ${token}`);
  else if (way < 26) path += `?token=${token}`;
  else if (way < 37) path += `/${token}`;
  else if (way === 37)
    path += pick(roll, [`?token=${token}&token=${token}`, `?a=%00&token=${token}`, `/${token}?x=%zz`, `/${token}/`]);
  else done.push('no token');
  if (roll(30) === 0) {
    path = pick(roll, [
      `/${path}`,
      path.replace('/v1', '/v2'),
      `${path}/x/y`,
      path.toUpperCase(),
      path.replace('_', '%5f'),
      `/docs/..${path}`,
      `${path}%00`,
      `${path};a=b`,
      `/${path.slice(1).replaceAll('/', '%2f')}`,
      '/',
    ]);
    done.push('an odd path');
  }
  const type =
    roll(20) === 0
      ? pick(roll, TYPES)
      : pick(roll, ['application/json', 'application/json', 'application/json; charset=utf-8']);
  if (type !== '') headers.push(`Content-Type: ${type}`);
  const method = roll(60) === 0 ? pick(roll, ['PUT', 'PATCH', 'DELETE', 'OPTIONS']) : 'POST';
  let isHttp = true;
  if (roll(100) === 0) {
    headers.push(
      pick(roll, [
        'Content-Encoding: gzip',
        'X-Forwarded-For: 127.0.0.1',
        'Sec-Fetch-Site: cross-site',
        'Origin: null',
        'Cookie: a=b',
        'Bad Header',
        'X-A: \0',
        'Expect: nothing',
      ]),
    );
    isHttp = false;
    done.push('an odd header');
  }
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(body);
  if (roll(6) === 0) {
    headers.push('Transfer-Encoding: chunked');
    const at = roll(bytes.length + 1);
    const chunk = (part: Buffer) =>
      part.length === 0
        ? Buffer.alloc(0)
        : Buffer.concat([Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n')]);
    const framed = Buffer.concat([chunk(bytes.subarray(0, at)), chunk(bytes.subarray(at)), Buffer.from('0\r\n\r\n')]);
    return {
      bytes: Buffer.concat([Buffer.from(`${method} ${path} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`), framed]),
      how: done.join(', '),
      isHttp,
    };
  }
  headers.push(`Content-Length: ${bytes.length}`);
  return {
    bytes: Buffer.concat([Buffer.from(`${method} ${path} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`), bytes]),
    how: done.join(', '),
    isHttp,
  };
}
