/**
 * Reports confirmed calls, many by one script: alone each costs Redis and the process more than what it changes.
 *
 * 1. One script is under way at a time. What comes meanwhile goes with the next one, 64 at most.
 * 2. A report that the ledger cannot take fails alone; when Redis does not answer, all that were sent fail.
 *
 * Holds no timer; there is nothing to stop.
 */
import { text } from '../redis/reply';
import type { Reply } from '../redis/scripts';
import type { Confirmed, Intent, Reported } from './index';

/** Most reports in one call. */
const AT_ONCE = 64;

interface Report {
  intent: Intent;
  reason: Confirmed;
  onSent: () => void;
  resolve: (word: Reported) => void;
  reject: (error: unknown) => void;
}

export class Confirmations {
  readonly #run: (...args: (string | number)[]) => Promise<Reply[]>;
  readonly #waiting: Report[] = [];
  #busy = false;

  /** @param run runs lua/confirm_assignments.lua */
  constructor(run: (...args: (string | number)[]) => Promise<Reply[]>) {
    this.#run = run;
  }

  /**
   * @param onSent called when it is on its way: what is sent then comes after it
   * @throws what Redis or the script said of this report
   */
  add(intent: Intent, reason: Confirmed, onSent: () => void): Promise<Reported> {
    const { promise, resolve, reject } = Promise.withResolvers<Reported>();
    this.#waiting.push({ intent, reason, onSent, resolve, reject });
    if (!this.#busy) void this.#send();
    return promise;
  }

  async #send(): Promise<void> {
    this.#busy = true;
    while (this.#waiting.length > 0) {
      // Answers of Qiscus that came in the same turn of the event loop go together.
      await new Promise(setImmediate);
      const reports = this.#waiting.splice(0, AT_ONCE);
      try {
        const args = reports.flatMap(({ intent, reason }) => {
          const { id, roomId, agentId, token } = intent;
          return [id, roomId, agentId, token, reason];
        });
        const answer = this.#run(...args);
        for (const { onSent } of reports) onSent();
        const [, ...words] = await answer;
        for (const [i, report] of reports.entries()) settle(report, text(words[i]));
      } catch (error) {
        for (const { reject } of reports) reject(error);
      }
    }
    this.#busy = false;
  }
}

function settle({ resolve, reject }: Report, word: string): void {
  if (word === 'done' || word === 'fenced') resolve(word);
  else reject(new Error(word));
}
