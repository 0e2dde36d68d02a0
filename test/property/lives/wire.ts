/**
 * The connection of one simulated process to the real Redis, with the crash injector in it.
 *
 * 1. Every call of Redis goes through `#pass`, one by one, and is counted.
 * 2. At the call that `trouble` names, before Redis sees it or after Redis executed it, the process dies, or only loses
 *    its connection: the call fails and nobody knows whether it was executed.
 * 3. Of a dead process nothing comes back: its calls never end, so that none of its code runs on.
 */
import type { ChainableCommander } from 'ioredis';
import type { RedisClient } from '../../../src/redis/client';
import { asMachine } from './time';

/** What goes wrong, at the call after `skip` others. */
export interface Trouble {
  skip: number;
  /** `before`: Redis never sees the call. `after`: it executed it, and the reply is lost. */
  when: 'before' | 'after';
  what: 'dies' | 'is cut off';
}

/** What is on its way to somewhere real; the life goes on when all of it has come back. */
export class Traffic {
  #open = 0;
  #idle = Promise.withResolvers<void>();
  /** All that were ever begun. */
  begun = 0;

  async track<T>(send: () => Promise<T>): Promise<T> {
    this.#open += 1;
    this.begun += 1;
    try {
      return await asMachine(send);
    } finally {
      this.#open -= 1;
      if (this.#open === 0) {
        this.#idle.resolve();
        this.#idle = Promise.withResolvers();
      }
    }
  }

  async idle(): Promise<void> {
    while (this.#open > 0) await this.#idle.promise;
  }
}

const never = () => new Promise<never>(() => {});

type Method = (...args: unknown[]) => unknown;

export class Wire {
  /** For commands and scripts. */
  readonly client: RedisClient;
  /** Calls of Redis so far, those that never arrived too. */
  calls = 0;
  trouble: Trouble | null = null;
  readonly #traffic: Traffic;
  readonly #onDeath: () => void;
  /** Counts the lives of the process; 0: dead. */
  #life = 0;
  #lives = 0;

  constructor(real: RedisClient, traffic: Traffic, onDeath: () => void) {
    this.#traffic = traffic;
    this.#onDeath = onDeath;
    const passing = (name: 'evalsha' | 'eval' | 'xgroup' | 'xinfo' | 'xlen'): Method => {
      return (...args) => this.#pass(() => Reflect.apply(real[name], real, args));
    };
    const commands: Record<string, Method> = {
      evalsha: passing('evalsha'),
      eval: passing('eval'),
      xgroup: passing('xgroup'),
      xinfo: passing('xinfo'),
      xlen: passing('xlen'),
      pipeline: () => {
        const pipeline = real.pipeline();
        return this.#facade<ChainableCommander>(pipeline, { exec: () => this.#pass(() => pipeline.exec()) });
      },
    };
    this.client = this.#facade(real, commands);
  }

  get alive(): boolean {
    return this.#life > 0;
  }

  /** A new life of the process begins, with nothing on the wire. */
  begin(): void {
    this.#lives += 1;
    this.#life = this.#lives;
    this.trouble = null;
  }

  /** The process dies now. */
  cut(): void {
    this.#life = 0;
    this.trouble = null;
    this.#onDeath();
  }

  #facade<T extends object>(real: T, own: Record<string, Method>): T {
    return new Proxy(real, {
      get: (target, name) => {
        if (typeof name === 'string' && own[name]) return own[name];
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }

  async #pass<T>(send: () => Promise<T>): Promise<T> {
    if (!this.alive) return never();
    const life = this.#life;
    const trouble = this.#strike();
    if (trouble?.when === 'before') return this.#fail(trouble);
    let answer: T;
    try {
      answer = await this.#traffic.track(send);
    } finally {
      if (life !== this.#life) await never();
      if (trouble) await this.#fail(trouble);
    }
    return answer;
  }

  #strike(): Trouble | null {
    this.calls += 1;
    const { trouble } = this;
    if (!trouble) return null;
    if (trouble.skip > 0) {
      trouble.skip -= 1;
      return null;
    }
    this.trouble = null;
    return trouble;
  }

  #fail({ what }: Trouble): Promise<never> {
    if (what === 'is cut off') throw new Error('Connection is closed.');
    this.cut();
    return never();
  }
}
