/**
 * The ledger's verbs for comparing it with Qiscus: agents as they are there, and rooms of which the two views differ.
 * Each verb is one script, its reply decoded once, here.
 */
import { list, number, text } from '../redis/reply';
import type { Reply, Scripts } from '../redis/scripts';

export interface RosterEntry {
  id: string;
  name: string;
  presence: 'online' | 'offline' | 'absent';
  /** '*' or ids in order, joined by commas. */
  channels: string;
  /** null: Qiscus did not say. */
  customerCount: number | null;
}

export interface HeldRoom {
  roomId: string;
  /** Fencing token of its assignment. */
  token: number;
  confirmedMs: number;
}

/** Most rooms that one reading script looks at. */
const READ_PART = 500;
/** Most agents that one call of `applyRoster` takes: a script does bounded work. */
export const ROSTER_PART = 64;

/** Makes the pairs that a larger change left to make, 64 at a time; `reply` is the change's own. */
export async function finishDrain(scripts: Scripts, nowMs: () => number, reply: Reply[]): Promise<void> {
  for (let word = reply[0]; word === 'more'; ) word = (await scripts.run('drain_line', nowMs()))[0];
}

export class Comparison {
  protected readonly scripts: Scripts;
  readonly #nowMs: () => number;
  readonly #onUnreadable: (roomIds: string[]) => void;

  /**
   * @param nowMs the one clock: all times in the ledger come from here
   * @param onUnreadable told of rooms that a script passed over, because their records cannot be read
   */
  constructor(scripts: Scripts, nowMs: () => number, onUnreadable: (roomIds: string[]) => void = () => {}) {
    this.scripts = scripts;
    this.#nowMs = nowMs;
    this.#onUnreadable = onUnreadable;
  }

  protected passedOver(rooms: Reply | undefined): void {
    const ids = list(rooms).map(text);
    if (ids.length > 0) this.#onUnreadable(ids);
  }

  protected run(script: string, ...args: (string | number)[]): Promise<Reply[]> {
    return this.scripts.run(script, this.#nowMs(), ...args);
  }

  /** Makes the pairs that the change behind `reply` left to make. */
  protected drain(reply: Reply[]): Promise<void> {
    return finishDrain(this.scripts, this.#nowMs, reply);
  }

  /** Applies at most 64 agents of one reading; the last part stamps the reading as complete. */
  async applyRoster(
    part: RosterEntry[],
    reading: { begunMs: number; endedMs: number; lagMs: number; last: boolean },
  ): Promise<void> {
    const flat = part.flatMap((agent) => [
      agent.id,
      agent.name,
      agent.presence,
      agent.channels,
      agent.customerCount ?? '',
    ]);
    const reply = await this.run(
      'apply_roster',
      reading.begunMs,
      reading.endedMs,
      reading.lagMs,
      reading.last ? 1 : 0,
      ...flat,
    );
    if (reply[0] !== 'stale') this.passedOver(reply[1]);
    await this.drain(reply);
  }

  /** All rooms that we think assigned. */
  async listHeld(): Promise<HeldRoom[]> {
    const held: HeldRoom[] = [];
    let after = '';
    do {
      const [, next, ...items] = await this.run('read_held', after, READ_PART);
      after = text(next);
      for (const item of items) {
        const [room, token, confirmed] = list(item);
        held.push({ roomId: text(room), token: number(token), confirmedMs: number(confirmed) });
      }
    } while (after !== '');
    return held;
  }

  /** Which of these rooms the ledger does not know as open: unknown, or resolved. */
  async notOpen(roomIds: string[]): Promise<string[]> {
    const found: string[] = [];
    for (let i = 0; i < roomIds.length; i += READ_PART) {
      const part = roomIds.slice(i, i + READ_PART);
      const [, ...states] = await this.run('read_states', ...part);
      found.push(...part.filter((_, at) => states[at] === '' || states[at] === 'resolved'));
    }
    return found;
  }

  /**
   * Takes in a room of which no webhook told, at the end of the line. False: it is known after all.
   * @param shown what Qiscus says of it; 'served' only in a dry run
   * @param reason 'listed': its webhook was lost; 'came_back': one came, but looked like a late one of the chat before;
   *   the ledger puts 'still_listed' on record of what we had closed ourselves
   */
  async adopt(
    room: { roomId: string; channelId: string | null; source: string | null; customerName: string | null },
    shown: 'unserved' | 'served' = 'unserved',
    reason: 'listed' | 'came_back' = 'listed',
  ): Promise<boolean> {
    const { roomId, channelId, source, customerName } = room;
    const reply = await this.run(
      'adopt_room',
      roomId,
      channelId ?? '',
      source ?? '',
      customerName ?? '',
      shown,
      reason,
    );
    return reply[0] === 'done';
  }

  /** Closes an assigned room that Qiscus shows resolved, or does not know. False: it went on since it was compared. */
  async repair(roomId: string, token: number, shown: 'resolved' | 'missing' = 'resolved'): Promise<boolean> {
    return (await this.run('repair_room', roomId, token, shown))[0] === 'done';
  }

  /** Has Qiscus asked whether somebody still holds an assigned room. False: too soon, or it went on. */
  async question(roomId: string, token: number): Promise<boolean> {
    return (await this.run('question_room', roomId, token))[0] === 'done';
  }

  /**
   * Dry run: puts on record who got a room at Qiscus. False: something happened to the room since it was looked at.
   * @param found `last`: the newest journal record about the room; `place`: the session's
   */
  async compare(found: {
    roomId: string;
    last: string;
    place: string;
    ours: string | null;
    theirs: string | null;
    source: 'reading' | 'resolver' | 'candidate' | 'none';
  }): Promise<boolean> {
    const { roomId, last, place, ours, theirs, source } = found;
    const reply = await this.run('compare_room', roomId, last, place, ours ?? '', theirs ?? '', source);
    return reply[0] === 'done';
  }

  /** Dry run: how far it has compared, the rooms that each agent holds there, or how evenly; `value` '' only asks. */
  async noteCompared(what: 'seen' | 'loads' | 'deviations', value: string): Promise<string> {
    return text((await this.run('note_compared', what, value))[1]);
  }
}
