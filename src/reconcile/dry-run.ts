/**
 * Compares a dry run's choices with who got the rooms at Qiscus; one journal record `room.compared` for each session.
 *
 * 1. While a room is served there, it is read who is in it: once, for rooms that we gave to somebody too.
 * 2. A session that ends without such an answer is compared with the agent who resolved it, else with Qiscus's own pick.
 * 3. Goes on where the last leader was. What is known stands in the journal, so that nothing is counted twice.
 * 4. Keeps what Qiscus says each agent holds: the other allocation's work, and no load of ours.
 */
import type { Logger } from 'pino';
import type { HeldRoom } from '../ledger/comparison';
import { readDeviations, spreadOf } from '../ledger/dry-run';
import type { Ledger } from '../ledger/index';
import { endsSession } from '../ledger/meaning';
import type { AgentView, JournalFeed, JournalRecord, LedgerDesk } from '../ledger/model';
import type { Qiscus, RosterAgent, Turn } from '../qiscus/model';
import { type Session, sessionIn } from './sessions';

/** Records in one tick at most: each session takes two round trips, and the clock and the lease must go on. */
const RECORDS_AT_ONCE = 500;
/** Most records of one room that are looked at. */
const LOOKED_AT = 100;
/** Looks at a room that goes on changing meanwhile. */
const MOST_LOOKS = 5;

type Source = 'reading' | 'resolver' | 'candidate' | 'none';
type Finding = { theirs: string | null; source: Source };

export interface DryRunParts {
  ledger: Ledger;
  desk: LedgerDesk;
  qiscus: Pick<Qiscus, 'listOthers'>;
  journal: JournalFeed;
  log: Logger;
  /** Rooms read between two sweeps at most. */
  mostReadings: number;
}

export class DryRun {
  readonly #parts: DryRunParts;
  /** The newest record that was looked at; null: not known yet. */
  #seen: string | null = null;
  /** Assigned rooms that were read, by the token of their assignment. */
  readonly #read = new Map<string, number>();
  #isSilent = false;

  constructor(parts: DryRunParts) {
    this.#parts = parts;
  }

  /** Somebody else leads now. */
  forget(): void {
    this.#seen = null;
    this.#read.clear();
  }

  /** Compares sessions that ended since the last time, a page at most; only the leader may call it. */
  async catchUp(): Promise<void> {
    const { ledger, journal } = this.#parts;
    this.#seen ??= (await ledger.noteCompared('seen', '')) || null;
    const { records, next } = await journal.page(this.#seen, RECORDS_AT_ONCE);
    for (const record of records) if (endsSession(record)) await this.#compareEnded(record);
    const newest = next ?? records.at(-1)?.id;
    if (newest !== undefined) this.#seen = await ledger.noteCompared('seen', newest);
  }

  /** Keeps how many rooms each agent holds at Qiscus, and how evenly they lie there and here. */
  async noteLoads(agents: readonly RosterAgent[]): Promise<void> {
    const { ledger, desk } = this.#parts;
    const loads = Object.fromEntries(agents.map(({ id, customerCount }) => [id, customerCount]));
    await ledger.noteCompared('loads', JSON.stringify(loads));
    const online = (await desk.listAgents()).filter((agent) => agent.online);
    const ours = spreadOf(online.map(({ load }) => load));
    const theirs = spreadOf(online.flatMap(({ id }) => loads[id] ?? []));
    // Idle agents are even without anybody's doing.
    if (ours.most + theirs.most === 0) return;
    const sum = readDeviations(await ledger.noteCompared('deviations', ''));
    sum.readings += 1;
    sum.ours += ours.deviation;
    sum.theirs += theirs.deviation;
    await ledger.noteCompared('deviations', JSON.stringify(sum));
  }

  /**
   * Reads who is in rooms that are served there and assigned here, each once.
   * @param turn taken before each call
   */
  async readThere(rooms: readonly HeldRoom[], turn: Turn): Promise<void> {
    const { desk, qiscus, mostReadings } = this.#parts;
    const held = new Map(rooms.map(({ roomId, token }) => [roomId, token]));
    for (const [roomId, token] of this.#read) if (held.get(roomId) !== token) this.#read.delete(roomId);
    const fresh = rooms.filter(({ roomId }) => !this.#read.has(roomId)).slice(0, mostReadings);
    if (fresh.length === 0) return;
    const online = (await desk.listAgents()).filter((agent) => agent.online);
    for (const { roomId, token } of fresh) {
      const isCompared = sessionIn(await desk.readDecisions(roomId, LOOKED_AT), null)?.isCompared ?? true;
      const reading = isCompared ? null : await qiscus.listOthers(roomId, turn);
      if (reading !== null && reading.kind !== 'others') return this.#tell(reading.kind);
      this.#read.set(roomId, token);
      const agent = reading === null ? null : await this.#agentIn(roomId, reading.agentIds, online);
      if (agent === null) continue;
      await this.#compare(roomId, null, () => ({ theirs: agent, source: 'reading' }));
    }
  }

  /** The one who is missing among the others; null: nobody, or several. */
  async #agentIn(roomId: string, others: Set<string>, online: readonly AgentView[]): Promise<string | null> {
    const missing = online.filter(({ id }) => !others.has(id));
    if (missing.length <= 1) return missing[0]?.id ?? null;
    // Perhaps Qiscus leaves out those who do not serve the room's channel.
    const channel = (await this.#parts.desk.readRoom(roomId))?.channelId ?? null;
    const fitting = missing.filter(
      ({ channels }) => channel !== null && (channels === null || channels.includes(channel)),
    );
    return fitting.length === 1 ? (fitting[0]?.id ?? null) : null;
  }

  async #compareEnded({ id, fields }: JournalRecord): Promise<void> {
    await this.#compare(fields.room ?? '', id, ({ resolver, candidate }) => {
      if (resolver !== null) return { theirs: resolver, source: 'resolver' };
      return candidate === null ? { theirs: null, source: 'none' } : { theirs: candidate, source: 'candidate' };
    });
  }

  /** @param end the record that ended the session; null: it goes on */
  async #compare(roomId: string, end: string | null, find: (session: Session) => Finding): Promise<void> {
    const { ledger, desk } = this.#parts;
    for (let look = 0; look < MOST_LOOKS; look++) {
      const session = sessionIn(await desk.readDecisions(roomId, LOOKED_AT), end);
      if (session === null || session.isCompared) return;
      const { last, place, ours } = session;
      if (await ledger.compare({ roomId, last, place, ours, ...find(session) })) return;
    }
  }

  /** Once: without readings, resolvers and candidates still tell something. */
  #tell(kind: string): void {
    if (this.#isSilent) return;
    this.#isSilent = true;
    this.#parts.log.warn({ event: 'comparison.unread', kind }, 'Qiscus does not tell who is in a room');
  }
}
