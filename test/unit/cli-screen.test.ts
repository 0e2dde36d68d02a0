/** Tables, widths and colours of the terminal commands. */
import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { clean, cut, facts, plain, screenOf, table, wrap } from '../../src/cli/screen';
import { age, count, duration, moment, sentenceOf, zoneOf } from '../../src/cli/words';
import { visible } from '../../src/text';

const NAMES = ['Siti Nurhaliza binti Tarudin', '日本語の名前', '👩‍👩‍👧‍👦 Keluarga', 'Dewi🇮🇩', 'José', 'Ny. Sri 🙂🙂🙂'];
const COLUMNS = [{ title: 'ID' }, { title: 'NAME', least: 6 }, { title: 'LOAD', right: true }];
const ROWS = NAMES.map((name, at) => [`agent_${at}`, name, String(at)]);
const PLAIN = { width: Number.POSITIVE_INFINITY, paint: plain };

test('columns stand below each other, whatever the names are written in', () => {
  const lines = table(COLUMNS, ROWS, PLAIN);
  const loadEnds = lines.map((line) => Bun.stringWidth(line));
  expect(new Set(loadEnds).size).toBe(1);
  expect(lines[1]).toBe('agent_0  Siti Nurhaliza binti Tarudin     0');
});

test.each([1, 2, 5, 10, 18, 20, 24, 30, 40, 80])('no line is wider than %i columns', (width) => {
  for (const line of [
    ...table(COLUMNS, ROWS, { width, paint: plain }),
    ...table(
      [...COLUMNS, ...COLUMNS],
      ROWS.map((row) => [...row, ...row]),
      { width, paint: plain },
    ),
  ])
    expect(Bun.stringWidth(line)).toBeLessThanOrEqual(width);
});

test('the widest columns that may give way do, and say so', () => {
  const [, first = '', second = ''] = table(COLUMNS, ROWS, { width: 24, paint: plain });
  expect(first).toBe('agent_0  Siti Nur…     0');
  expect(second).toBe('agent_1  日本語の…     1');
});

test('a last column that wraps goes on below itself, and nothing of it is cut', () => {
  const columns = [{ title: 'WHAT' }, { title: 'WHY', least: 10, wraps: true }];
  const text = 'agent_01 with 0 of 2, before agent_02 with 0';
  const lines = table(columns, [['room.reserved', text]], { width: 36, paint: plain });
  for (const line of lines) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(36);
  expect(lines[1]).toStartWith('room.reserved  agent_01');
  const below = lines.slice(1).map((line) => line.slice(15));
  expect(below.length).toBeGreaterThan(1);
  expect(below.join(' ')).toBe(text);
  expect(lines.slice(2).every((line) => line.startsWith(' '.repeat(15)))).toBe(true);
});

test('a cut never splits what is one sign', () => {
  expect(cut('👩‍👩‍👧‍👦👩‍👩‍👧‍👦', 3)).toBe('👩‍👩‍👧‍👦…');
  expect(cut('日本', 3)).toBe('日…');
  expect(cut('日本', 4)).toBe('日本');
  expect(cut('abc', 0)).toBe('');
});

test('colours only on a terminal, without NO_COLOR', () => {
  const stream = (isTTY: boolean) =>
    Object.assign(new Writable({ write: (_chunk, _encoding, done) => done() }), { isTTY, columns: 40 });
  const paint = (isTTY: boolean, env: Record<string, string>) =>
    screenOf(stream(isTTY) as NodeJS.WriteStream, env).paint('red', 'x');
  expect(paint(true, {})).toBe('\u001b[31mx\u001b[39m');
  expect([paint(true, { NO_COLOR: '1' }), paint(true, { TERM: 'dumb' }), paint(false, {})]).toEqual(['x', 'x', 'x']);
  expect(screenOf(stream(true) as NodeJS.WriteStream, {}).width).toBe(40);
  expect(screenOf(stream(false) as NodeJS.WriteStream, {}).width).toBe(Number.POSITIVE_INFINITY);
});

test('a table in colours is as wide as one without', () => {
  const cells = [[{ text: 'online', style: 'green' as const }, 'x']];
  const inked = table([{ title: 'A' }, { title: 'B' }], cells, {
    width: 80,
    paint: (_, text) => `\u001b[32m${text}\u001b[39m`,
  });
  expect(inked.map((line) => Bun.stripANSI(line))).toEqual(table([{ title: 'A' }, { title: 'B' }], cells, PLAIN));
});

test('long facts go on below themselves', () => {
  const lines = facts(
    [
      ['mode', 'one two three four five'],
      ['x', 'y'],
    ],
    { width: 18, paint: plain },
  );
  expect(lines).toEqual(['  mode  one two', '        three four', '        five', '  x     y']);
  expect(wrap('as it is', Number.POSITIVE_INFINITY)).toEqual(['as it is']);
});

test.each([
  ['\u001b[2J\u001b[31mBudi\u001b[0m', 'Budi'],
  ['\u001b]0;title\u0007Budi', 'Budi'],
  ['\u009b31mBudi\u0090', 'Budi'],
  ['Budi\u202egnp', 'Budignp'],
  ['Bu\u0000di\u007f\r\n\tSanto', 'Budi Santo'],
  ['B\u200bu\u2066d\u2069i\u2028', 'Budi'],
  ['👩‍👩‍👧‍👦 Keluarga', '👩‍👩‍👧‍👦 Keluarga'],
])('%j becomes %j', (text, shown) => {
  expect(clean(text)).toBe(shown);
});

test('JSON for a terminal holds nothing that moves it, and the same value', () => {
  const value = { name: '\u009b31m\u202e\u2028\u007f\u001b[2J', other: 'Budi 🙂' };
  const text = visible(JSON.stringify(value));
  expect(text).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  expect(JSON.parse(text)).toEqual(value);
});

test('times and counts', () => {
  expect([-5, 0, 0.44, 9, 59.6, 130, 3_600, 7_500, 273_600].map(duration)).toEqual([
    '0 s',
    '0 s',
    '0.4 s',
    '9 s',
    '1 min',
    '2 min 10 s',
    '1 h',
    '2 h 5 min',
    '3 d 4 h',
  ]);
  expect([age('2026-11-23T10:00:00.000Z', Date.parse('2026-11-23T10:02:00Z')), age(null, 0), age('x', 0)]).toEqual([
    '2 min',
    '',
    '',
  ]);
  expect([count(0, 'room'), count(1, 'room'), count(1_234, 'room')]).toEqual(['no rooms', 'one room', '1,234 rooms']);
});

test('a decision says who was chosen, before whom, and who was passed over', () => {
  const record = { id: '1-0', at: '', event: 'room.reserved' };
  const fields = {
    room: '1',
    agent: 'a',
    load: '0',
    limit: '2',
    runner_up: 'b:c:1',
    full: '3',
    offline: '0',
    off_channel: '1',
  };
  expect(sentenceOf({ ...record, fields })).toBe(
    'Given to a (lowest load, 0 of 2; next best b:c with 1; 3 full, 1 not on this channel)',
  );
  const said = (event: string, more: Record<string, string>) =>
    sentenceOf({ ...record, event, fields: { room: '1', agent: 'a', ...more } }, (id) => id.toUpperCase());
  expect(said('room.refused', { token: '4', reason: 'refused_422' })).toBe(
    'Qiscus refused A; it is tried again (Qiscus answered 422)',
  );
  expect(said('room.due', { due: '1795438978711' })).toBe('In line again after the delay');
  expect(said('room.assigned', { reason: 'confirmed', waited: '5600' })).toBe(
    'Qiscus gave it to A (the customer had waited 5.6 s)',
  );
  expect(said('room.unheard_of', {})).toBe('room.unheard_of');
});

test('times are of the zone that is named', () => {
  expect([0, 420, -210, 330].map(zoneOf)).toEqual(['UTC', 'UTC+7', 'UTC-3:30', 'UTC+5:30']);
  const { stdout } = Bun.spawnSync(
    [
      process.execPath,
      '-p',
      `const { moment, ZONE } = await import('./src/cli/words.ts'); moment('2026-11-23T20:10:30.123Z') + ' ' + ZONE`,
    ],
    { cwd: join(import.meta.dir, '../..'), env: { TZ: 'Asia/Jakarta' } },
  );
  expect(stdout.toString().trim()).toBe('2026-11-24 03:10:30 UTC+7');
  expect(moment('never')).toBe('never');
});
