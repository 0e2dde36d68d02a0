/**
 * Loads lua/ and runs its scripts.
 *
 * 1. A script's header is its contract: which preludes stand in front of it, which keys it takes, in order, and what
 *    arguments it needs.
 * 2. Scripts go out as EVALSHA, one command each, never in a pipeline; NOSCRIPT is answered with EVAL once.
 * 3. Replies start with a status word; they are decoded to unions by the caller in ledger/.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RedisClient } from './client';
import { type NewerFormat, newerFormat } from './format';
import { KEY_NOUNS, type KeyNoun, type Keys } from './keys';

export const LUA_DIR = join(import.meta.dir, '../../lua');

export interface Script {
  name: string;
  source: string;
  sha: string;
  keys: KeyNoun[];
}

/** What a script may answer: text, numbers and lists of them. */
export type Reply = string | number | null | Reply[];

function isNoun(word: string): word is KeyNoun {
  return word in KEY_NOUNS;
}

/** Keys that a header names, as `-- KEYS[n] noun type …`. */
function keysNamed(source: string): Map<number, KeyNoun> {
  const found = new Map<number, KeyNoun>();
  for (const [, slot, noun] of source.matchAll(/^-- KEYS\[(\d+)\]\s+(\w+)/gm)) {
    if (!noun || !isNoun(noun)) throw new Error(`lua: KEYS[${slot}] names no key of keys.ts: ${noun}`);
    found.set(Number(slot), noun);
  }
  return found;
}

/**
 * Lua that refuses arguments which the header rules out (too few, no number), before anything else: a script that raises
 * keeps what it did until then, so nonsense has to raise at once.
 */
function argumentChecks(source: string): string {
  const slots = [...source.matchAll(/^-- ARGV\[(\d+)\]\s+\w+\s+(\w+)/gm)];
  const least = Math.max(0, ...slots.map(([, slot]) => Number(slot)));
  const numbers = slots.filter(([, , type]) => type === 'number').map(([, slot]) => slot);
  return `if #ARGV < ${least} then error('too few arguments') end
for _, slot in ipairs({ ${numbers.join(', ')} }) do
  local number = tonumber(ARGV[slot])
  if not number or not (math.abs(number) < 2 ^ 53) then error('ARGV[' .. slot .. '] is not a number') end
end
`;
}

/** Reads one script with its preludes in front. @param dir where the script lies; preludes are always those of lua/ */
export function loadScript(name: string, dir = LUA_DIR): Script {
  const body = readFileSync(join(dir, `${name}.lua`), 'utf8');
  const shebang = body.slice(0, body.indexOf('\n') + 1);
  const wanted = /^-- Prelude: (.+)$/m.exec(body)?.[1]?.trim().split(/\s+/) ?? [];
  const preludes = wanted.map((prelude) => readFileSync(join(LUA_DIR, 'prelude', `${prelude}.lua`), 'utf8'));
  const lua = `${preludes.join('\n')}\n${body.slice(shebang.length)}`;
  const source = `${shebang}${argumentChecks(lua)}${lua}`;
  const named = keysNamed(source);
  const keys = Array.from({ length: named.size }, (_, i) => {
    const noun = named.get(i + 1);
    if (!noun) throw new Error(`lua/${name}.lua: KEYS[${i + 1}] is missing in the header`);
    return noun;
  });
  return { name, source, sha: createHash('sha1').update(source).digest('hex'), keys };
}

/** Names of all scripts in lua/. */
export function scriptNames(): string[] {
  return readdirSync(LUA_DIR)
    .filter((file) => file.endsWith('.lua'))
    .map((file) => file.slice(0, -4))
    .sort();
}

let loaded: ReadonlyMap<string, Script> | null = null;

/** All scripts; lua/ is read once in a process. */
function allScripts(): ReadonlyMap<string, Script> {
  loaded ??= new Map(scriptNames().map((name) => [name, loadScript(name)]));
  return loaded;
}

/** Runs scripts for one app on one connection. */
export class Scripts {
  readonly #client: RedisClient;
  readonly #keys: Keys;
  readonly #loaded: ReadonlyMap<string, Script>;
  readonly #onNewer: (newer: NewerFormat) => void;
  #isNewer = false;

  /** @param onNewer called when a script first finds that a newer version works on the ledger */
  constructor(client: RedisClient, keys: Keys, onNewer: (newer: NewerFormat) => void = () => undefined) {
    this.#client = client;
    this.#keys = keys;
    this.#loaded = allScripts();
    this.#onNewer = onNewer;
  }

  /**
   * Runs one script, once.
   * @throws the error of ioredis or of the script; the caller knows whether a repeat is safe (header: Replay).
   * @throws NewerFormat when the ledger is a newer version's; nothing was changed.
   */
  async run(name: string, ...args: (string | number)[]): Promise<Reply[]> {
    const script = this.#loaded.get(name);
    if (!script) throw new Error(`no such script: ${name}`);
    try {
      return await this.#evaluate(script, args);
    } catch (error) {
      const newer = newerFormat(error);
      if (newer && !this.#isNewer) this.#onNewer(newer);
      this.#isNewer ||= newer !== null;
      throw newer ?? error;
    }
  }

  async #evaluate(script: Script, args: (string | number)[]): Promise<Reply[]> {
    const keys = script.keys.map((noun) => this.#keys[noun]);
    try {
      return (await this.#client.evalsha(script.sha, keys.length, ...keys, ...args)) as Reply[];
    } catch (error) {
      if (!(error instanceof Error && error.message.includes('NOSCRIPT'))) throw error;
      return (await this.#client.eval(script.source, keys.length, ...keys, ...args)) as Reply[];
    }
  }
}
