/**
 * Wakes whoever waits for news in a stream, of any number of apps, over one connection: blocking reads would need one each.
 *
 * 1. Scripts that append ring: `<key> <id>` on one Pub/Sub channel; who called them rings for listeners in the same process. In a cluster
 *    every node hears it, so the subscriber may sit on any. A subscriber that ends or falls silent is replaced.
 * 2. Rings may be lost (a connection that broke, a user who may not subscribe, a process of an older version that does not
 *    ring): after each new subscription all listeners look for themselves, and all the time one after another does, each
 *    within a second, or with many listeners at LOOKS_A_SECOND.
 * 3. A ring tells that there is news and up to which id; who has seen that id already does nothing.
 *
 * Stops by `stop()`, at once.
 */
import type { Logger } from 'pino';
import { close, dial, type RedisAddress, type RedisClient } from '../redis/client';
import { BELL } from '../redis/keys';

export interface Listener {
  /** There is news; `upTo`: the newest entry that the ringer knew. */
  rung(upTo?: string): void;
  /** Nobody rang, which may be an error: looks, by one small command. What it throws is ignored. */
  look(): Promise<void>;
}

/** How often some of the listeners look, ms. */
const TICK_MS = 100;
/** With few listeners each looks once in so many ms. */
const ROUND_MS = 1_000;
/** Most looks of all listeners together. Three listeners to an app: a thousand apps take ten seconds. */
const LOOKS_A_SECOND = 300;
/** How often a silent connection is asked whether it lives, ms. */
const PING_EVERY_MS = 1_000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;

export class Doorbell {
  readonly #address: RedisAddress;
  readonly #command: RedisClient;
  readonly #log: Pick<Logger, 'warn'> | null;
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #halt = Promise.withResolvers<void>();
  readonly #onReady = () => this.lookAll();
  #subscriber: RedisClient | null = null;
  #stopped = false;
  #running: Promise<void> = Promise.resolve();
  #ticking: ReturnType<typeof setInterval> | null = null;
  /** Who has yet to look in this round. */
  #round: Listener[] = [];
  /** Looks that are due, with fractions. */
  #due = 0;

  /** @param command when this connection comes back, all look */
  constructor(address: RedisAddress, command: RedisClient, log: Pick<Logger, 'warn'> | null = null) {
    this.#address = address;
    this.#command = command;
    this.#log = log;
  }

  start(): void {
    this.#command.on('ready', this.#onReady);
    this.#ticking = setInterval(() => this.#tick(), TICK_MS);
    this.#running = this.#listen();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#halt.resolve();
    this.#command.off('ready', this.#onReady);
    if (this.#ticking) clearInterval(this.#ticking);
    if (this.#subscriber) close(this.#subscriber);
    await this.#running;
  }

  /** Listens for news of the stream `key`; returns the function that ends it. */
  on(key: string, listener: Listener): () => void {
    const all = this.#listeners.get(key) ?? new Set();
    this.#listeners.set(key, all.add(listener));
    return () => {
      all.delete(listener);
      if (all.size === 0) this.#listeners.delete(key);
    };
  }

  /** Rings in this process only, at once. */
  ring(key: string, upTo?: string): void {
    for (const listener of this.#listeners.get(key) ?? []) listener.rung(upTo);
  }

  /** All listeners look now: nobody knows what rings were missed. */
  lookAll(): void {
    for (const all of this.#listeners.values()) for (const listener of all) look(listener);
  }

  #tick(): void {
    const size = [...this.#listeners.values()].reduce((sum, some) => sum + some.size, 0);
    this.#due += Math.min(size * (TICK_MS / ROUND_MS), LOOKS_A_SECOND * (TICK_MS / 1_000));
    for (; this.#due >= 1 && size > 0; this.#due -= 1) {
      if (this.#round.length === 0) this.#round = [...this.#listeners.values()].flatMap((some) => [...some]);
      const next = this.#round.pop();
      if (next) look(next);
    }
  }

  async #listen(): Promise<void> {
    let pauseMs = FIRST_PAUSE_MS;
    let told = false;
    while (!this.#stopped) {
      try {
        await this.#untilDeaf(() => {
          pauseMs = FIRST_PAUSE_MS;
          told = false;
        });
      } catch (error) {
        const what = 'the doorbell is not heard: news is found by looking, which takes longer';
        // An outage is told by others; a user who may not subscribe is told by nobody else.
        if (!told && String(error).includes('NOPERM')) this.#log?.warn({ event: 'bell.deaf' }, what);
        told = true;
      }
      await Promise.race([Bun.sleep(pauseMs), this.#halt.promise]);
      pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
    }
  }

  /** Hears rings on one connection until it ends or falls silent. @throws what Redis or the connection said */
  async #untilDeaf(onHearing: () => void): Promise<void> {
    const subscriber = await dial(this.#address, this.#command);
    this.#subscriber = subscriber;
    try {
      const ended = new Promise<void>((resolve) => subscriber.once('close', resolve));
      subscriber.on('message', (_: string, message: string) => this.#hear(message));
      await subscriber.subscribe(BELL);
      onHearing();
      this.lookAll();
      while (!this.#stopped && subscriber.status === 'ready') {
        await Promise.race([Bun.sleep(PING_EVERY_MS), ended, this.#halt.promise]);
        // A refusal is an answer too.
        await subscriber.ping().catch((error: Error) => {
          if (!error.message.startsWith('NOPERM')) throw error;
        });
      }
    } finally {
      close(subscriber);
    }
  }

  #hear(message: string): void {
    const [key = '', upTo] = message.split(' ');
    this.ring(key, upTo);
  }
}

function look(listener: Listener): void {
  listener.look().catch(() => undefined);
}
