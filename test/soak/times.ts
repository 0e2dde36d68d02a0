/**
 * Follows the journal on a connection of its own and keeps how long webhooks and rooms took. `stop` ends it.
 */
import type { RedisClient } from '../../src/redis/client';

const RECORDS_AT_ONCE = 1_000;
const BLOCK_MS = 5_000;

/** Records kept for a look at what went before. */
const KEPT = 10_000;

/** Reads from the journal's beginning. */
export class Timekeeper {
  /** Since the last `take`, ms. */
  #assignedMs: number[] = [];
  #directMs: number[] = [];
  #appliedMs: number[] = [];
  /** Records that answer a webhook: one for each. */
  answered = 0;
  /** Records by event. */
  readonly events: Record<string, number> = {};
  readonly #blocking: RedisClient;
  readonly #key: string;
  readonly #recent: { room: string; agent: string; text: string }[] = [];
  /** When the session of a room was opened, and whether an agent was free at once. */
  readonly #opened = new Map<string, { atMs: number; direct: boolean }>();
  readonly #running: Promise<void>;

  /** @param blocking a connection that nothing else uses */
  constructor(blocking: RedisClient, key: string) {
    this.#blocking = blocking;
    this.#key = key;
    this.#running = this.#follow();
  }

  take(): { assignedMs: number[]; directMs: number[]; appliedMs: number[] } {
    const taken = { assignedMs: this.#assignedMs, directMs: this.#directMs, appliedMs: this.#appliedMs };
    this.#assignedMs = [];
    this.#directMs = [];
    this.#appliedMs = [];
    return taken;
  }

  /** The latest records about a room or an agent, oldest first, as text. */
  about(room: string, agent: string, most: number): string[] {
    const found = this.#recent.filter((record) => record.room === room || record.agent === agent);
    return found.slice(-most).map(({ text }) => text);
  }

  async stop(): Promise<void> {
    this.#blocking.disconnect();
    await this.#running;
  }

  async #follow(): Promise<void> {
    const where = ['STREAMS', this.#key] as const;
    for (let last = '0-0'; ; ) {
      const answer = await this.#blocking
        .xread('COUNT', RECORDS_AT_ONCE, 'BLOCK', BLOCK_MS, ...where, last)
        .catch(() => undefined);
      if (answer === undefined) return;
      for (const [id, flat] of answer?.[0]?.[1] ?? []) {
        last = id;
        this.#see(id, new Map(flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1] ?? '']] : []))));
      }
    }
  }

  #see(id: string, fields: Map<string, string>): void {
    const atMs = Number.parseInt(id, 10);
    const event = fields.get('event') ?? '';
    this.events[event] = (this.events[event] ?? 0) + 1;
    const room = fields.get('room') ?? '';
    const text = `${id} ${[...fields].flat().join(' ')}`;
    if (this.#recent.push({ room, agent: fields.get('agent') ?? '', text }) > 2 * KEPT) this.#recent.splice(0, KEPT);
    const [entry, place] = [fields.get('entry'), fields.get('place')];
    if (entry !== undefined) {
      this.answered += 1;
      this.#appliedMs.push(atMs - Number.parseInt(entry, 10));
    }
    if (place !== undefined) {
      const direct = event === 'room.reserved' && entry !== undefined;
      this.#opened.set(room, { atMs: Number.parseInt(place, 10), direct });
    }
    if (event !== 'room.assigned') return;
    const opened = this.#opened.get(room);
    this.#opened.delete(room);
    if (!opened) return;
    this.#assignedMs.push(atMs - opened.atMs);
    if (opened.direct) this.#directMs.push(atMs - opened.atMs);
  }
}
