/**
 * Reads a Lua script as far as its contract goes: the header, the slots, the keys of its Redis commands, what it returns.
 *
 * 1. `tokensOf` cuts source into tokens; comments are kept apart, for they are the header.
 * 2. `problemsOf` names everything in which a file breaks the rules of lua/; an empty list: none.
 */
import { KEY_NOUNS, type KeyNoun } from '../../src/redis/keys';

export interface Token {
  kind: 'name' | 'string' | 'number' | 'symbol';
  text: string;
}

export interface LuaFile {
  name: string;
  source: string;
}

/** Position of the key among a command's arguments (after the command's name; null: it takes none), and whether it writes. */
const COMMANDS: Record<string, { key: number | 'STREAMS' | null; writes: boolean }> = {
  ...Object.fromEntries(
    [
      'GET HGET HMGET HKEYS HEXISTS HSCAN HLEN ZRANGE ZRANGEBYLEX ZRANGEBYSCORE ZLEXCOUNT ZCARD ZSCORE ZCOUNT',
      'XRANGE XREVRANGE XLEN XPENDING PTTL EXISTS',
    ]
      .join(' ')
      .split(' ')
      .map((name) => [name, { key: 1, writes: false }]),
  ),
  ...Object.fromEntries(
    'SET DEL PEXPIRE HSET HDEL HINCRBY ZADD ZREM ZREMRANGEBYLEX XADD XACK XDEL XTRIM XAUTOCLAIM XCLAIM'
      .split(' ')
      .map((name) => [name, { key: 1, writes: true }]),
  ),
  XREADGROUP: { key: 'STREAMS', writes: true },
  XREAD: { key: 'STREAMS', writes: false },
  XGROUP: { key: 2, writes: true },
  XINFO: { key: 2, writes: false },
  INFO: { key: null, writes: false },
  // Rings follow from changes only.
  PUBLISH: { key: null, writes: true },
};

const BUILTINS = new Set(
  (
    'redis cmsgpack KEYS ARGV ipairs pairs tonumber tostring unpack string math table error pcall type next select ' +
    'and break do else elseif end false for function goto if in local nil not or repeat return then true until while'
  ).split(' '),
);

export function tokensOf(source: string): Token[] {
  const tokens: Token[] = [];
  const pattern =
    /--[^\n]*|^#![^\n]*|\s+|'((?:\\.|[^'\\])*)'|"((?:\\.|[^"\\])*)"|([A-Za-z_]\w*)|(\d[\w.]*)|(\.\.\.|\.\.|[=~<>]=|.)/gs;
  for (const [, single, double, name, number, symbol] of source.matchAll(pattern)) {
    const string = single ?? double;
    if (string !== undefined) tokens.push({ kind: 'string', text: string });
    else if (name) tokens.push({ kind: 'name', text: name });
    else if (number) tokens.push({ kind: 'number', text: number });
    else if (symbol) tokens.push({ kind: 'symbol', text: symbol });
  }
  return tokens;
}

const OPENS = new Set(['(', '{', '[']);
const CLOSES = new Set([')', '}', ']']);

/** The expressions between the bracket at `open` and its end, cut at commas. */
function listAt(tokens: Token[], open: number): Token[][] {
  const items: Token[][] = [[]];
  let depth = 0;
  for (const token of tokens.slice(open)) {
    if (token.kind === 'symbol' && CLOSES.has(token.text) && --depth === 0) break;
    if (depth === 1 && token.text === ',' && token.kind === 'symbol') items.push([]);
    else if (depth > 0) items.at(-1)?.push(token);
    if (token.kind === 'symbol' && OPENS.has(token.text)) depth += 1;
  }
  return items.filter((item) => item.length > 0);
}

const is = (token: Token | undefined, text: string) => token?.text === text && token.kind !== 'string';

interface LuaFunction {
  name: string;
  params: string[];
  body: Token[];
}

/** Functions with a name, and what is in none of them. */
function functionsOf(tokens: Token[]): { functions: LuaFunction[]; outside: Token[] } {
  const functions: LuaFunction[] = [];
  const outside: Token[] = [];
  for (let i = 0; i < tokens.length; i++) {
    if (!is(tokens[i], 'function')) {
      outside.push(tokens[i] as Token);
      continue;
    }
    const start = i;
    for (let depth = 0; i < tokens.length; i++) {
      const { kind, text } = tokens[i] as Token;
      if (kind !== 'name') continue;
      if (['function', 'do', 'if', 'repeat'].includes(text)) depth += 1;
      if (['end', 'until'].includes(text) && --depth === 0) break;
    }
    const body = tokens.slice(start + 2, i);
    const params = listAt(body, 0).map((param) => param[0]?.text ?? '');
    functions.push({ name: tokens[start + 1]?.text ?? '', params, body });
    // A function may hold functions of its own.
    functions.push(...functionsOf(body).functions);
  }
  return { functions, outside };
}

/** Names in the code that nothing before them declares: a forgotten prelude, a misspelling, a global variable. */
function undeclared(tokens: Token[], known: Set<string>): string[] {
  const found: string[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i] as Token;
    if (token.kind !== 'name') continue;
    if (token.text === 'local' && !is(tokens[i + 1], 'function')) {
      for (let at = i + 1; ; at += 2) {
        known.add(tokens[at]?.text ?? '');
        if (!is(tokens[at + 1], ',')) break;
      }
    }
    if (token.text === 'for') {
      for (let at = i + 1; !is(tokens[at], 'in') && !is(tokens[at], '=') && at < tokens.length; at += 1)
        known.add(tokens[at]?.text ?? '');
    }
    if (token.text === 'function') {
      if (tokens[i + 1]?.kind === 'name') known.add(tokens[i + 1]?.text ?? '');
      const open = is(tokens[i + 1], '(') ? i + 1 : i + 2;
      for (const [param] of listAt(tokens, open)) known.add(param?.text ?? '');
    }
    const field = is(tokens[i - 1], '.') || is(tokens[i - 1], ':');
    const member = is(tokens[i + 1], '=') && (is(tokens[i - 1], '{') || is(tokens[i - 1], ','));
    if (!field && !member && !BUILTINS.has(token.text) && !known.has(token.text)) found.push(token.text);
  }
  return [...new Set(found)];
}

interface Header {
  sentence: string;
  preludes: string[];
  keys: Map<number, string[]>;
  args: Map<number, string[]>;
  /** The arguments from here on repeat. */
  argsFrom: number | null;
  tags: Set<string>;
  words: Set<string>;
}

function headerOf(source: string): Header {
  const lines = source.replace(/^#!.*\n/, '').split('\n');
  const comment = lines.slice(
    0,
    lines.findIndex((line) => !line.startsWith('--')),
  );
  const text = comment.map((line) => line.slice(3));
  const header: Header = {
    sentence: text[0] ?? '',
    preludes: [],
    keys: new Map(),
    args: new Map(),
    argsFrom: null,
    tags: new Set(),
    words: new Set(),
  };
  let tag = '';
  for (const line of text) {
    const slot = /^(KEYS|ARGV)\[(\d+)(…?)\]\s+(.*)$/.exec(line);
    const named = /^(Prelude:|Returns|Replay|Cost)\s+(.*)$/.exec(line);
    tag = slot ? (slot[1] ?? '') : named ? (named[1] ?? '') : tag;
    if (slot) {
      const words = (slot[4] ?? '').split(/\s+/);
      (slot[1] === 'KEYS' ? header.keys : header.args).set(Number(slot[2]), words);
      if (slot[3]) header.argsFrom = Number(slot[2]);
    } else if (named) {
      header.tags.add(tag);
      if (tag === 'Prelude:') header.preludes = (named[2] ?? '').split(/\s+/);
    }
    if (tag === 'Returns') for (const [, word] of line.matchAll(/\{'(\w+)'/g)) header.words.add(word ?? '');
  }
  return header;
}

/** `local A, B = KEYS[1], tonumber(ARGV[2])` at the head of the code: name to slot. */
function slotsOf(tokens: Token[]): { keys: Map<string, number>; args: Set<number>; rest: Token[] } {
  const keys = new Map<string, number>();
  const args = new Set<number>();
  let at = 0;
  while (is(tokens[at], 'local') && tokens[at + 1]?.kind === 'name' && !is(tokens[at + 1], 'function')) {
    const equals = tokens.findIndex((token, i) => i > at && is(token, '='));
    const names = tokens.slice(at + 1, equals).filter(({ kind }) => kind === 'name');
    let end = tokens.findIndex(
      (token, i) =>
        i > at &&
        (is(token, 'local') ||
          (BUILTINS.has(token.text) && token.kind === 'name' && ['if', 'for', 'return', 'redis'].includes(token.text))),
    );
    if (end < 0) end = tokens.length;
    const values = listAt(
      [{ kind: 'symbol', text: '(' }, ...tokens.slice(equals + 1, end), { kind: 'symbol', text: ')' }],
      0,
    );
    if (!values.every((value) => value.some(({ text }) => text === 'KEYS' || text === 'ARGV'))) break;
    values.forEach((value, i) => {
      const from = value.findIndex(({ text }) => text === 'KEYS' || text === 'ARGV');
      const slot = Number(value[from + 2]?.text);
      if (value[from]?.text === 'KEYS') keys.set(names[i]?.text ?? '', slot);
      else args.add(slot);
    });
    at = end;
  }
  return { keys, args, rest: tokens.slice(at) };
}

/** Words that a body may return: `return { 'word', … }`, `return found`, `return fenced(…)`. */
function wordsReturned(body: Token[], functions: LuaFunction[]): Set<string> {
  const words = new Set<string>();
  const addFirst = (tokens: Token[], open: number) => {
    const first = listAt(tokens, open)[0] ?? [];
    if (is(first[1], '=')) return;
    first.forEach((token, i) => {
      if (token.kind === 'string' && !is(first[i - 1], '==') && !is(first[i - 1], '[')) words.add(token.text);
    });
  };
  body.forEach((token, i) => {
    if (!is(token, 'return')) return;
    const next = body[i + 1];
    if (is(next, '{')) addFirst(body, i + 1);
    else if (next?.kind === 'name' && is(body[i + 2], '(')) {
      const called = functions.find(({ name }) => name === next.text);
      if (called) for (const word of wordsReturned(called.body, functions)) words.add(word);
    } else if (next?.kind === 'name') {
      const made = body.findIndex((token, j) => is(token, 'local') && is(body[j + 1], next.text));
      const open = body.findIndex((token, j) => j > made && is(token, '{'));
      if (made >= 0) addFirst(body, open);
    }
  });
  return words;
}

/** Names of functions that write, by themselves or through others. */
function writersOf(functions: LuaFunction[]): Set<string> {
  const writers = new Set<string>();
  const writes = ({ body }: LuaFunction) =>
    callsOf(body).some(({ command }) => COMMANDS[command]?.writes) ||
    body.some((token, i) => token.kind === 'name' && is(body[i + 1], '(') && writers.has(token.text));
  for (let before = -1; before !== writers.size; ) {
    before = writers.size;
    for (const each of functions) if (writes(each)) writers.add(each.name);
  }
  return writers;
}

function callsOf(tokens: Token[]): { command: string; args: Token[][] }[] {
  return tokens.flatMap((token, i) => {
    const isCall = is(token, 'redis') && is(tokens[i + 1], '.') && /^p?call$/.test(tokens[i + 2]?.text ?? '');
    if (!isCall) return [];
    const [command = [], ...args] = listAt(tokens, i + 3);
    const literal = command.length === 1 && command[0]?.kind === 'string' ? command[0].text : '(computed)';
    return [{ command: literal, args }];
  });
}

const typeOf = (noun: string) => KEY_NOUNS[noun as KeyNoun]?.split(':')[0];
const TYPES = ['text', 'number'];

/** @param preludes all of lua/prelude; pass a script, or a prelude with `isPrelude` */
export function problemsOf(file: LuaFile, preludes: LuaFile[], isPrelude = false): string[] {
  const problems: string[] = [];
  const report = (problem: string) => problems.push(`${file.name}: ${problem}`);
  const { source } = file;
  const shebang = /^#!.*/.exec(source)?.[0] ?? null;
  if (isPrelude && shebang !== null) report('a prelude has no #! line');
  if (!isPrelude && !/^#!lua( flags=(allow-oom|no-writes))?$/.test(shebang ?? '')) report(`first line: ${shebang}`);

  const header = headerOf(source);
  if (!/^[A-Z].*[^ ]/.test(header.sentence)) report('the header does not begin with a sentence');
  if (!isPrelude) {
    if (!/[.:]$|\.\s/.test(`${header.sentence} `.trim())) report('the first line of the header is no sentence');
    for (const tag of ['Returns', 'Replay', 'Cost']) if (!header.tags.has(tag)) report(`no ${tag} in the header`);
  }
  for (const [slot, [noun = '', type, meaning]] of header.keys) {
    if (typeOf(noun) === undefined) report(`KEYS[${slot}] names no key: ${noun}`);
    else if (typeOf(noun) !== type) report(`KEYS[${slot}] ${noun} is a ${typeOf(noun)}, not a ${type}`);
    if (!meaning) report(`KEYS[${slot}] has no meaning`);
  }
  for (const [slot, [, type = '', meaning]] of header.args) {
    if (!TYPES.includes(type)) report(`ARGV[${slot}] has no type`);
    if (!meaning) report(`ARGV[${slot}] has no meaning`);
  }

  const code = tokensOf(source);
  const slots = slotsOf(code);
  const rest = slots.rest;
  if (rest.some((token) => is(token, 'KEYS'))) report('a KEYS slot is used but not named in the first lines');
  const walked = rest.flatMap((token, i) => (is(token, 'ARGV') ? [is(rest[i + 1], '[') ? rest[i + 2]?.text : ''] : []));
  const direct = walked.find((index) => /^\d+$/.test(index ?? ''));
  if (direct) report(`ARGV[${direct}] is used but not named in the first lines`);
  if (walked.length > 0 && header.argsFrom === null) report('ARGV is walked through, but no ARGV[n…] is documented');
  const used = { keys: new Set(slots.keys.values()), args: slots.args };
  for (const slot of used.keys) if (!header.keys.has(slot)) report(`KEYS[${slot}] is not documented`);
  for (const slot of header.keys.keys()) if (!used.keys.has(slot)) report(`KEYS[${slot}] is not used`);
  for (const slot of used.args) if (!header.args.has(slot)) report(`ARGV[${slot}] is not documented`);
  for (const slot of header.args.keys())
    if (!used.args.has(slot) && slot !== header.argsFrom) report(`ARGV[${slot}] is not used`);

  const known = new Set<string>();
  const keyNames = new Set(slots.keys.keys());
  const shared: LuaFunction[] = [];
  const numbers = new Set(header.keys.keys());
  for (const name of isPrelude ? [] : header.preludes) {
    const prelude = preludes.find((each) => each.name === name);
    if (!prelude) {
      report(`no such prelude: ${name}`);
      continue;
    }
    const tokens = tokensOf(prelude.source);
    const missing = undeclared(tokens, known);
    if (missing.length > 0) report(`prelude ${name} needs in front of it what declares ${missing.join(', ')}`);
    shared.push(...functionsOf(tokens).functions);
    for (const [key, slot] of slotsOf(tokens).keys) {
      keyNames.add(key);
      if (numbers.has(slot)) report(`KEYS[${slot}] is named twice`);
      numbers.add(slot);
    }
  }
  for (let n = 1; !isPrelude && n <= numbers.size; n++) if (!numbers.has(n)) report(`KEYS[${n}] is missing`);
  if (!isPrelude) for (const name of undeclared(code, known)) report(`${name} is not declared`);

  const { functions, outside } = functionsOf(code);
  const isSlot = (tokens: Token[] | undefined) =>
    tokens?.length === 1 &&
    tokens[0]?.kind === 'name' &&
    (keyNames.has(tokens[0].text) || isPreludeSlot(tokens[0].text));
  const isPreludeSlot = (name: string) =>
    isPrelude && preludes.some((prelude) => slotsOf(tokensOf(prelude.source)).keys.has(name));
  /** A parameter that is a slot in every call of its function. */
  const isPassedSlot = (tokens: Token[] | undefined) =>
    functions.some(({ name, params }) => {
      const at = params.indexOf(tokens?.length === 1 ? (tokens[0]?.text ?? '') : '');
      if (at < 0) return false;
      const calls = code.flatMap((token, i) =>
        is(token, name) && is(code[i + 1], '(') && !is(code[i - 1], 'function') ? [listAt(code, i + 1)] : [],
      );
      return calls.every((args) => isSlot(args[at]));
    });
  for (const { command, args } of callsOf(code)) {
    const rule = COMMANDS[command];
    if (!rule) {
      report(`${command} is not among the commands that scripts may use`);
      continue;
    }
    if (rule.key === null) continue;
    const streams = args.findIndex((arg) => arg.length === 1 && arg[0]?.text === 'STREAMS');
    const key = rule.key === 'STREAMS' ? args[streams + 1] : args[rule.key - 1];
    if (!isSlot(key) && !isPassedSlot(key))
      report(`${command} is given a key that is no slot: ${key?.map(({ text }) => text).join(' ')}`);
  }
  if (shebang?.includes('no-writes')) {
    const writers = writersOf(shared);
    for (const { command } of callsOf(code))
      if (COMMANDS[command]?.writes) report(`no-writes, yet it calls ${command}`);
    code.forEach((token, i) => {
      if (token.kind === 'name' && is(code[i + 1], '(') && writers.has(token.text))
        report(`no-writes, yet it calls ${token.text}`);
    });
  }
  if (!isPrelude) {
    const returned = wordsReturned(outside, [...functions, ...shared]);
    for (const word of returned) if (!header.words.has(word)) report(`returns '${word}', which is not documented`);
    for (const word of header.words) if (!returned.has(word)) report(`never returns the documented '${word}'`);
  }
  return problems;
}
