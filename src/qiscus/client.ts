/**
 * The client of Qiscus Omnichannel: the calls that the service makes, over real HTTP.
 *
 * 1. Every call ends in a value of model.ts, within its time-out; nothing throws, nothing is tried twice in secret.
 * 2. App id and secret authenticate everything but the webhook setting, which wants an admin's token; the token is
 *    kept in memory only, and renewed once when Qiscus no longer takes it.
 * 3. Reasons are our own words: answers hold secrets and never leave answers.ts.
 *
 * Holds no timer and no socket of its own; there is nothing to stop.
 */
import {
  classifyAssign,
  classifyFailure,
  decodeRemoved,
  decodeRoom,
  decodeToken,
  decodeWebhook,
  isSuccess,
  readErrorText,
} from './answers';
import { createCall, type Lost, type Reply } from './call';
import type {
  AssignOutcome,
  OthersReading,
  Qiscus,
  RegisteredWebhook,
  RoomReading,
  Turn,
  WebhookRegistration,
} from './model';
import { LOGIN_PATH, readRegistration } from './registration';
import { readRooms } from './rooms';
import { readRoster } from './roster';

export interface QiscusClientOptions {
  /** Scheme and host of Qiscus; a trailing slash is fine. */
  baseUrl: string;
  appId: string;
  secret: string;
  /** An admin's login, for the webhook setting only; without it the app's secret is tried. */
  email: string | null;
  password: string | null;
  /** Longest time for one call, its body included. */
  timeoutMs: number;
  /** How long the webhook setting may go on trying when Qiscus is not well. Default 10 s. */
  settingPatienceMs?: number;
}

const MAX_ROSTER_BYTES = 4 * 1024 * 1024;
const ASSIGN_PATH = '/api/v1/admin/service/assign_agent';
const REMOVE_PATH = '/api/v1/admin/service/remove_agent';
const OTHERS_PATH = '/api/v2/admin/service/other_agents';
const AGENTS_PATH = '/api/v2/admin/agents';
const ROOMS_PATH = '/api/v2/customer_rooms';
const WEBHOOK_PATH = '/api/v1/app/webhook/mark_as_resolved';

/** A client for one Qiscus app. Cheap; make one per process. */
export function createQiscusClient(options: QiscusClientOptions): Qiscus {
  const { appId, secret, email, password, timeoutMs, settingPatienceMs = 10_000 } = options;
  const call = createCall(options.baseUrl, timeoutMs);
  const headers = { 'Qiscus-App-Id': appId, 'Qiscus-Secret-Key': secret };
  let adminToken: string | null = null;

  /** The time for one call of which somebody wants an answer sooner. */
  const within = (ms: number): number => Math.max(1, Math.min(timeoutMs, Math.floor(ms)));

  async function assignAgent(roomId: string, agentId: string, withinMs = timeoutMs): Promise<AssignOutcome> {
    const fields = { room_id: roomId, agent_id: agentId, replace_latest_agent: 'false', max_agent: '1' };
    const body = new URLSearchParams(fields);
    const reply = await call(ASSIGN_PATH, { method: 'POST', headers, body, timeoutMs: within(withinMs) });
    return reply.kind === 'lost'
      ? { kind: 'unknown', sent: reply.sent, reason: reply.reason }
      : classifyAssign(reply, agentId);
  }

  async function removeAgent(roomId: string, agentId: string): Promise<boolean> {
    const body = new URLSearchParams({ room_id: roomId, agent_id: agentId });
    const reply = await call(REMOVE_PATH, { method: 'POST', headers, body });
    return reply.kind === 'reply' && isSuccess(reply.status) && decodeRemoved(reply.text) !== null;
  }

  async function readRoom(roomId: string, withinMs = timeoutMs): Promise<RoomReading> {
    const reply = await call(`${ROOMS_PATH}/${encodeURIComponent(roomId)}`, { headers, timeoutMs: within(withinMs) });
    if (reply.kind === 'lost') return { kind: 'failed', reason: reply.reason };
    const { status, text } = reply;
    if (status === 404 || (status === 400 && /not found/i.test(readErrorText(text)))) return { kind: 'missing' };
    const room = isSuccess(status) ? decodeRoom(text)?.data.customer_room : undefined;
    if (!room) return classifyFailure(reply);
    if (room.room_id !== undefined && String(room.room_id) !== roomId)
      return { kind: 'failed', reason: 'answer names another room' };
    return { kind: 'room', resolved: room.is_resolved };
  }

  const listAgents = (turn?: Turn) =>
    readRoster(async (query) => {
      await turn?.();
      return call(AGENTS_PATH, { headers, query, maxBytes: MAX_ROSTER_BYTES });
    });

  /** Same rows and paging as the list of agents, by cursor alone. */
  async function listOthers(roomId: string, turn?: Turn): Promise<OthersReading> {
    const reading = await readRoster(async ({ limit, cursor_after }) => {
      await turn?.();
      const query = {
        room_id: roomId,
        ...(limit !== undefined && { limit }),
        ...(cursor_after !== undefined && { cursor_after }),
      };
      return call(OTHERS_PATH, { headers, query, maxBytes: MAX_ROSTER_BYTES });
    });
    return reading.kind === 'agents'
      ? { kind: 'others', agentIds: new Set(reading.agents.map(({ id }) => id)) }
      : reading;
  }

  const listRooms = (served: boolean, sinceMs: number, turn?: Turn) =>
    readRooms(sinceMs, async (cursor) => {
      await turn?.();
      const body = {
        serve_status: served ? 'served' : 'unserved',
        status: 'unresolved',
        limit: 50,
        cursor_after: cursor,
      };
      return call(ROOMS_PATH, { method: 'POST', headers, body, maxBytes: MAX_ROSTER_BYTES });
    });

  async function readResolveWebhook(): Promise<RegisteredWebhook | null> {
    if (!email || !password) return null;
    const found = await readRegistration(call, { email, password });
    return found.kind === 'app' ? found.resolve : null;
  }

  /** One try to set the webhook; logs in when it has no token, and once more when the kept one is no longer taken. */
  async function trySetting(url: string, enabled: boolean, tryMs: number): Promise<Reply | Lost> {
    const deadlineMs = Date.now() + tryMs;
    const send = (credentials: Record<string, string>): Promise<Reply | Lost> => {
      const body = new FormData();
      body.set('webhook_url', url);
      body.set('is_webhook_enabled', String(enabled));
      return call(WEBHOOK_PATH, { method: 'POST', headers: credentials, body, timeoutMs: left(deadlineMs) });
    };
    if (!email || !password) return send(headers);
    const kept = adminToken;
    if (kept !== null) {
      const reply = await send({ 'Qiscus-App-Id': appId, Authorization: kept });
      if (reply.kind === 'lost' || (reply.status !== 401 && reply.status !== 403)) return reply;
    }
    adminToken = null;
    const login = await call(LOGIN_PATH, { method: 'POST', body: { email, password }, timeoutMs: left(deadlineMs) });
    const token = login.kind === 'reply' && isSuccess(login.status) ? decodeToken(login.text) : null;
    if (!token) return login;
    adminToken = token.data.user.authentication_token;
    return send({ 'Qiscus-App-Id': appId, Authorization: adminToken });
  }

  async function setResolveWebhook(url: string, enabled: boolean): Promise<WebhookRegistration> {
    const deadlineMs = Date.now() + settingPatienceMs;
    for (let pauseMs = 200; ; pauseMs *= 2) {
      const reply = await trySetting(url, enabled, Math.min(timeoutMs, left(deadlineMs)));
      // A body that was cut or too slow is a try that failed, like a 5xx: setting the same value again is harmless.
      if (reply.kind === 'reply' && reply.status < 500 && reply.text !== null) {
        const stored = isSuccess(reply.status) ? decodeWebhook(reply.text)?.data : undefined;
        if (stored) {
          const { mark_as_resolved_webhook_url, is_mark_as_resolved_webhook_enabled } = stored;
          return { kind: 'set', url: mark_as_resolved_webhook_url, enabled: is_mark_as_resolved_webhook_enabled };
        }
        return { kind: 'refused', reason: describe(reply) };
      }
      if (Date.now() + pauseMs >= deadlineMs) return { kind: 'refused', reason: describe(reply) };
      await Bun.sleep(pauseMs);
    }
  }

  return {
    assignAgent,
    removeAgent,
    readRoom,
    listAgents,
    listOthers,
    listRooms,
    readResolveWebhook,
    setResolveWebhook,
  };
}

/** Milliseconds until the deadline, at least 1: a signal of 0 would fire before the call is made. */
const left = (deadlineMs: number): number => Math.max(1, deadlineMs - Date.now());

function describe(reply: Reply | Lost): string {
  if (reply.kind === 'lost') return reply.reason;
  const failure = classifyFailure(reply);
  return failure.kind === 'failed' ? failure.reason : `status ${reply.status}`;
}
