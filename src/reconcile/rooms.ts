/**
 * Compares our rooms with Qiscus's lists, and repairs what lost webhooks left behind. Every repair goes through the ledger.
 *
 * 1. Unserved at Qiscus and not open here, in two sweeps in a row: its webhook was lost, it is adopted.
 * 2. Assigned here and unserved there, in two sweeps in a row: Qiscus is asked whether somebody still holds it.
 *    (In a dry run others serve the rooms: nothing is asked.)
 * 3. Assigned here and in neither list: the room is read; resolved means that its resolve webhook was lost, and a room
 *    that Qiscus does not know in two readings in a row is over, too.
 * 4. In a dry run, served there and not open here, in two sweeps in a row but not in the first of all: its webhook does not
 *    reach us, it is adopted. What was served before the dry run began stays out of it.
 * 5. Between two sweeps, rooms whose resolve we know and whose customers may be back (comebacks.ts): adopted when Qiscus
 *    shows them open and unserved (in a dry run also served).
 */
import type { Logger } from 'pino';
import { ID } from '../ids';
import type { Comparison, HeldRoom } from '../ledger/comparison';
import type { ListedRoom, Qiscus, QiscusFailure, Turn } from '../qiscus/model';
import { shortText } from '../text';

export interface SweepRules {
  /** Rooms whose last message is older are left alone. */
  maxAgeMs: number;
  /** How late Qiscus's views may be: what changed here since then is not compared. */
  lagMs: number;
  /** Single rooms read in one sweep at most. */
  mostReadings: number;
  /** Others serve the rooms. */
  dryRun?: boolean;
}

export interface SweepReport {
  adopted: number;
  questioned: number;
  repaired: number;
  /** Our assigned rooms that somebody serves there. */
  served: HeldRoom[];
  /** What ended it early; null: all was compared. */
  failure: QiscusFailure | null;
}

const NOTHING = { adopted: 0, questioned: 0, repaired: 0, served: [] };

export class RoomSweep {
  readonly #qiscus: Pick<Qiscus, 'listRooms' | 'readRoom'>;
  readonly #ledger: Comparison;
  readonly #nowMs: () => number;
  readonly #rules: SweepRules;
  readonly #turn: Turn;
  readonly #log: Logger;
  /** Rooms that the sweep before might have adopted. */
  #listedBefore = new Set<string>();
  /** Dry run: rooms served since before the first sweep; null before it. */
  #old: Set<string> | null = null;
  /** Rooms that Qiscus did not know when they were read last. */
  #missingBefore = new Set<string>();
  /** The room that was asked about last: the single readings go on behind it, in the order of ids. */
  #readLast = '';

  constructor(
    qiscus: Pick<Qiscus, 'listRooms' | 'readRoom'>,
    ledger: Comparison,
    nowMs: () => number,
    rules: SweepRules,
    turn: Turn,
    log: Logger,
  ) {
    this.#qiscus = qiscus;
    this.#ledger = ledger;
    this.#nowMs = nowMs;
    this.#rules = rules;
    this.#turn = turn;
    this.#log = log;
  }

  /** Somebody else leads: what this process saw is no longer the sweep before. */
  forget(): void {
    this.#listedBefore.clear();
    this.#old = null;
    this.#missingBefore.clear();
  }

  /** One comparison; a list that cannot be read ends it, and nothing is concluded from half of a view. */
  async sweep(): Promise<SweepReport> {
    const begunMs = this.#nowMs();
    // Ours first: what changes while Qiscus answers is newer than what is compared.
    // A time to come, by more than hosts differ, is from before the clock was set back.
    const isSettled = (room: HeldRoom) => Math.abs(begunMs - room.confirmedMs) >= this.#rules.lagMs;
    const settled = (await this.#ledger.listHeld()).filter(isSettled);
    const unserved = await this.#qiscus.listRooms(false, begunMs - this.#rules.maxAgeMs, this.#turn);
    if (unserved.kind !== 'rooms') return { ...NOTHING, failure: unserved };
    const served =
      settled.length > 0 || this.#rules.dryRun
        ? await this.#qiscus.listRooms(true, 0, this.#turn)
        : { kind: 'rooms' as const, rooms: [] };
    if (served.kind !== 'rooms') return { ...NOTHING, failure: served };

    const isOpen = (room: ListedRoom) => !room.resolved && ID.test(room.roomId);
    const open = unserved.rooms.filter(isOpen);
    const serving = served.rooms.filter(isOpen);
    const taken = this.#rules.dryRun ? this.#newIn(serving) : [];
    const listed = [...taken, ...open];
    const twice = new Map(
      listed.filter((room) => this.#listedBefore.has(room.roomId)).map((room) => [room.roomId, room]),
    );
    this.#listedBefore = idsOf(listed);

    const adopted = await this.#adopt(twice, idsOf(taken), begunMs, 'listed');
    const questioned = this.#rules.dryRun ? 0 : await this.#question(settled.filter((room) => twice.has(room.roomId)));
    const shown = idsOf([...serving, ...open]);
    const there = idsOf(serving);
    return {
      adopted,
      questioned,
      served: settled.filter((room) => there.has(room.roomId)),
      ...(await this.#repair(settled.filter((room) => !shown.has(room.roomId)))),
    };
  }

  /**
   * Takes in those of these rooms, resolved with us for longer than Qiscus's views are late, that are open there again.
   * @param sinceMs their customers wrote after this
   */
  async look(roomIds: readonly string[], sinceMs: number): Promise<{ calls: number; failure: QiscusFailure | null }> {
    const nowMs = this.#nowMs();
    const closed = new Set(await this.#ledger.notOpen([...roomIds]));
    const found = new Map<string, ListedRoom>();
    const taken = new Set<string>();
    let calls = 0;
    for (const served of this.#rules.dryRun ? [true, false] : [false]) {
      if (closed.size === 0) break;
      const list = await this.#qiscus.listRooms(served, Math.max(sinceMs, nowMs - this.#rules.maxAgeMs), this.#turn);
      if (list.kind !== 'rooms') return { calls, failure: list };
      calls += list.calls;
      for (const room of list.rooms) {
        if (room.resolved || !closed.has(room.roomId)) continue;
        found.set(room.roomId, room);
        if (served) taken.add(room.roomId);
      }
    }
    await this.#adopt(found, taken, nowMs, 'came_back');
    return { calls, failure: null };
  }

  /** Rooms that are served since a later time than the first sweep. */
  #newIn(serving: ListedRoom[]): ListedRoom[] {
    const now = idsOf(serving);
    this.#old = this.#old?.intersection(now) ?? now;
    const old = this.#old;
    return serving.filter((room) => !old.has(room.roomId));
  }

  async #adopt(
    candidates: Map<string, ListedRoom>,
    taken: Set<string>,
    nowMs: number,
    reason: 'listed' | 'came_back',
  ): Promise<number> {
    const lost = await this.#ledger.notOpen([...candidates.keys()]);
    const young = lost
      .flatMap((roomId) => candidates.get(roomId) ?? [])
      .filter((room) => room.lastCommentMs !== null && room.lastCommentMs >= nowMs - this.#rules.maxAgeMs)
      // The list is newest first, and the only order there is: who wrote last the longest ago goes first.
      .sort((a, b) => (a.lastCommentMs ?? 0) - (b.lastCommentMs ?? 0));
    let adopted = 0;
    for (const room of young) {
      const { roomId, channelId, source, customerName } = room;
      const known = {
        roomId,
        channelId: channelId !== null && ID.test(channelId) ? channelId : null,
        source: shortText(source),
        customerName: shortText(customerName),
      };
      if (await this.#ledger.adopt(known, taken.has(roomId) ? 'served' : 'unserved', reason)) adopted += 1;
    }
    return adopted;
  }

  async #question(rooms: HeldRoom[]): Promise<number> {
    let asked = 0;
    for (const room of rooms) if (await this.#ledger.question(room.roomId, room.token)) asked += 1;
    return asked;
  }

  /** Reads the rooms one by one; those for which there was no time now come first in the next sweep. */
  async #repair(gone: HeldRoom[]): Promise<Pick<SweepReport, 'repaired' | 'failure'>> {
    const inOrder = gone.toSorted((a, b) => (a.roomId < b.roomId ? -1 : 1));
    const next = inOrder.findIndex(({ roomId }) => roomId > this.#readLast);
    const rooms = next < 0 ? inOrder : [...inOrder.slice(next), ...inOrder.slice(0, next)];
    let repaired = 0;
    for (const { roomId, token } of rooms.slice(0, this.#rules.mostReadings)) {
      await this.#turn();
      // Also when it cannot be read: no room keeps the sweeps from those behind it.
      this.#readLast = roomId;
      const reading = await this.#qiscus.readRoom(roomId);
      // A word about us, not about the room: the next reading would hear the same.
      if (reading.kind === 'denied' || reading.kind === 'slowed') return { repaired, failure: reading };
      if (reading.kind === 'failed') {
        this.#log.debug({ event: 'sweep.unread', room: roomId, reason: reading.reason }, 'a room could not be read');
        continue;
      }
      const isGone = reading.kind === 'missing' && this.#missingBefore.has(roomId);
      if (reading.kind === 'missing') this.#missingBefore.add(roomId);
      else this.#missingBefore.delete(roomId);
      const isOver = isGone || (reading.kind === 'room' && reading.resolved);
      if (isOver && (await this.#ledger.repair(roomId, token, isGone ? 'missing' : 'resolved'))) repaired += 1;
    }
    const held = new Set(gone.map((room) => room.roomId));
    this.#missingBefore = new Set([...this.#missingBefore].filter((roomId) => held.has(roomId)));
    return { repaired, failure: null };
  }
}

const idsOf = (rooms: readonly ListedRoom[]) => new Set(rooms.map(({ roomId }) => roomId));
