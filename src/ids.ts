/** Ids: those of Qiscus (rooms, channels, apps, agents in settings), which are opaque, and those of Redis streams. */

/** An opaque id, for use inside other patterns: it stands in keys, URLs and lists without escaping. */
export const ID_PATTERN = '[0-9A-Za-z_-]{1,64}';
export const ID = new RegExp(`^${ID_PATTERN}$`);

/** An id of a stream, `<ms>-<sequence>`. */
export const STREAM_ID_PATTERN = String.raw`\d{1,16}-\d{1,16}`;

/** Whether stream id `a` is older than `b`: numbers, not text. */
export function isOlder(a: string, b: string): boolean {
  const [aMs = 0, aSequence = 0] = a.split('-').map(Number);
  const [bMs = 0, bSequence = 0] = b.split('-').map(Number);
  return aMs < bMs || (aMs === bMs && aSequence < bSequence);
}

/** When the stream took it in, ms since the epoch by the clock of Redis. */
export function idMs(id: string): number {
  return Number.parseInt(id, 10);
}

/** The id right after `id`: whatever is older than that one is `id` or older. */
export function idAfter(id: string): string {
  const [ms = '0', sequence = '0'] = id.split('-');
  return `${ms}-${Number(sequence) + 1}`;
}
