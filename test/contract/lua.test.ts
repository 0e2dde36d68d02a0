/** Every file of lua/ keeps the rules that make its header trustworthy; and the rules themselves can fail. */
import { describe, expect, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LUA_DIR, loadScript, scriptNames } from '../../src/redis/scripts';
import { type LuaFile, problemsOf } from '../support/lua/rules';

const read = (folder: string): LuaFile[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.lua'))
    .map((file) => ({ name: file.slice(0, -4), source: readFileSync(join(folder, file), 'utf8') }));
const scripts = read(LUA_DIR);
const preludes = read(join(LUA_DIR, 'prelude'));

test('there are scripts and preludes, and all are loaded', () => {
  expect(scripts.length).toBeGreaterThan(20);
  expect(preludes.length).toBeGreaterThan(3);
  expect(scriptNames()).toEqual(scripts.map(({ name }) => name).sort());
});

for (const script of scripts) {
  test(`[S34] lua/${script.name}.lua keeps the rules`, () => {
    expect(problemsOf(script, preludes)).toEqual([]);
  });
}

for (const prelude of preludes) {
  test(`[S34] lua/prelude/${prelude.name}.lua keeps the rules`, () => {
    expect(problemsOf(prelude, preludes, true)).toEqual([]);
  });
}

test('every prelude is used, and every script finds its keys', () => {
  const wanted = new Set(scripts.flatMap(({ source }) => /^-- Prelude: (.+)$/m.exec(source)?.[1]?.split(/\s+/) ?? []));
  expect(preludes.map(({ name }) => name).filter((name) => !wanted.has(name))).toEqual([]);
  for (const name of scriptNames()) expect(loadScript(name).keys.length).toBeGreaterThan(0);
});

describe('the rules find', () => {
  const shelf: LuaFile = {
    name: 'shelf',
    source: `-- Prelude: one slot.
-- KEYS[1]  rooms    hash    room -> packed record
local ROOMS = KEYS[1]
local function put(id) redis.call('HSET', ROOMS, id, 1) end
local function put_twice(id) put(id) put(id) end
`,
  };
  const good = `#!lua flags=allow-oom
-- Does one thing.
-- Prelude: shelf
-- KEYS[2]  inbox    stream  webhooks
-- ARGV[1]  room     text    the room
-- Returns  {'done'} | {'unknown'}
-- Replay   changes nothing
-- Cost     O(1)
local INBOX = KEYS[2]
local ROOM = ARGV[1]

local function length(stream) return redis.call('XLEN', stream) end
if redis.call('HGET', ROOMS, ROOM) == 'x' then return { 'unknown' } end
put_twice(ROOM)
local taken = redis.call('XREADGROUP', 'GROUP', 'g', 'c', 'COUNT', 1, 'STREAMS', INBOX, '>')
return { length(INBOX) == 1 and 'done' or 'unknown', taken }
`;
  const check = (source: string) => problemsOf({ name: 's', source }, [shelf]).join('\n');

  test('nothing wrong with a good sample', () => expect(check(good)).toBe(''));

  test.each<[string, [string, string], string]>([
    ['a missing first line', ['#!lua flags=allow-oom\n', ''], 'first line: null'],
    ['an unknown flag', ['allow-oom', 'allow-all'], 'first line'],
    ['a header without Replay', ['-- Replay   changes nothing\n', ''], 'no Replay'],
    ['a header without Cost', ['-- Cost     O(1)\n', ''], 'no Cost'],
    ['a key that keys.ts does not know', ['inbox    stream', 'outhouse stream'], 'names no key: outhouse'],
    ['a key of another type', ['inbox    stream', 'inbox    zset  '], 'inbox is a stream, not a zset'],
    ['an argument without a type', ['room     text    the room', 'room     thing   the room'], 'ARGV[1] has no type'],
    ['an argument without a meaning', ['room     text    the room', 'room     text'], 'ARGV[1] has no meaning'],
    [
      'an argument that is not documented',
      ['local ROOM = ARGV[1]', 'local ROOM, X = ARGV[1], ARGV[2]'],
      'ARGV[2] is not documented',
    ],
    ['an argument that is not used', ['local ROOM = ARGV[1]', "local ROOM = 'x'"], 'ARGV[1] is not used'],
    ['an argument used in the middle', ['put_twice(ROOM)', 'put_twice(ARGV[1])'], 'not named in the first lines'],
    ['a key used in the middle', ['length(INBOX)', 'length(KEYS[2])'], 'not named in the first lines'],
    ['a key that is not documented', ['-- KEYS[2]  inbox    stream  webhooks\n', ''], 'KEYS[2] is not documented'],
    ['a key that is not used', ['local INBOX = KEYS[2]', "local INBOX = 'inbox'"], 'KEYS[2] is not used'],
    ['a gap in the keys', ['KEYS[2]', 'KEYS[3]'], 'KEYS[2]'],
    ['a computed key', ["'HGET', ROOMS, ROOM", "'HGET', ROOM, ROOM"], 'HGET is given a key that is no slot: ROOM'],
    ['a key built from text', ["'HGET', ROOMS", "'HGET', 'caa:' .. ROOM"], 'no slot'],
    ['a stream that is no slot', ["'STREAMS', INBOX", "'STREAMS', ROOM"], 'XREADGROUP is given a key'],
    ['a parameter that is no slot', ['length(INBOX)', 'length(ROOM)'], 'XLEN is given a key'],
    ['a command that nobody listed', ["'HGET', ROOMS, ROOM", "'KEYS', ROOMS"], 'KEYS is not among the commands'],
    ['a write in a reading script', ['allow-oom', 'no-writes'], 'no-writes, yet it calls XREADGROUP'],
    ['a write through a prelude', ['allow-oom', 'no-writes'], 'no-writes, yet it calls put_twice'],
    ['a prelude that does not exist', ['-- Prelude: shelf', '-- Prelude: cellar'], 'no such prelude: cellar'],
    ['a prelude that was forgotten', ['-- Prelude: shelf\n', ''], 'put_twice is not declared'],
    ['a global variable', ['local taken', 'taken'], 'taken is not declared'],
    ['a word that is not documented', [" | {'unknown'}", ''], "returns 'unknown'"],
    ['a word that is never returned', ["{'done'}", "{'done'} | {'more'}"], "never returns the documented 'more'"],
  ])('%s', (_, [from, to], problem) => {
    const broken = good.replaceAll(from, to);
    expect(broken).not.toBe(good);
    expect(check(broken)).toContain(problem);
  });

  test('a prelude with a first line of its own, or that needs another in front', () => {
    expect(problemsOf({ ...shelf, source: `#!lua\n${shelf.source}` }, [shelf], true).join()).toContain('no #! line');
    const needy = { name: 'needy', source: '-- Prelude: needs the shelf.\nlocal function twice(id) put(id) end\n' };
    const source = good.replace('-- Prelude: shelf', '-- Prelude: needy shelf');
    expect(problemsOf({ name: 's', source }, [shelf, needy]).join()).toContain('declares put');
  });
});
