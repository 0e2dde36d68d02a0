/**
 * Tells people of what a script met and could not read: at error level, of each thing once a minute, however often it is met.
 *
 * Such a record needs a person; Redis out of reach mends itself and is no matter of this. Holds no timer.
 */
import type { Logger } from 'pino';
import { raisedByScript } from '../redis/errors';

const EVERY_MS = 60_000;
/** Things that it remembers; beyond that some may be told of again before a minute is over. */
const MOST = 1_000;

export class Trouble {
  readonly #log: Logger;
  readonly #nowMs: () => number;
  readonly #toldMs = new Map<string, number>();

  /** @param nowMs the process's own time */
  constructor(log: Logger, nowMs = () => performance.now()) {
    this.#log = log;
    this.#nowMs = nowMs;
  }

  /** Rooms that a script passed over. */
  unreadable(roomIds: readonly string[]): void {
    for (const room of roomIds)
      this.#tell(`room ${room}`, { event: 'record.unreadable', room }, 'the record of a room cannot be read');
  }

  /** True when a script raised `error`; then people are told that `what` failed. @param room that it was about */
  raised(error: unknown, what: string, room?: string): boolean {
    if (!raisedByScript(error)) return false;
    this.#tell(
      `${what} ${room}`,
      { event: 'script.failed', what, room, err: error },
      'a record cannot be read; still trying',
    );
    return true;
  }

  /** Runs `job`; that a script raised in it is told, and keeps nothing else from being done. @throws all other errors */
  async despite(what: string, job: () => Promise<unknown>): Promise<void> {
    try {
      await job();
    } catch (error) {
      if (!this.raised(error, what)) throw error;
    }
  }

  #tell(about: string, fields: Record<string, unknown>, message: string): void {
    const nowMs = this.#nowMs();
    if (nowMs - (this.#toldMs.get(about) ?? Number.NEGATIVE_INFINITY) < EVERY_MS) return;
    if (this.#toldMs.size >= MOST) this.#toldMs.clear();
    this.#toldMs.set(about, nowMs);
    this.#log.error(fields, message);
  }
}
