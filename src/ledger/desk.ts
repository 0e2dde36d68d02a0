/** The HTTP side's face of the ledger: settings, hands and readings (see LedgerDesk in model.ts for each). */
import { storeError } from '../redis/errors';
import { fieldsOf, list, number, text, textOrNull, unexpected } from '../redis/reply';
import type { Reply, Scripts } from '../redis/scripts';
import { finishDrain } from './comparison';
import { readFindings } from './dry-run';
import { explainRoom, type RoomExplanation } from './explanation';
import type {
  AgentView,
  DeadLetter,
  DryRunFindings,
  HandResult,
  JournalRecord,
  LedgerDesk,
  LedgerHealth,
  QiscusHealth,
  QueueItem,
  RaisedAlert,
  RoomView,
  WebhookSetting,
} from './model';
import { type AgentStanding, byId, standingOf } from './past';
import { ALERT_CODES, ROOM_STATES, type RoomState } from './verdicts';

const BREAKER_STATES: readonly string[] = ['closed', 'open', 'denied', 'slowed'];
const WEBHOOK_FINDINGS = ['ok', 'unset', 'disabled', 'elsewhere'] as const;
const CALLS = ['queued', 'sent', 'unknown'] as const;
const DEAD_LETTERS_SHOWN = 1_000;

function isBreakerState(word: string): word is QiscusHealth['state'] {
  return BREAKER_STATES.includes(word);
}

function roomState(value: Reply | undefined): RoomState {
  const word = text(value);
  const state = ROOM_STATES.find((state) => state === word);
  if (!state) throw new Error('a script answered an unknown room state');
  return state;
}

/** One journal record as streams answer it: id, then fields. */
export function journalRecord(id: string, fields: Record<string, string>): JournalRecord {
  const { event = '', at = '0', ...rest } = fields;
  return { id, event, atMs: Number(at), fields: rest };
}

function agentView(item: Reply): AgentView {
  const [id, name, online, paused, reserved, assigned, outside, limit, own, channels, counted, last] = list(item);
  const listed = text(channels);
  return {
    id: text(id),
    name: text(name),
    online: number(online) === 1,
    paused: number(paused) === 1,
    load: number(reserved) + number(assigned) + number(outside),
    reserved: number(reserved),
    assigned: number(assigned),
    outside: number(outside),
    outsideKnown: number(counted) === 1,
    limit: number(limit),
    maxCustomers: number(own) < 0 ? null : number(own),
    channels: listed === '*' ? null : listed.split(',').filter(Boolean),
    lastAssignedMs: number(last) || null,
  };
}

/** A code that this version does not know is a newer one's. */
function raisedAlert(item: Reply): RaisedAlert[] {
  const [word, since] = list(item);
  const code = ALERT_CODES.find((known) => known === word);
  return code ? [{ code, sinceMs: number(since) }] : [];
}

export class Desk implements LedgerDesk {
  readonly #scripts: Scripts;
  readonly #nowMs: () => number;

  constructor(scripts: Scripts, nowMs: () => number) {
    this.#scripts = scripts;
    this.#nowMs = nowMs;
  }

  async #run(script: string, ...args: (string | number)[]): Promise<Reply[]> {
    try {
      return await this.#scripts.run(script, this.#nowMs(), ...args);
    } catch (error) {
      throw storeError(error);
    }
  }

  async #finish(reply: Reply[]): Promise<void> {
    // If Redis goes away now, whoever takes entries next goes on with the drain.
    await finishDrain(this.#scripts, this.#nowMs, reply).catch(() => undefined);
  }

  async readSettings(): Promise<{ maxCustomers: number; markAsResolved: WebhookSetting | null }> {
    const [, limit, url, enabled] = await this.#run('read_settings');
    const set = textOrNull(url);
    return { maxCustomers: number(limit), markAsResolved: set ? { url: set, enabled: number(enabled) === 1 } : null };
  }

  async setMaxCustomers(value: number): Promise<void> {
    await this.#finish(await this.#run('set_max_customers', 'max_customers', value));
  }

  async setMarkAsResolved(setting: WebhookSetting): Promise<void> {
    await this.#run('set_webhook', setting.url, setting.enabled ? 1 : 0);
  }

  async listAgents(): Promise<AgentView[]> {
    const agents = new Map<string, AgentView>();
    let cursor = '0';
    do {
      const reply = await this.#run('read_agents', '', cursor);
      cursor = text(reply[1]);
      for (const item of reply.slice(2)) {
        const agent = agentView(item);
        agents.set(agent.id, agent);
      }
    } while (cursor !== '0');
    return [...agents.values()].sort(byId);
  }

  async readAgent(agentId: string): Promise<AgentView | null> {
    const reply = await this.#run('read_agents', agentId, '0');
    return reply[2] ? agentView(reply[2]) : null;
  }

  async readStanding(agentId: string): Promise<AgentStanding | null> {
    const reply = await this.#run('read_standing', agentId);
    return reply[0] === 'unknown' ? null : standingOf(agentId, reply);
  }

  async patchAgent(
    agentId: string,
    patch: { maxCustomers?: number | null; paused?: boolean },
  ): Promise<AgentView | null> {
    const limit = patch.maxCustomers === undefined ? 'keep' : (patch.maxCustomers ?? '');
    const paused = patch.paused === undefined ? 'keep' : patch.paused ? 1 : 0;
    const reply = await this.#run('patch_agent', agentId, limit, paused);
    await this.#finish(reply);
    return reply[0] === 'unknown' ? null : this.readAgent(agentId);
  }

  async readRoom(roomId: string): Promise<RoomView | null> {
    const reply = await this.#run('read_room', roomId);
    if (reply[0] === 'unknown') return null;
    const [, state, agent, channel, source, name, place, position, since, attempts, token, due, call] = reply;
    return {
      roomId,
      state: roomState(state),
      agentId: textOrNull(agent),
      token: number(token),
      channelId: textOrNull(channel),
      source: textOrNull(source),
      customerName: textOrNull(name),
      place: text(place),
      position: number(position) || null,
      sinceMs: number(since),
      dueMs: number(due) || null,
      call: CALLS.find((word) => word === call) ?? null,
      attempts: number(attempts),
    };
  }

  explainRoom(roomId: string): Promise<RoomExplanation | null> {
    return explainRoom((cursor) => this.#run('explain_room', roomId, cursor), roomState);
  }

  async readDecisions(roomId: string, limit: number): Promise<JournalRecord[]> {
    const reply = await this.#run('read_decisions', roomId, limit);
    return reply.slice(1).map((item) => {
      const [id, fields] = list(item);
      return journalRecord(text(id), fieldsOf(fields));
    });
  }

  async readQueue(
    after: string | null,
    limit: number,
  ): Promise<{ total: number; rooms: QueueItem[]; next: string | null }> {
    const [place = '', room = ''] = after ? after.split(/\/(.*)/s) : [];
    const [, total, before, ...items] = await this.#run('read_queue', place, room, limit);
    const rooms = items.map((item, i): QueueItem => {
      const [roomId, at, channel, since] = list(item);
      return {
        roomId: text(roomId),
        position: number(before) + i + 1,
        place: text(at),
        channelId: textOrNull(channel),
        sinceMs: number(since),
      };
    });
    const last = rooms.at(-1);
    return {
      total: number(total),
      rooms,
      next: last && rooms.length === limit ? `${last.place}/${last.roomId}` : null,
    };
  }

  async requeueRoom(roomId: string, token: number | null): Promise<HandResult> {
    return this.#hand(await this.#run('requeue_room', roomId, token ?? ''));
  }

  async releaseRoom(roomId: string): Promise<HandResult> {
    return this.#hand(await this.#run('release_room', roomId, 'operator'));
  }

  async eraseRoom(roomId: string): Promise<boolean | null> {
    const reply = await this.#run('erase_room', roomId);
    return reply[0] === 'unknown' ? null : number(reply[1]) === 1;
  }

  #hand(reply: Reply[]): HandResult {
    if (reply[0] === 'done') return { kind: 'done', state: roomState(reply[1]) };
    if (reply[0] === 'unknown') return { kind: 'unknown' };
    return { kind: 'wrong_state', state: roomState(reply[1]), agentId: textOrNull(reply[2]) };
  }

  async listDeadLetters(): Promise<DeadLetter[]> {
    const [, ...items] = await this.#run('read_dead_letters', DEAD_LETTERS_SHOWN);
    return items.map((item): DeadLetter => {
      const [word, id, since, attempts, reason] = list(item);
      const kind = text(word) === 'room' ? 'room' : 'entry';
      return {
        id: `${kind}-${text(id)}`,
        kind,
        roomId: kind === 'room' ? text(id) : null,
        reason: text(reason),
        sinceMs: number(since),
        attempts: number(attempts),
      };
    });
  }

  async replayDeadLetter(id: string): Promise<boolean> {
    const room = roomOf(id);
    if (room) return (await this.requeueRoom(room, null)).kind === 'done';
    return this.#entry(id, 'replay');
  }

  async deleteDeadLetter(id: string): Promise<boolean> {
    const room = roomOf(id);
    if (room) return (await this.#run('release_room', room, 'deleted'))[0] === 'done';
    return this.#entry(id, 'delete');
  }

  async #entry(id: string, verb: 'replay' | 'delete'): Promise<boolean> {
    if (!/^entry-\d+-\d+$/.test(id)) return false;
    return (await this.#run('replay_entry', id.slice('entry-'.length), verb))[0] === 'done';
  }

  async readHealth(): Promise<LedgerHealth> {
    const reply = await this.#run('read_health');
    const [inbox, inboxOldest, outbox, outboxOldest, roster, waiting, waitingOldest, parked] = reply
      .slice(1, 9)
      .map(Number);
    const state = text(reply[9]);
    if (!isBreakerState(state)) throw unexpected('read_health', reply);
    const atMs = this.#nowMs();
    const age = (since: number | undefined) => (since ? Math.max(0, atMs - since) : 0);
    return {
      atMs,
      inboxLength: inbox ?? 0,
      inboxAgeMs: age(inboxOldest),
      outboxLength: outbox ?? 0,
      outboxAgeMs: age(outboxOldest),
      rosterAgeMs: roster ? age(roster) : null,
      waiting: waiting ?? 0,
      oldestWaitingMs: age(waitingOldest),
      oldestWaitingRoomId: textOrNull(reply[16]),
      parked: parked ?? 0,
      oldestParkedRoomId: textOrNull(reply[17]),
      oldestParkedMs: age(number(reply[18])),
      agents: { online: number(reply[13]), paused: number(reply[14]), offline: number(reply[15]) },
      alerts: reply.slice(20).flatMap(raisedAlert),
      watch: text(reply[19]),
      qiscus: { state, untilMs: number(reply[10]), failures: number(reply[11]) },
      resolveWebhook: WEBHOOK_FINDINGS.find((finding) => finding === reply[12]) ?? null,
    };
  }

  readDryRun(): Promise<DryRunFindings> {
    return readFindings((cursor) => this.#run('read_compared', cursor));
  }
}

function roomOf(deadLetterId: string): string | null {
  return deadLetterId.startsWith('room-') ? deadLetterId.slice('room-'.length) : null;
}
