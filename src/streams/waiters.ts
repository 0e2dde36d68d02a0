/**
 * HTTP replies that wait for the outcome of their webhook.
 *
 * 1. A waiter is registered under its request token before the webhook is appended: the journal may overtake the append.
 * 2. The record that answers the inbox entry settles it, but for `reserved`: that one waits for Qiscus's word.
 * 3. When its time is up it gets what is known by then.
 */
import type { JournalRecord, Outcome } from '../ledger/model';

/** Records of a room that leave it with the agent for whose confirmation somebody may wait. */
const ENDS_NO_WAIT = new Set(['room.reserved', 'room.erased', 'room.compared']);

interface Waiter {
  request: string;
  settle: (outcome: Outcome | null) => void;
  timer: ReturnType<typeof setTimeout>;
  /** What to answer when the time is up; null: nothing is known yet. */
  known: Outcome | null;
  /** Reserved room whose confirmation it waits for. */
  room: string | null;
}

function outcomeOf(fields: Record<string, string>, entry: string): Outcome {
  const agentId = fields.agent ?? '';
  switch (fields.state) {
    case 'assigned':
    case 'reserved':
      return { state: fields.state, entry, agentId };
    case 'waiting':
      // Never a made-up place in line: without one the room is only known to be in hand.
      return fields.position
        ? { state: 'waiting', entry, position: Number(fields.position) }
        : { state: 'accepted', entry };
    case 'parked':
    case 'resolved':
    case 'released':
    case 'not_held':
      return { state: fields.state, entry };
    default:
      return { state: 'accepted', entry };
  }
}

export class Waiters {
  readonly #byRequest = new Map<string, Waiter>();
  readonly #byRoom = new Map<string, Set<Waiter>>();

  /** Resolves with the outcome, or with null when nothing was known within `waitMs`. */
  wait(request: string, waitMs: number): Promise<Outcome | null> {
    return new Promise((settle) => {
      const timer = setTimeout(() => this.#finish(waiter, waiter.known), waitMs);
      const waiter: Waiter = { request, settle, timer, known: null, room: null };
      this.#byRequest.set(request, waiter);
    });
  }

  /** Forgets a waiter whose webhook was not stored. */
  cancel(request: string): void {
    const waiter = this.#byRequest.get(request);
    if (waiter) this.#finish(waiter, null);
  }

  /** Looks at one journal record; call it for every one, in order. */
  see(record: JournalRecord): void {
    const { request, entry = '', room = '' } = record.fields;
    const waiter = request ? this.#byRequest.get(request) : undefined;
    if (waiter) {
      const outcome = outcomeOf(record.fields, entry);
      if (outcome.state === 'reserved') this.#watch(waiter, room, outcome);
      else this.#finish(waiter, outcome);
    }
    // The record that answers one webhook may end what others wait for: a resolve, the allocation before it.
    if (!record.event.startsWith('room.') || ENDS_NO_WAIT.has(record.event)) return;
    for (const watcher of this.#byRoom.get(room) ?? []) {
      // A resolve releases the room; for somebody who waits for its allocation the session is over.
      const state = record.fields.state === 'released' ? 'resolved' : (record.fields.state ?? '');
      this.#finish(watcher, outcomeOf({ ...record.fields, state }, watcher.known?.entry ?? ''));
    }
  }

  #watch(waiter: Waiter, room: string, outcome: Outcome): void {
    waiter.known = outcome;
    waiter.room = room;
    this.#byRoom.set(room, (this.#byRoom.get(room) ?? new Set()).add(waiter));
  }

  #finish(waiter: Waiter, outcome: Outcome | null): void {
    clearTimeout(waiter.timer);
    this.#byRequest.delete(waiter.request);
    if (waiter.room !== null) {
      const watchers = this.#byRoom.get(waiter.room);
      watchers?.delete(waiter);
      if (watchers?.size === 0) this.#byRoom.delete(waiter.room);
    }
    waiter.settle(outcome);
  }
}
