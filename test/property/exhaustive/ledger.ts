/**
 * The ledger as a table of steps: (state, step) → (state, answer), each pair found out once by the real scripts on a real Redis.
 *
 * 1. Every state found keeps its keys in Redis under an app id of its own; it is never changed.
 * 2. A step copies those keys to a new app id and runs one verb of the real Ledger (so: one script) on the copy. Scripts are
 *    atomic, so an interleaving of workers and dispatchers is nothing but an order of such steps.
 * 3. A copy that is a known state (by its canonical text, books.ts) is dropped again.
 *
 * Steps name intents and tokens by their rank in the state, and results tell where each rank went.
 */

import type { Intent } from '../../../src/ledger/index';
import { Ledger } from '../../../src/ledger/index';
import type { RedisClient } from '../../../src/redis/client';
import { KEY_NOUNS, type KeyNoun, type Keys, keysOf } from '../../../src/redis/keys';
import { loadScript, type Reply, type Script, Scripts, scriptNames } from '../../../src/redis/scripts';
import { ensureGroups } from '../../../src/streams/groups';
import { type Books, LONG_MS, readBooks, roomId, textOf } from './books';

/** A held intent: ranks in the state; -1: gone from it. */
export interface Held {
  entry: number;
  token: number;
}

export interface TakenIntent extends Held {
  kind: 'assign' | 'question';
  room: number;
  agent: string;
  refusals: number;
  unknowns: number;
  unsure: boolean;
}

export interface StepAnswer {
  /** Number of the state after it. */
  state: number;
  /** Verb's own word: 'done', 'fenced', true … */
  word: unknown;
  intents: TakenIntent[];
  /** Where each outbox entry, and each token of each room, went: -1 gone. */
  entries: number[];
  tokens: number[][];
}

/** What a step may use of the state that it runs on. */
export interface At {
  ledger: Ledger;
  nowMs: number;
  /** Appends a webhook to the copy's inbox before the verb runs. */
  append(fields: string[]): void;
  /** Makes one pending intent look abandoned. */
  age(entry: number): void;
  intent(room: number, agent: string, held: Held): Intent;
  token(room: number, rank: number): number;
  /** Takes the outbox its group away, and creates the missing groups as the service does. */
  regroup(): Promise<unknown>;
  /** One script by name, for the hands of an operator. */
  script(name: string, ...args: (string | number)[]): Promise<unknown>;
}

export interface Step {
  /** Unique for what it does. */
  key: string;
  /** The verb; absent: only time passes. It must send its script before it waits for anything. */
  run?(at: At): Promise<unknown>;
  /** The verb sends one command after another: the state is read when it has ended. */
  slow?: boolean;
}

interface Found {
  answer: StepAnswer;
  after: Books;
}

const COPIED = (Object.keys(KEY_NOUNS) as KeyNoun[]).filter((noun) => noun !== 'journal' && noun !== 'lease');
const COPY = `for i = 1, #KEYS / 2 do redis.call('COPY', KEYS[i], KEYS[#KEYS / 2 + i]) end`;
const LONG_AGO_MS = 2e9;
const GONE = 999_999_999;

/** Scripts for whichever app comes next; the copy of a step is the only one that it can change. */
class PointedScripts extends Scripts {
  readonly #send: RedisClient;
  readonly #all: Map<string, Script>;
  keys: Keys;

  constructor(client: RedisClient, keys: Keys) {
    super(client, keys);
    this.#send = client;
    this.keys = keys;
    this.#all = new Map(scriptNames().map((name) => [name, loadScript(name)]));
  }

  async load(): Promise<void> {
    for (const script of this.#all.values()) await this.#send.script('LOAD', script.source);
  }

  override async run(name: string, ...args: (string | number)[]): Promise<Reply[]> {
    const script = this.#all.get(name);
    if (!script) throw new Error(`no such script: ${name}`);
    const keys = script.keys.map((noun) => this.keys[noun]);
    return (await this.#send.evalsha(script.sha, keys.length, ...keys, ...args)) as Reply[];
  }
}

export class LedgerTable {
  readonly states: Books[] = [];
  /** Per state and renaming of rooms a number: equal numbers, equal texts. */
  readonly renamed: number[][] = [];
  /** Called for every step that was run, with the very states before and after it. */
  onStep: (key: string, before: Books, after: Books) => void = () => undefined;
  readonly #client: RedisClient;
  readonly #orders: readonly (readonly number[])[];
  readonly #rooms: number;
  readonly #scripts: PointedScripts;
  readonly #ledger: Ledger;
  readonly #read = loadScript('read_books', import.meta.dir);
  readonly #apps: string[] = [];
  readonly #byText = new Map<string, number>();
  readonly #texts = new Map<string, number>();
  readonly #answers = new Map<string, StepAnswer>();
  readonly #prefix = `x${process.pid}-${Math.floor(Math.random() * 1e6)}`;
  #made = 0;
  #nowMs = 0;

  /** @param orders the renamings of rooms under which texts are wanted; the first is the identity */
  constructor(client: RedisClient, rooms: number, orders: readonly (readonly number[])[]) {
    this.#client = client;
    this.#rooms = rooms;
    this.#orders = orders;
    this.#scripts = new PointedScripts(client, keysOf('none'));
    this.#ledger = new Ledger(this.#scripts, () => this.#nowMs);
  }

  get steps(): number {
    return this.#answers.size;
  }

  /** The first state: agents online, nobody in line. */
  async begin(agents: string[], limit: number): Promise<number> {
    await this.#scripts.load();
    await this.#client.script('LOAD', this.#read.source);
    const app = this.#nextApp();
    const keys = keysOf(app);
    this.#scripts.keys = keys;
    this.#nowMs = 1_700_000_000_000;
    await ensureGroups(this.#client, keys);
    await this.#ledger.setInitialLimit(limit);
    const part = agents.map((id) => ({
      id,
      name: id,
      presence: 'online' as const,
      channels: '*',
      customerCount: null,
    }));
    const reading = { begunMs: this.#nowMs, endedMs: this.#nowMs, lagMs: 0, last: true };
    await this.#ledger.applyRoster(part, reading);
    await this.#client.del(keys.journal);
    return this.#register(app, readBooks(await this.#json(keys), this.#rooms, this.#nowMs));
  }

  known(state: number, step: Step): StepAnswer | undefined {
    return this.#answers.get(`${state} ${step.key}`);
  }

  /** Runs one step on a copy of a state; any number may be under way. */
  async find(state: number, step: Step): Promise<void> {
    const before = this.states[state];
    const app = this.#apps[state];
    if (!before || !app) throw new Error('no such state');
    const { answer, after } = step.run ? await this.#run(before, app, step) : this.#pass(before, app);
    const key = `${state} ${step.key}`;
    this.#answers.set(key, answer);
    this.onStep(key, before, after);
  }

  #pass(before: Books, app: string): Found {
    const after = { ...before, nowMs: before.nowMs + LONG_MS };
    return { answer: this.#answer(before, after, app, undefined).answer, after };
  }

  async #run(before: Books, app: string, step: Step): Promise<Found> {
    const copy = this.#nextApp();
    const [from, keys] = [keysOf(app), keysOf(copy)];
    const nowMs = before.nowMs + 1;
    const sent: Promise<unknown>[] = [];
    const pairs = [...COPIED.map((noun) => from[noun]), ...COPIED.map((noun) => keys[noun])];
    sent.push(this.#client.eval(COPY, pairs.length, ...pairs));
    // All commands of this step are written before anything is awaited, so they run one after another in this order.
    this.#scripts.keys = keys;
    this.#nowMs = nowMs;
    let appended = 0;
    const word = step.run?.({
      ledger: this.#ledger,
      nowMs,
      append: (fields) => sent.push(this.#client.xadd(keys.inbox, `${nowMs}-${appended++}`, ...fields)),
      age: (entry) => {
        const id = before.entries[entry]?.id ?? '';
        sent.push(this.#client.call('XCLAIM', keys.outbox, 'dispatch', 'dispatch', 0, id, 'IDLE', LONG_AGO_MS));
      },
      intent: (room, agentId, { entry, token }) => ({
        id: before.entries[entry]?.id ?? '1-1',
        kind: 'assign',
        roomId: roomId(room),
        agentId,
        token: before.tokens[room]?.[token] ?? GONE,
        refusals: 0,
        unknowns: 0,
        unsure: false,
      }),
      token: (room, rank) => before.tokens[room]?.[rank] ?? GONE,
      regroup: () => {
        sent.push(this.#client.xgroup('DESTROY', keys.outbox, 'dispatch'));
        return ensureGroups(this.#client, keys);
      },
      script: (name, ...args) => this.#scripts.run(name, nowMs, ...args),
    });
    if (step.slow) await word;
    sent.push(this.#client.del(keys.journal));
    const json = this.#json(keys);
    await Promise.all(sent);
    const after = readBooks(await json, this.#rooms, nowMs);
    const { answer, isNew } = this.#answer(before, after, copy, await word);
    if (!isNew) void this.#client.del(...COPIED.map((noun) => keys[noun]));
    return { answer, after };
  }

  async #json(keys: Keys): Promise<string> {
    const named = this.#read.keys.map((noun) => keys[noun]);
    const reply = await this.#client.evalsha(this.#read.sha, named.length, ...named, 0);
    return String((reply as Reply[])[1]);
  }

  #answer(before: Books, after: Books, app: string, word: unknown) {
    const text = textOf(after, this.#orders[0] ?? []);
    const known = this.#byText.get(text);
    const state = known ?? this.#register(app, after, text);
    const at = new Map(after.entries.map(({ id }, index) => [id, index]));
    const taken = isTaken(word) ? word.intents : [];
    const intents = taken.map((intent): TakenIntent => {
      const room = Number(intent.roomId) - 1;
      const token = (after.tokens[room] ?? []).indexOf(intent.token);
      const { kind, agentId: agent, refusals, unknowns, unsure } = intent;
      return { kind, room, agent, refusals, unknowns, unsure, entry: at.get(intent.id) ?? -1, token };
    });
    const answer: StepAnswer = {
      state,
      word: taken.length > 0 ? 'taken' : word,
      intents,
      entries: before.entries.map(({ id }) => at.get(id) ?? -1),
      tokens: before.tokens.map((tokens, room) => tokens.map((token) => (after.tokens[room] ?? []).indexOf(token))),
    };
    return { answer, isNew: known === undefined };
  }

  #register(app: string, books: Books, text = textOf(books, this.#orders[0] ?? [])): number {
    const state = this.states.length;
    this.states.push(books);
    this.#apps.push(app);
    this.#byText.set(text, state);
    this.renamed.push(
      this.#orders.map((order) => {
        const written = textOf(books, order);
        const number = this.#texts.get(written) ?? this.#texts.size;
        this.#texts.set(written, number);
        return number;
      }),
    );
    return state;
  }

  #nextApp(): string {
    this.#made += 1;
    return `${this.#prefix}-${this.#made}`;
  }
}

function isTaken(word: unknown): word is { intents: Intent[] } {
  return typeof word === 'object' && word !== null && 'intents' in word && Array.isArray(word.intents);
}
