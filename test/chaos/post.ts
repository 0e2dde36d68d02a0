/**
 * The post office between Qiscus and us: takes each webhook from the sandbox, and repeats it until it is acknowledged.
 *
 * 1. Answers the sandbox at once; delivers in the background, so many at a time.
 * 2. Without a 2xx the same bytes go out again. Some go out twice at once, and some again much later, after all was over.
 * 3. `stop` gives up what is on its way.
 */
import type { Server } from 'bun';
import { until } from '../support/wait';
import type { Chance } from './chance';

const AT_ONCE = 32;
const AGAIN_AFTER_MS = 50;
const LATE_MS = 3_000;

export interface PostOptions {
  /** Where a webhook goes to; asked for each attempt. */
  target: () => string;
  chance: Chance;
  /** Share of webhooks that go out twice at once, as Qiscus's do. */
  twice: number;
  /** Share of webhooks that come again seconds after they were acknowledged. */
  late: number;
}

interface Letter {
  path: string;
  body: string;
  headers: Headers;
}

export class Post {
  readonly #options: PostOptions;
  readonly #server: Server<undefined>;
  readonly #queue: Letter[] = [];
  readonly #late: (Letter & { atMs: number })[] = [];
  #underWay = 0;
  #stopped = false;
  /** Attempts by what came of them: a status, or an error's code. */
  readonly attempts: Record<string, number> = {};
  /** Webhooks handed in, and copies of them that were acknowledged. */
  handedIn = 0;
  acknowledged = 0;

  constructor(options: PostOptions) {
    this.#options = options;
    this.#server = Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      fetch: async (request) => {
        const { pathname } = new URL(request.url);
        const letter = { path: pathname, body: await request.text(), headers: request.headers };
        this.handedIn += 1;
        const copies = options.chance.next() < options.twice ? 2 : 1;
        for (let copy = 0; copy < copies; copy++) this.#queue.push(letter);
        this.#work();
        return new Response();
      },
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.port}`;
  }

  /** Copies that still have to be acknowledged. */
  get left(): number {
    return this.#queue.length + this.#underWay + this.#late.length;
  }

  /** Resolves when everything handed in was acknowledged, the late copies too. */
  async empty(withinMs: number): Promise<void> {
    await until(
      () => {
        this.#work();
        return this.left === 0;
      },
      { what: 'every webhook acknowledged', withinMs },
    );
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#server.stop(true);
  }

  #work(): void {
    const now = performance.now();
    while (this.#late[0] && this.#late[0].atMs <= now) this.#queue.push(this.#late.shift() as Letter);
    while (this.#underWay < AT_ONCE && this.#queue.length > 0) {
      this.#underWay += 1;
      const letter = this.#queue.shift() as Letter;
      void this.#deliver(letter).finally(() => {
        this.#underWay -= 1;
        this.#work();
      });
    }
  }

  async #deliver(letter: Letter): Promise<void> {
    while (!this.#stopped) {
      const met = await this.#attempt(letter);
      this.attempts[met] = (this.attempts[met] ?? 0) + 1;
      if (met.startsWith('2')) break;
      await Bun.sleep(AGAIN_AFTER_MS);
    }
    this.acknowledged += 1;
    const { chance, late } = this.#options;
    if (chance.next() < late) this.#late.push({ ...letter, atMs: performance.now() + LATE_MS });
  }

  async #attempt({ path, body, headers }: Letter): Promise<string> {
    try {
      const reply = await fetch(`${this.#options.target()}${path}`, {
        method: 'POST',
        body,
        headers: {
          'content-type': 'application/json',
          'x-webhook-token': headers.get('x-webhook-token') ?? '',
        },
        signal: AbortSignal.timeout(5_000),
      });
      await reply.arrayBuffer();
      return String(reply.status);
    } catch (error) {
      return error instanceof Error && 'code' in error ? String(error.code) : String(error);
    }
  }
}
