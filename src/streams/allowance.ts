/** How many webhooks one app may still send: so many a second, and what was left of the second before. Holds no timer. */
export class Allowance {
  readonly #perSecond: number;
  #left: number;
  #atMs = performance.now();

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
    this.#left = 2 * perSecond;
  }

  /** Takes one; false: none is left. */
  spend(): boolean {
    const nowMs = performance.now();
    this.#left = Math.min(2 * this.#perSecond, this.#left + ((nowMs - this.#atMs) / 1_000) * this.#perSecond);
    this.#atMs = nowMs;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
