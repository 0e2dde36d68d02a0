/**
 * Counts of times in buckets that grow by a tenth: a percentile is right within 5 %, whatever the times are, and a bucket
 * costs memory only where something fell into it. From 1 ms to a week there are about 210.
 */

const GROWTH = 1.1;

export class Histogram {
  readonly #counts = new Map<number, number>();
  #total = 0;

  /** @param ms below 1 counts as 1 */
  add(ms: number): void {
    const bucket = Math.ceil(Math.log(Math.max(1, ms)) / Math.log(GROWTH));
    this.#counts.set(bucket, (this.#counts.get(bucket) ?? 0) + 1);
    this.#total++;
  }

  /** The time, in ms, that so large a share (0 to 1) was not above; null when nothing was counted. */
  percentile(share: number): number | null {
    if (this.#total === 0) return null;
    let left = Math.max(1, Math.ceil(share * this.#total));
    for (const [bucket, count] of [...this.#counts].sort(([a], [b]) => a - b)) {
      left -= count;
      // The middle of the bucket, on its scale.
      if (left <= 0) return GROWTH ** (bucket - 0.5);
    }
    return null;
  }
}
