/** Reads a script's code as far as its contract goes: functions, names, slots, and the words that it returns. */
import { is, listAt, type Token } from './tokens';

const BUILTINS = new Set(
  (
    'redis cmsgpack KEYS ARGV ipairs pairs tonumber tostring unpack string math table error pcall type next select ' +
    'and break do else elseif end false for function goto if in local nil not or repeat return then true until while'
  ).split(' '),
);

export interface LuaFunction {
  name: string;
  params: string[];
  body: Token[];
}

/** Functions with a name, and what is in none of them. */
export function functionsOf(tokens: Token[]): { functions: LuaFunction[]; outside: Token[] } {
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
export function undeclared(tokens: Token[], known: Set<string>): string[] {
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

/** `local A, B = KEYS[1], tonumber(ARGV[2])` at the head of the code: name to slot. */
export function slotsOf(tokens: Token[]): { keys: Map<string, number>; args: Set<number>; rest: Token[] } {
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
export function wordsReturned(body: Token[], functions: LuaFunction[]): Set<string> {
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
