/**
 * Runs scripts that append to one key each, and tells whether enough replicas have what they wrote.
 *
 * 1. Scripts and WAIT are one pipeline, so that they go over the same connection: WAIT names no key, and counts who has what
 *    its own connection wrote. Elsewhere it would count replicas of another master, or of a new one that never got the entry.
 * 2. WAIT holds up its connection. So whatever comes meanwhile, of any app of that node, goes out together when it is
 *    answered, with one WAIT for all; what cannot be sent in time is refused unsent. Otherwise, without replicas, a backlog
 *    would be written long after its senders were refused.
 * 3. What a node did not run because it does not know the script, or because the key is elsewhere (MOVED, ASK), is sent once
 *    more, alone. ioredis follows by itself only when nothing of a pipeline was done, and WAIT always is.
 */
import type { ChainableCommander, Redis } from 'ioredis';
import { nodeOf, type Redirect, type RedisClient, redirectOf } from '../redis/client';
import { list } from '../redis/reply';
import type { Reply, Script } from '../redis/scripts';

/** How long replicas may take, ms: less than the connection's own limit, so that theirs is the answer. */
const REPLICAS_WITHIN_MS = 100;

/** How long an append may wait to be sent, ms: with the connection's own limit it stays below 250. */
const SENT_WITHIN_MS = 75;

export interface Append {
  script: Script;
  /** The script's only one. */
  key: string;
  args: (string | number)[];
}

export interface Appended {
  /** What the script replied. */
  reply: Reply[];
  /** Why it does not count as stored: too few replicas have it. null: enough do. */
  lack: Error | null;
}

/**
 * @param minReplicas replicas that must have what the script wrote, the same for all of a process; 0: nobody is asked
 * @throws what Redis or the connection said: nothing was appended, or nobody knows
 */
export async function appendTo(client: RedisClient, append: Append, minReplicas: number): Promise<Appended> {
  const node = minReplicas > 0 ? await nodeOf(client, append.key) : null;
  if (node === null) return sendAlone(client, append, minReplicas);
  const line = lines.get(node) ?? new Line(client, node, minReplicas);
  lines.set(node, line);
  return line.add(append);
}

async function sendAlone(client: RedisClient, append: Append, minReplicas: number): Promise<Appended> {
  let how: 'evalsha' | 'eval' = 'evalsha';
  let elsewhere: Redirect | null = null;
  for (;;) {
    const pipeline: ChainableCommander = elsewhere === null ? client.pipeline() : elsewhere.node.pipeline();
    if (elsewhere?.asking) pipeline.asking();
    pipeline[how](how === 'evalsha' ? append.script.sha : append.script.source, 1, append.key, ...append.args);
    if (minReplicas > 0) pipeline.wait(minReplicas, REPLICAS_WITHIN_MS);
    const answers = (await pipeline.exec()) ?? [];
    const waited = minReplicas > 0 ? answers.pop() : null;
    const [error, reply] = answers.pop() ?? NO_ANSWER;
    if (!error) return { reply: list(reply as Reply), lack: waited ? lackOf(waited, minReplicas) : null };
    const next: Redirect | null = elsewhere === null ? redirectOf(client, error) : null;
    if (next) elsewhere = next;
    else if (how === 'evalsha' && error.message.includes('NOSCRIPT')) how = 'eval';
    else throw error;
  }
}

type Answer = [Error | null, unknown];
const NO_ANSWER: Answer = [new Error('Redis gave no answer'), null];
const NOT_RUN = /^(NOSCRIPT|MOVED|ASK)\b/;

function lackOf([error, replicas]: Answer, minReplicas: number): Error | null {
  return error ?? (Number(replicas) < minReplicas ? new Error(`only ${replicas} replicas have it`) : null);
}

interface Waiting {
  append: Append;
  resolve: (appended: Appended | Promise<Appended>) => void;
  reject: (error: unknown) => void;
  /** Refuses it unsent. */
  patience: ReturnType<typeof setTimeout>;
}

/** By the connection to a node. */
const lines = new WeakMap<Redis, Line>();

/** What waits to go out over one connection. */
class Line {
  readonly #client: RedisClient;
  readonly #node: Redis;
  readonly #minReplicas: number;
  #waiting: Waiting[] = [];
  #busy = false;

  constructor(client: RedisClient, node: Redis, minReplicas: number) {
    this.#client = client;
    this.#node = node;
    this.#minReplicas = minReplicas;
  }

  add(append: Append): Promise<Appended> {
    return new Promise((resolve, reject) => {
      const refuse = () => {
        this.#waiting = this.#waiting.filter((one) => one !== waiting);
        reject(new Error('replicas are slow: not sent'));
      };
      const waiting = { append, resolve, reject, patience: setTimeout(refuse, SENT_WITHIN_MS) };
      this.#waiting.push(waiting);
      if (!this.#busy) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#busy = true;
    while (this.#waiting.length > 0) {
      const all = this.#waiting;
      this.#waiting = [];
      for (const { patience } of all) clearTimeout(patience);
      await this.#send(all).catch((error) => all.forEach(({ reject }) => void reject(error)));
    }
    this.#busy = false;
  }

  async #send(all: Waiting[]): Promise<void> {
    const pipeline = this.#node.pipeline();
    for (const { append } of all) pipeline.evalsha(append.script.sha, 1, append.key, ...append.args);
    pipeline.wait(this.#minReplicas, REPLICAS_WITHIN_MS);
    const answers: Answer[] = (await pipeline.exec()) ?? [];
    const lack = lackOf(answers[all.length] ?? NO_ANSWER, this.#minReplicas);
    for (const [i, { append, resolve, reject }] of all.entries()) {
      const [error, reply] = answers[i] ?? NO_ANSWER;
      if (!error) resolve({ reply: list(reply as Reply), lack });
      else if (NOT_RUN.test(error.message)) resolve(sendAlone(this.#client, append, this.#minReplicas));
      else reject(error);
    }
  }
}
