/**
 * Time of a simulated process: its timers wait for the test's clock, not for the machine's.
 *
 * 1. `simulateTime` replaces `setTimeout`, `Bun.sleep` and `Math.random` for code that runs inside `asProcess`; all other
 *    code (ioredis, the sandbox, the test runner) keeps the real ones.
 * 2. A life is the same each time it is run: that is what makes a seed worth printing.
 */
import { spyOn } from 'bun:test';
import { AsyncLocalStorage } from 'node:async_hooks';

interface Alarm {
  atMs: number;
  ring: () => void;
}

/** The alarms of one process, in the time of `nowMs`. */
export class Alarms {
  readonly #nowMs: () => number;
  #set: Alarm[] = [];

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  set(ms: number, ring: () => void): void {
    this.#set.push({ atMs: this.#nowMs() + ms, ring });
  }

  /** Rings what is due, earliest first. False: nothing was. */
  ringDue(): boolean {
    const due = this.#set.filter(({ atMs }) => atMs <= this.#nowMs()).sort((a, b) => a.atMs - b.atMs);
    this.#set = this.#set.filter(({ atMs }) => atMs > this.#nowMs());
    for (const { ring } of due) asProcess(this, ring);
    return due.length > 0;
  }

  /** The process is gone, and nobody wakes. */
  clear(): void {
    this.#set = [];
  }
}

const current = new AsyncLocalStorage<Alarms | undefined>();

/** Runs code of a process: what it starts, and all that follows from it, sets its alarms. */
export function asProcess<T>(alarms: Alarms, run: () => T): T {
  return current.run(alarms, run);
}

/** Runs code of the machine: its timers are real. */
export function asMachine<T>(run: () => T): T {
  return current.run(undefined, run);
}

/** From now on; the function that it returns ends it. */
export function simulateTime(): () => void {
  const { setTimeout: realSetTimeout, clearTimeout: realClearTimeout } = globalThis;
  const realSleep = Bun.sleep;
  const later = (ring: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) => {
    const alarms = current.getStore();
    if (!alarms) return realSetTimeout(ring, ms, ...args);
    alarms.set(ms, () => ring(...args));
    // Only a handle: an alarm that is set anew rings once more, and a poke too many changes nothing.
    const handle = realSetTimeout(() => {}, 0);
    realClearTimeout(handle);
    return handle;
  };
  const sleep = (ms: number | Date) => {
    const alarms = current.getStore();
    return alarms ? new Promise<void>((resolve) => alarms.set(Number(ms), resolve)) : realSleep(ms);
  };
  Reflect.set(globalThis, 'setTimeout', later);
  const spies = [spyOn(Bun, 'sleep').mockImplementation(sleep), spyOn(Math, 'random').mockReturnValue(0.5)];
  return () => {
    Reflect.set(globalThis, 'setTimeout', realSetTimeout);
    for (const spy of spies) spy.mockRestore();
  };
}
