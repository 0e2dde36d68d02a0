/**
 * The worker's face of the ledger: each verb is one script, its reply decoded once, here.
 * Those for comparing it with Qiscus are in comparison.ts, the HTTP side's face is desk.ts. Nothing else changes state.
 */
import { list, number, text, unexpected } from '../redis/reply';
import { Comparison } from './comparison';
import { Confirmations } from './confirmations';
import type { AlertCode } from './verdicts';

export type Taken = { kind: 'taken'; count: number; upTo: string } | { kind: 'pending' } | { kind: 'more' };
export type Buried = { kind: 'buried'; entry: string } | { kind: 'kept'; deliveries: number } | { kind: 'none' };

/** One thing to find out at Qiscus: assign this room to this agent, or: does anybody still hold it? */
export interface Intent {
  id: string;
  kind: 'assign' | 'question';
  roomId: string;
  agentId: string;
  /** Fencing token of the reservation: a report with an older one changes nothing. */
  token: number;
  /** Definite refusals of this session so far. */
  refusals: number;
  /** Unanswered calls of this reservation that count towards parking. */
  unknowns: number;
  /** An earlier call of this reservation may have been applied by Qiscus. */
  unsure: boolean;
}

export type TakenIntents =
  | { kind: 'taken'; intents: Intent[]; read: number; more: boolean }
  | { kind: 'wait'; ms: number }
  | { kind: 'busy' };

/** Why a reservation became an assignment; 'dry_run': Qiscus was not called. */
export type Confirmed = 'confirmed' | 'inferred' | 'dry_run';

export type Reported = 'done' | 'fenced';

/** Most entries that one call of `takeEntries` takes. */
export const ENTRIES_AT_ONCE = 64;

export class Ledger extends Comparison {
  readonly #confirmations = new Confirmations((...args) => this.run('confirm_assignments', ...args));

  /** Applies the next webhooks in stream order, exactly once each; `upTo`: the last of them. @param count 1 to 64 */
  async takeEntries(mode: 'new' | 'pending', count = ENTRIES_AT_ONCE): Promise<Taken> {
    const reply = await this.run('take_entries', mode, count);
    if (reply[0] === 'taken') return { kind: 'taken', count: number(reply[1]), upTo: text(reply[2]) };
    if (reply[0] === 'pending' || reply[0] === 'more') return { kind: reply[0] };
    throw unexpected('take_entries', reply);
  }

  /** Moves the oldest pending webhook to the dead letters when it was delivered `limit` times. */
  async buryEntry(limit: number, reason: string): Promise<Buried> {
    const reply = await this.run('bury_entry', limit, reason);
    if (reply[0] === 'buried') return { kind: 'buried', entry: text(reply[1]) };
    if (reply[0] === 'kept') return { kind: 'kept', deliveries: number(reply[1]) };
    return { kind: 'none' };
  }

  /**
   * Takes intents within concurrency and rate (a second) of all processes together.
   * @param want 1 to 64
   * @param longestMs how long a call can last: what is pending for longer has lost its dispatcher and counts for nobody
   */
  async takeIntents(
    want: number,
    concurrency: number,
    ratePerSecond: number,
    longestMs = Number.MAX_SAFE_INTEGER,
  ): Promise<TakenIntents> {
    const reply = await this.run('take_intents', want, concurrency, ratePerSecond, longestMs);
    if (reply[0] === 'wait') return { kind: 'wait', ms: number(reply[1]) };
    if (reply[0] === 'busy') return { kind: 'busy' };
    if (reply[0] !== 'taken') throw unexpected('take_intents', reply);
    this.passedOver(reply[4]);
    const intents = list(reply[1]).map((item): Intent => {
      const [id, room, agent, token, refusals, unknowns, unsure, kind] = list(item);
      return {
        id: text(id),
        kind: text(kind) === 'question' ? 'question' : 'assign',
        roomId: text(room),
        agentId: text(agent),
        token: number(token),
        refusals: number(refusals),
        unknowns: number(unknowns),
        unsure: number(unsure) === 1,
      };
    });
    return { kind: 'taken', intents, read: number(reply[2]), more: number(reply[3]) === 1 };
  }

  /** Counts calls made beside the outbox against the shared rate. */
  async spendCalls(calls: number, ratePerSecond: number): Promise<void> {
    await this.run('spend_call', calls, ratePerSecond, 'made');
  }

  /** Counts one call beside the outbox before it is made. Returns 0, or the ms after which to ask again: not now. */
  async takeTurn(ratePerSecond: number): Promise<number> {
    const reply = await this.run('spend_call', 1, ratePerSecond, 'before');
    return reply[0] === 'wait' ? Math.max(1, number(reply[1])) : 0;
  }

  /** Qiscus has the room with this agent. Confirmations that come together are one script. @param onSent it is on its way */
  confirm(intent: Intent, reason: Confirmed, onSent = () => {}): Promise<Reported> {
    return this.#confirmations.add(intent, reason, onSent);
  }

  /**
   * Qiscus said no for this room. `dueMs` counts only with `next: 'later'`.
   * @param doubt the room is there and open, so the no may be about the agent: two such in a row set the agent aside
   */
  async refuse(
    intent: Intent,
    reason: string,
    next: 'close' | 'later' | 'park',
    dueMs = 0,
    doubt = false,
  ): Promise<Reported> {
    return this.#report('refuse_assignment', intent, reason, next, dueMs, doubt ? 1 : 0);
  }

  /** No word about this room: it keeps agent and slot, and is due again at `dueMs`. */
  async defer(
    intent: Intent,
    reason: string,
    how: { kind: 'unknown' | 'denied' | 'slowed'; sent: boolean; dueMs: number; pauseMs: number; limit: number },
  ): Promise<Reported> {
    return this.#report(
      'defer_assignment',
      intent,
      reason,
      how.kind,
      how.sent ? 1 : 0,
      how.dueMs,
      how.pauseMs,
      how.limit,
    );
  }

  /** What Qiscus said about a room that we think assigned; `about` tells how Qiscus itself does. */
  async answer(
    intent: Intent,
    answer: 'held' | 'taken_again' | 'refused' | 'resolved' | 'none',
    about: { kind: 'answered' | 'unknown' | 'denied' | 'slowed'; pauseMs: number },
  ): Promise<Reported> {
    return this.#report('answer_question', intent, answer, about.kind, about.pauseMs);
  }

  async #report(script: string, intent: Intent, ...args: (string | number)[]): Promise<Reported> {
    const reply = await this.run(script, intent.id, intent.roomId, intent.agentId, intent.token, ...args);
    if (reply[0] === 'done' || reply[0] === 'fenced') return reply[0];
    throw unexpected(script, reply);
  }

  /** Takes over intents idle for `idleMs`; a room left behind `limit` times is parked. Returns how many. */
  async reclaim(idleMs: number, limit: number): Promise<number> {
    let total = 0;
    let cursor = '0-0';
    do {
      const reply = await this.run('reclaim_intents', idleMs, limit, cursor);
      total += number(reply[1]);
      this.passedOver(reply[3]);
      cursor = text(reply[2]);
    } while (cursor !== '0-0');
    return total;
  }

  /** Does what is due by time alone. `nextDueMs` 0: nothing is delayed. */
  async advanceClock(rules: {
    fallbackAgentId: string | null;
    fallbackAfterMs: number;
    waitMaxMs: number;
    keepMarkMs: number;
    journalMs: number;
    journalEntries: number;
  }): Promise<{ more: boolean; nextDueMs: number; waiting: number }> {
    const reply = await this.run(
      'advance_clock',
      rules.fallbackAgentId ?? '',
      rules.fallbackAfterMs,
      rules.waitMaxMs,
      rules.keepMarkMs,
      rules.journalMs,
      rules.journalEntries,
    );
    this.passedOver(reply[4]);
    return { more: number(reply[1]) === 1, nextDueMs: number(reply[2]), waiting: number(reply[3]) };
  }

  /**
   * Writes one part of a snapshot into the journal, or begins one when it is due by what the journal keeps.
   * 'more': call again; between two calls any other work may go on. 'idle': none is due.
   */
  async snapshotJournal(keepMs: number, keepEntries: number): Promise<'idle' | 'more' | 'ended'> {
    const reply = await this.run('snapshot_journal', keepMs, keepEntries);
    if (reply[0] === 'idle' || reply[0] === 'more' || reply[0] === 'ended') return reply[0];
    throw unexpected('snapshot_journal', reply);
  }

  /** The configuration's limit; an operator's setting goes before it. */
  async setInitialLimit(value: number): Promise<void> {
    const reply = await this.run('set_max_customers', 'initial_max_customers', value);
    await this.drain(reply);
  }

  /** Notes what Qiscus says about our resolve webhook, for /health/ready. */
  async noteWebhook(finding: 'ok' | 'unset' | 'disabled' | 'elsewhere'): Promise<void> {
    await this.run('note_webhook', finding);
  }

  /**
   * Notes which alerts hold now; what is news goes into the journal.
   * @param againMs after that one that stands is told again
   * @param calmMs how long its condition must be away before it is over
   * @param notes of the leader, for the next one
   */
  async noteAlerts(
    alerts: { code: AlertCode; count: number; roomId: string | null }[],
    againMs: number,
    calmMs: number,
    notes: string,
  ): Promise<void> {
    const args = alerts.flatMap(({ code, count, roomId }) => [code, count, roomId ?? '']);
    await this.run('note_alerts', againMs, calmMs, notes, ...args);
  }

  /** How far the decision log has come; `seen` '' only asks. */
  async noteLogged(seen: string): Promise<string> {
    return text((await this.run('note_logged', seen))[1]);
  }

  /** What a call beside the outbox tells of Qiscus; all dispatchers mind it. */
  async noteQiscus(kind: 'denied' | 'slowed', pauseMs: number): Promise<void> {
    await this.run('note_qiscus', kind, pauseMs);
  }

  /** True while `holder` leads; `ttlMs` 0 gives the lease back. */
  async takeLease(holder: string, ttlMs: number): Promise<boolean> {
    const reply = await this.scripts.run('take_lease', holder, ttlMs);
    return reply[0] === 'held';
  }
}
