/**
 * How the HTTP side stops without an error to any client: a listener that closes resets what the kernel has accepted and
 * nobody has read, so it closes only once nobody comes any more.
 *
 * 1. `begin`: from now on every request is answered 503 STOPPING (the gate asks `refuse`), and its connection ends
 *    behind the answer, so that its client goes elsewhere. Readiness fails, event streams end.
 * 2. `quiet`: resolves after a quiet moment, or at its limit when clients keep coming. Then the listener may close.
 */
import { ServiceError } from '../errors';

/** A quiet moment: so many looks in a row, each after a turn of the event loop, found neither an arrival nor a request in hand. */
const QUIET_LOOKS = 6;
const LOOK_EVERY_MS = 50;

export class Drain {
  readonly #stopping = new AbortController();
  #arrivals = 0;

  /** Aborted from `begin` on. */
  get signal(): AbortSignal {
    return this.#stopping.signal;
  }

  /** Any number of calls. */
  begin(): void {
    this.#stopping.abort();
  }

  /** For every request that arrives. Health is answered to the end: probes must see why. @throws ServiceError STOPPING once begun */
  refuse(path: string, headers: Record<string, unknown>): void {
    if (!this.#stopping.signal.aborted) return;
    this.#arrivals += 1;
    headers.connection = 'close';
    if (path.startsWith('/health/')) return;
    throw new ServiceError('STOPPING', 'This process is stopping: nothing was stored. Send it again.');
  }

  /** @param inHand how many requests are under way @param limitMs the longest wait; 0: none */
  async quiet(inHand: () => number, limitMs: number): Promise<void> {
    const giveUpAt = performance.now() + limitMs;
    let seen = this.#arrivals;
    for (let looks = 0; looks < QUIET_LOOKS && performance.now() < giveUpAt; looks++) {
      await Bun.sleep(LOOK_EVERY_MS);
      if (this.#arrivals !== seen || inHand() > 0) looks = -1;
      seen = this.#arrivals;
    }
  }
}
