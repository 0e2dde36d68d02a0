/**
 * Turns at the ledger, for all apps of one process: a flood of one app must not hold up the others.
 *
 * 1. A few jobs at a time, first come first served. An app asks for one batch at a time, and stands behind all others for its
 *    next one: whoever comes waits for one batch of each app before it, however much these have to do.
 * 2. What waits stays away from Redis: appends and calls of all apps pass between the batches.
 * 3. A job that Redis does not answer gives its turn on after a moment: another app's Redis may be well.
 */
const JOBS_AT_ONCE = 3;
const LONGEST_MS = 100;

export class Turns {
  #free: number;
  readonly #line: (() => void)[] = [];

  /** @param jobsAtOnce 1 or more */
  constructor(jobsAtOnce = JOBS_AT_ONCE) {
    this.#free = jobsAtOnce;
  }

  /** Runs the job at its turn: at once, in this very call, when nobody is before it. */
  take<T>(job: () => Promise<T>): Promise<T> {
    if (this.#free > 0) return this.#run(job);
    return new Promise((resolve, reject) => this.#line.push(() => this.#run(job).then(resolve, reject)));
  }

  #run<T>(job: () => Promise<T>): Promise<T> {
    this.#free -= 1;
    let passed = false;
    const pass = () => {
      if (passed) return;
      passed = true;
      clearTimeout(timer);
      this.#free += 1;
      this.#line.shift()?.();
    };
    const timer = setTimeout(pass, LONGEST_MS);
    const running = job();
    running.then(pass, pass);
    return running;
  }
}
