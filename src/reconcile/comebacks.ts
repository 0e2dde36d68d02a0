/**
 * Rooms whose customers may have come back, although their webhooks look like late repeats: they name no finished service
 * (`latest_service: null`), and Qiscus may well send all of them so. Only a look at Qiscus tells.
 *
 * 1. Hears the journal: such a webhook for a room that is resolved with us makes the room due for a look.
 * 2. Due once Qiscus's views are newer than the resolve, and show what came with the webhook; a room at most once a minute.
 * 3. Keeps few rooms, and those that were looked at for a minute only: whom it forgets, the sweep finds (rooms.ts).
 */
import type { JournalRecord } from '../ledger/model';

const MINUTE_MS = 60_000;
/** Qiscus lists a room seconds after its webhook; not after longer than its views may be late. */
const SHOWN_AFTER_MS = 3_000;
const MOST_KEPT = 1_000;

interface Heard {
  /** When its last webhook was applied. */
  atMs: number;
  dueMs: number;
  /** Webhooks that go on coming put the look off until then at most. */
  latestMs: number;
}

export interface DueRooms {
  roomIds: string[];
  /** Their customers wrote after this. */
  sinceMs: number;
}

export class Comebacks {
  readonly #lagMs: number;
  readonly #heard = new Map<string, Heard>();
  /** When rooms were looked at within the last minute. */
  readonly #lookedMs = new Map<string, number>();

  /** @param lagMs how late Qiscus's views may be */
  constructor(lagMs: number) {
    this.#lagMs = lagMs;
  }

  hear({ event, atMs, fields }: JournalRecord): void {
    const { room, state, service, since } = fields;
    if (event !== 'entry.stale' || state !== 'resolved' || service !== '0' || room === undefined) return;
    const heard = this.#heard.get(room);
    if (heard === undefined && this.#heard.size >= MOST_KEPT) return;
    const soonestMs = Math.max(
      Number(since ?? atMs) + this.#lagMs,
      atMs + Math.min(this.#lagMs, SHOWN_AFTER_MS),
      (this.#lookedMs.get(room) ?? Number.NEGATIVE_INFINITY) + MINUTE_MS,
    );
    const latestMs = heard?.latestMs ?? soonestMs + this.#lagMs;
    this.#heard.set(room, { atMs, dueMs: Math.min(soonestMs, latestMs), latestMs });
  }

  /** Takes the rooms that are due; null: none. */
  take(nowMs: number): DueRooms | null {
    for (const [room, lookedMs] of this.#lookedMs) {
      if (Math.abs(nowMs - lookedMs) >= MINUTE_MS) this.#lookedMs.delete(room);
    }
    // A time further ahead than any can be is from before the clock was set back.
    const furthestMs = nowMs + 2 * this.#lagMs + MINUTE_MS;
    const due = [...this.#heard].filter(([, { dueMs }]) => dueMs <= nowMs || dueMs > furthestMs);
    if (due.length === 0) return null;
    for (const [room] of due) {
      this.#heard.delete(room);
      this.#lookedMs.set(room, nowMs);
    }
    const heardMs = Math.min(nowMs, ...due.map(([, { atMs }]) => atMs));
    // Webhooks come late, and clocks differ.
    return { roomIds: due.map(([room]) => room), sinceMs: heardMs - MINUTE_MS };
  }

  forget(): void {
    this.#heard.clear();
    this.#lookedMs.clear();
  }
}
