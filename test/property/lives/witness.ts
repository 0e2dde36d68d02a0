/**
 * Remembers of a life what neither books nor Qiscus tell: what was acknowledged, which rooms people touched, whom our calls
 * brought into which room, and what happened that must never happen.
 */
import type { Webhook } from '../../../src/ledger/model';
import type { Sandbox } from '../../../src/qiscus/sandbox';
import type { TestLedger } from '../../support/ledger';
import type { Call } from './air';
import type { Traffic } from './wire';

export class Witness {
  /** Webhooks that were answered 2xx, by their request token. */
  readonly acknowledged = new Map<string, Webhook>();
  /** Rooms moved in this session by a person, an operator, or a call of a reservation that was over: who holds them is open. */
  readonly touched = new Set<string>();
  /** Whom our other calls brought into which room, as Qiscus took them. */
  readonly placed = new Map<string, string>();
  /** What must never happen and did. */
  readonly problems: string[] = [];
  /** The call whose answer is being digested. */
  answered: Call | null = null;
  readonly #books: TestLedger;
  readonly #sandbox: Sandbox;
  readonly #traffic: Traffic;

  constructor(books: TestLedger, sandbox: Sandbox, traffic: Traffic) {
    this.#books = books;
    this.#sandbox = sandbox;
    this.#traffic = traffic;
  }

  /** A process begins a call. */
  async seeCall(call: Call): Promise<void> {
    const read = this.answered;
    // A question reads the room first; the call that follows is for the same reservation, whatever became of that meanwhile.
    const follows = read?.method === 'readRoom' && read.roomId === call.roomId && read.process === call.process;
    call.reservation = follows ? read.reservation : await this.#traffic.track(() => this.#reservationOf(call.roomId));
  }

  /** Lets Qiscus hear the call; what it does by it must be within our promises. */
  async arrive(call: Call): Promise<void> {
    const { roomId, agentId, method } = call;
    if (method !== 'assignAgent') return call.arrive();
    // In this order: a resolve that is applied between the two ends the reservation, and would look as if it had been known.
    const believed = await this.#lastFinished(roomId);
    const reservation = await this.#reservationOf(roomId);
    // Also one that was over before the call was seen to begin.
    const isCurrent = call.reservation === reservation && /^(reserved|assigned) /.test(reservation);
    const before = this.#sandbox.rooms.read(roomId).agents;
    await call.arrive();
    const { agents: after, finishedService } = this.#sandbox.rooms.read(roomId);
    if (after.length <= before.length) return;
    if (after.length > 1) this.problems.push(`our call made ${after.join(' and ')} share ${roomId}`);
    // Nobody can take back a call that lands in the next session, of which the books do not know yet.
    if (isCurrent && believed === (finishedService ?? 0)) this.placed.set(roomId, agentId);
    else this.touched.add(roomId);
  }

  /** Webhooks that were acknowledged and are no longer in the inbox. */
  async applied(): Promise<Webhook[]> {
    const entries = await this.#books.client.xrange(this.#books.keys.inbox, '-', '+');
    const waiting = new Set(entries.map(([, fields]) => fields[fields.indexOf('request') + 1]));
    return [...this.acknowledged].flatMap(([request, webhook]) => (waiting.has(request) ? [] : [webhook]));
  }

  /** What the books have for a room; the same for as long as one agent keeps one slot for it. */
  async #reservationOf(roomId: string): Promise<string> {
    const room = await this.#books.desk.readRoom(roomId);
    return [room?.state, room?.agentId, room?.place, room?.sinceMs].join(' ');
  }

  /** The newest session of a room that the books know to be over. */
  async #lastFinished(roomId: string): Promise<number> {
    const own = (await this.applied()).filter((webhook) => webhook.roomId === roomId);
    return Math.max(0, ...own.map(({ finishedService }) => finishedService ?? 0));
  }
}
