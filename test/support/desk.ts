/**
 * The ledger's desk in memory, for tests of HTTP alone: without any rule of the real one, which is tested with Redis.
 *
 * 1. `MemoryDesk` holds two agents, three rooms and two dead letters.
 * 2. `agent`, `room`, `record` and `healthy` are samples of what a desk tells.
 */
import type { RoomExplanation } from '../../src/ledger/explanation';
import type {
  AgentView,
  DeadLetter,
  DryRunFindings,
  HandResult,
  JournalRecord,
  LedgerDesk,
  LedgerHealth,
  RoomView,
  WebhookSetting,
} from '../../src/ledger/model';

const AT_MS = 1_763_842_000_000;

export const healthy: LedgerHealth = {
  atMs: Date.parse('2026-11-23T12:00:00Z'),
  inboxAgeMs: 0,
  inboxLength: 0,
  outboxAgeMs: 0,
  outboxLength: 0,
  rosterAgeMs: 1000,
  waiting: 1,
  oldestWaitingMs: 5000,
  oldestWaitingRoomId: '777',
  parked: 1,
  oldestParkedRoomId: '888',
  oldestParkedMs: 7000,
  agents: { online: 2, paused: 0, offline: 0 },
  alerts: [],
  watch: '',
  qiscus: { state: 'closed', untilMs: 0, failures: 0 },
  resolveWebhook: null,
};

const NOT_DRY: DryRunFindings = {
  sources: { reading: 0, resolver: 0, candidate: 0 },
  agreed: 0,
  unknown: 0,
  given: { ours: new Map(), theirs: new Map() },
  loads: new Map(),
  deviations: { readings: 0, ours: 0, theirs: 0 },
};

export class MemoryDesk implements LedgerDesk {
  maxCustomers = 2;
  markAsResolved: WebhookSetting | null = null;
  agents: AgentView[] = [agent('agent_01'), agent('agent_02')];
  rooms = new Map<string, RoomView>([
    ['12345', room('12345', { state: 'assigned', agentId: 'agent_01' })],
    ['777', room('777', { state: 'waiting', position: 1 })],
    ['888', room('888', { state: 'parked', attempts: 3 })],
  ]);
  deadLetters: DeadLetter[] = [
    { id: 'room-888', kind: 'room', roomId: '888', reason: 'occupied', sinceMs: AT_MS, attempts: 3 },
    { id: 'entry-1763842000000-4', kind: 'entry', roomId: null, reason: 'poison', sinceMs: AT_MS, attempts: 5 },
  ];
  health: () => Promise<LedgerHealth> = async () => healthy;

  readSettings = async () => ({ maxCustomers: this.maxCustomers, markAsResolved: this.markAsResolved });
  async setMaxCustomers(value: number) {
    this.maxCustomers = value;
  }
  async setMarkAsResolved(setting: WebhookSetting) {
    this.markAsResolved = setting;
  }
  listAgents = async () => this.agents;
  readAgent = async (id: string) => this.agents.find((agent) => agent.id === id) ?? null;
  async readStanding(id: string) {
    const found = await this.readAgent(id);
    if (found === null) return null;
    const { online, paused, reserved, assigned, outside } = found;
    const limits = { ownLimit: found.maxCustomers ?? -1, defaultLimit: this.maxCustomers };
    const times = { known: true, absent: false, asideMs: 0, lastMs: 0, channels: found.channels?.join() ?? '*' };
    const agent = { id, online, paused, held: reserved + assigned, outside, ends: new Map(), ...limits, ...times };
    return { agent, newest: `${AT_MS + 1_000_000}-0`, oldest: `${AT_MS}-0` };
  }
  async patchAgent(id: string, patch: { maxCustomers?: number | null; paused?: boolean }) {
    const found = await this.readAgent(id);
    return found === null ? null : Object.assign(found, patch);
  }
  readDryRun = async () => NOT_DRY;
  readRoom = async (roomId: string) => this.rooms.get(roomId) ?? null;
  async explainRoom(roomId: string): Promise<RoomExplanation | null> {
    const found = this.rooms.get(roomId);
    if (!found) return null;
    const { state, agentId, channelId } = found;
    const about = { state, agentId, channelId, ahead: 0, dueMs: null, next: null, total: 0, candidates: [] };
    const counts = { able: 0, full: 0, paused: 0, aside: 0, offline: 0, off_channel: 0 };
    return { ...about, counts, reason: state === 'waiting' ? 'all_full' : state };
  }
  readDecisions = async (roomId: string, limit: number) => [record(1, { room: roomId })].slice(0, limit);
  async readQueue(after: string | null, limit: number) {
    const waiting = [...this.rooms.values()].filter(({ state }) => state === 'waiting');
    const rooms = waiting.map(({ roomId, place, channelId, sinceMs }, index) => ({
      roomId,
      position: index + 1,
      place,
      channelId,
      sinceMs,
    }));
    const start = rooms.findIndex(({ place, roomId }) => `${place}/${roomId}` === after) + 1;
    const page = rooms.slice(start, start + limit);
    const last = page.at(-1);
    return {
      total: rooms.length,
      rooms: page,
      next: last && start + limit < rooms.length ? `${last.place}/${last.roomId}` : null,
    };
  }
  async requeueRoom(roomId: string, token: number | null): Promise<HandResult> {
    const found = this.rooms.get(roomId);
    if (!found) return { kind: 'unknown' };
    const may = found.state === 'parked' || (found.state === 'assigned' && found.token === token);
    if (!may) return { kind: 'wrong_state', state: found.state, agentId: found.agentId };
    Object.assign(found, { state: 'waiting', agentId: null });
    return { kind: 'done', state: 'waiting' };
  }
  async releaseRoom(roomId: string): Promise<HandResult> {
    const found = this.rooms.get(roomId);
    if (!found) return { kind: 'unknown' };
    if (found.state === 'resolved') return { kind: 'wrong_state', state: 'resolved', agentId: null };
    Object.assign(found, { state: 'resolved', agentId: null });
    return { kind: 'done', state: 'resolved' };
  }
  async eraseRoom(roomId: string) {
    const found = this.rooms.get(roomId);
    if (!found) return null;
    const erased = found.customerName !== null;
    found.customerName = null;
    return erased;
  }
  listDeadLetters = async () => this.deadLetters;
  replayDeadLetter = (id: string) => this.deleteDeadLetter(id);
  async deleteDeadLetter(id: string) {
    const before = this.deadLetters.length;
    this.deadLetters = this.deadLetters.filter((letter) => letter.id !== id);
    return this.deadLetters.length < before;
  }
  readHealth = () => this.health();
}

export function agent(id: string, rest: Partial<AgentView> = {}): AgentView {
  return {
    id,
    name: id,
    online: true,
    paused: false,
    load: 1,
    reserved: 0,
    assigned: 1,
    outside: 0,
    outsideKnown: true,
    limit: 2,
    maxCustomers: null,
    channels: ['1'],
    lastAssignedMs: null,
    ...rest,
  };
}

export function room(roomId: string, rest: Partial<RoomView> = {}): RoomView {
  return {
    roomId,
    state: 'waiting',
    agentId: null,
    token: 0,
    channelId: '1',
    source: 'wa',
    customerName: 'Harpi',
    place: '1763842000000-0',
    position: null,
    sinceMs: AT_MS,
    dueMs: null,
    call: null,
    attempts: 0,
    ...rest,
  };
}

export const record = (n: number, fields: Record<string, string> = {}): JournalRecord => ({
  id: `${AT_MS + n}-0`,
  event: 'room.reserved',
  atMs: AT_MS + n,
  fields,
});
