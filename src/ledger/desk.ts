/** The HTTP side's face of the ledger: settings, hands and readings (see LedgerDesk in model.ts for each), decoded in readings.ts. */
import { storeError } from '../redis/errors';
import { fieldsOf, list, number, text, textOrNull } from '../redis/reply';
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
  QueueItem,
  RoomView,
  WebhookSetting,
} from './model';
import { type AgentStanding, byId, standingOf } from './past';
import { agentView, deadLetter, handResult, healthOf, journalRecord, queuePage, roomState, roomView } from './readings';

const DEAD_LETTERS_SHOWN = 1_000;

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
    return roomView(roomId, reply);
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
    return queuePage(await this.#run('read_queue', place, room, limit), limit);
  }

  async requeueRoom(roomId: string, token: number | null): Promise<HandResult> {
    return handResult(await this.#run('requeue_room', roomId, token ?? ''));
  }

  async releaseRoom(roomId: string): Promise<HandResult> {
    return handResult(await this.#run('release_room', roomId, 'operator'));
  }

  async eraseRoom(roomId: string): Promise<boolean | null> {
    const reply = await this.#run('erase_room', roomId);
    return reply[0] === 'unknown' ? null : number(reply[1]) === 1;
  }

  async listDeadLetters(): Promise<DeadLetter[]> {
    const [, ...items] = await this.#run('read_dead_letters', DEAD_LETTERS_SHOWN);
    return items.map(deadLetter);
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
    return healthOf(await this.#run('read_health'), this.#nowMs());
  }

  readDryRun(): Promise<DryRunFindings> {
    return readFindings((cursor) => this.#run('read_compared', cursor));
  }
}

function roomOf(deadLetterId: string): string | null {
  return deadLetterId.startsWith('room-') ? deadLetterId.slice('room-'.length) : null;
}
