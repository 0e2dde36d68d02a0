/**
 * The rules of lua/: the header, the slots, the keys of Redis commands, what a script returns.
 *
 * `problemsOf` names everything in which a file breaks them; an empty list: nothing.
 */
import { KEY_NOUNS, type KeyNoun } from '../../../src/redis/keys';
import { functionsOf, type LuaFunction, slotsOf, undeclared, wordsReturned } from './code';
import { COMMANDS, callsOf, writersOf } from './commands';
import { headerOf } from './header';
import { is, listAt, type Token, tokensOf } from './tokens';

export interface LuaFile {
  name: string;
  source: string;
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
