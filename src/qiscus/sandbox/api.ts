/**
 * The Qiscus endpoints that the sandbox answers: headers in, the truth's rules, Qiscus's shapes out.
 *
 * 1. Checks app id and secret, or an admin token, on everything but the login.
 * 2. Takes form, multipart and JSON bodies alike, as Qiscus does.
 * 3. Runs into the ordered faults, and into the configured latency, half before the change and half after it.
 */
import { type Answer, appliesFirst, type Faults, misbehave } from './faults';
import type { Memory } from './memory';
import type { Room, Service } from './model';
import {
  ADMIN,
  appRecord,
  channelsReply,
  isoDate,
  loginReply,
  PLANTED,
  resolvedReply,
  roomRow,
  SUPERVISOR,
  serviceOf,
  userV1,
  userV2,
} from './shapes';
import type { Truth } from './truth';

export interface ApiOptions {
  appId: string;
  secret: string;
  email: string | null;
  password: string | null;
}

type Params = Record<string, unknown>;

const ROUTES: Record<string, string> = {
  'POST /api/v1/auth': 'auth',
  'GET /api/v1/admin/get_profile': 'get_profile',
  'POST /api/v1/admin/service/assign_agent': 'assign_agent',
  'POST /api/v1/admin/service/remove_agent': 'remove_agent',
  'POST /api/v1/admin/service/mark_as_resolved': 'mark_as_resolved',
  'GET /api/v2/admin/agents': 'agents',
  'GET /api/v2/admin/service/available_agents': 'available_agents',
  'GET /api/v2/admin/service/other_agents': 'other_agents',
  'POST /api/v2/customer_rooms': 'customer_rooms',
  'GET /api/v2/customer_rooms': 'customer_rooms',
  'POST /api/v1/app/webhook/mark_as_resolved': 'set_webhook',
  'GET /api/v2/channels': 'channels',
};
const ROOM_PATH = '/api/v2/customer_rooms/';

const ok = (body: unknown): Answer => ({ status: 200, body });
const no = (status: number, message: string): Answer => ({ status, body: { errors: { message } } });
const REFUSALS = {
  agent_unknown: no(404, 'agent not found'),
  resolved: no(400, 'room already resolved'),
  occupied: no(400, 'Cant join room, exceed max agents'),
};
const text = (value: unknown): string => (value === undefined || value === null ? '' : String(value));

export class Api {
  /** Calls by name, refused and failed ones too. */
  calls: Record<string, number> = {};
  /** By `<name> <status>`, or `<name> <effect>` where a fault answered. */
  answers: Record<string, number> = {};
  registered: { url: string; enabled: boolean } | null = null;
  private readonly truth: Truth;
  private readonly faults: Faults;
  private readonly options: ApiOptions;
  private readonly stopped: Promise<unknown>;
  private readonly memory: Memory | null;
  private readonly onResolved: (room: Room, service: Service) => void;
  private readonly tokens = new Set<string>();

  constructor(
    parts: {
      truth: Truth;
      faults: Faults;
      stopped: Promise<unknown>;
      onResolved: (room: Room, service: Service) => void;
      memory: Memory | null;
    },
    options: ApiOptions,
  ) {
    this.truth = parts.truth;
    this.faults = parts.faults;
    this.stopped = parts.stopped;
    this.onResolved = parts.onResolved;
    this.memory = parts.memory;
    this.registered = parts.memory?.registered ?? null;
    this.options = options;
  }

  reset(): void {
    this.calls = {};
    this.answers = {};
    this.registered = null;
    this.expireTokens();
  }

  /** Every admin token given out so far is refused from now on. */
  expireTokens(): void {
    this.tokens.clear();
  }

  /** Answers one request for a path of Qiscus's. */
  async handle(request: Request, path: string, query: string): Promise<Response> {
    const isRoom = request.method === 'GET' && path.startsWith(ROOM_PATH);
    const call = isRoom ? 'customer_room' : ROUTES[`${request.method} ${path}`];
    if (!call) return this.reply('unknown_path', no(404, 'Not found'));
    this.calls[call] = (this.calls[call] ?? 0) + 1;
    const params = await readParams(request, query);
    if (isRoom) params.room_id = decodeURIComponent(path.slice(ROOM_PATH.length));
    const ids = { room_id: text(params.room_id), agent_id: text(params.agent_id) };
    const fault = this.faults.take(call, path, ids);
    if (fault?.delayMs) await Bun.sleep(fault.delayMs);
    const pauseMs = this.truth.config.latencyMs / 2;
    if (pauseMs > 0) await Bun.sleep(pauseMs);
    const answer = !fault || appliesFirst(fault) ? this.answer(call, request, params, ids) : ok({ data: {} });
    if (pauseMs > 0) await Bun.sleep(pauseMs);
    if (!fault) return this.reply(call, answer);
    this.count(`${call} ${fault.effect}`);
    return misbehave(fault, JSON.stringify(answer.body), this.stopped);
  }

  private reply(call: string, answer: Answer): Response {
    this.count(`${call} ${answer.status}`);
    return Response.json(answer.body, { status: answer.status });
  }

  private count(key: string): void {
    this.answers[key] = (this.answers[key] ?? 0) + 1;
  }

  private answer(call: string, request: Request, params: Params, ids: { room_id: string; agent_id: string }): Answer {
    if (call === 'auth') return this.logIn(params);
    const access = this.checkAccess(request.headers);
    if (access === 'refused' || (access === 'secret' && call === 'set_webhook' && this.truth.config.setterNeedsToken))
      return no(401, 'Unauthorized');
    switch (call) {
      case 'get_profile':
        return ok({ data: userV1(ADMIN, 1) });
      case 'assign_agent':
        return this.assign(ids, params);
      case 'remove_agent':
        return this.truth.removeAgent(ids.room_id, ids.agent_id)
          ? ok({ data: {} })
          : no(400, 'agent is not in the room');
      case 'mark_as_resolved':
        return this.resolve(ids.room_id, params);
      case 'agents':
        return this.listAgents(params, null);
      case 'available_agents': {
        const room = this.truth.rooms.get(ids.room_id);
        return room ? this.listAgents(params, room) : no(404, 'room not found');
      }
      case 'other_agents': {
        const room = this.truth.rooms.get(ids.room_id);
        return room ? this.listAgents(params, room, true) : no(404, 'room not found');
      }
      case 'customer_rooms':
        return this.listRooms(params);
      case 'customer_room': {
        const room = this.truth.rooms.get(ids.room_id);
        return room ? ok({ data: { customer_room: roomRow(room) }, status: 200 }) : no(404, 'room not found');
      }
      case 'set_webhook':
        this.registered = { url: text(params.webhook_url), enabled: text(params.is_webhook_enabled) === 'true' };
        this.memory?.keep({ registered: this.registered });
        return ok({ data: this.app() });
      default:
        return ok(channelsReply(this.options.appId));
    }
  }

  private checkAccess(headers: Headers): 'secret' | 'token' | 'refused' {
    if (headers.get('qiscus-app-id') !== this.options.appId) return 'refused';
    if (headers.get('qiscus-secret-key') === this.options.secret) return 'secret';
    return this.tokens.has(headers.get('authorization') ?? '') ? 'token' : 'refused';
  }

  private app() {
    const { allocationWebhookUrl } = this.truth.config;
    const { url = null, enabled = false } = this.registered ?? {};
    return appRecord(this.options.appId, allocationWebhookUrl, url, enabled);
  }

  private logIn({ email, password }: Params): Answer {
    const expected = this.options;
    const isKnown = expected.email === null || (email === expected.email && password === expected.password);
    if (!isKnown || !email || !password) return no(401, 'Invalid email or password');
    const token = `${PLANTED}-token-${crypto.randomUUID()}`;
    this.tokens.add(token);
    return ok(loginReply(this.app(), token));
  }

  private assign(ids: { room_id: string; agent_id: string }, params: Params): Answer {
    if (ids.room_id === '' || ids.agent_id === '') return no(400, 'Malformed request');
    const maxAgents = params.max_agent === undefined ? Number.POSITIVE_INFINITY : Number(params.max_agent);
    const replace = text(params.replace_latest_agent) === 'true';
    const result = this.truth.assign(ids.room_id, ids.agent_id, { maxAgents, replace, by: 'api' });
    if (result.kind !== 'assigned') return REFUSALS[result.kind];
    const room = this.truth.rooms.get(ids.room_id);
    const service = room && serviceOf(room, result.service);
    return ok({ data: { added_agent: userV1(result.agent, 2), service } });
  }

  private resolve(roomId: string, params: Params): Answer {
    const room = this.truth.rooms.get(roomId);
    if (!room) return no(404, 'room not found');
    const service = this.truth.resolve(room, params.notes === undefined ? null : text(params.notes));
    if (!service) return no(400, 'room already resolved');
    this.onResolved(room, service);
    return ok(resolvedReply(room, service));
  }

  /** All lists of agents; for a room: those of its channel, or all who are not in it; offline ones too. */
  private listAgents(params: Params, room: Room | null, others = false): Answer {
    const { pagingStyle, pageSize, omitCounts, ignoreTypeScope } = this.truth.config;
    const rows: unknown[] = [];
    if (!room && (ignoreTypeScope || params.user_type_scope !== 'agent'))
      rows.push(userV2(ADMIN, 1, [], 0), userV2(SUPERVISOR, 3, [], 0));
    for (const agent of this.truth.agents.values()) {
      if (room && (others ? room.agents.includes(agent.id) : !this.truth.fits(agent, room))) continue;
      rows.push(userV2(agent, 2, agent.channelIds, omitCounts ? undefined : this.truth.shownCount(agent)));
    }
    const size = Math.min(Number(params.limit ?? 20) || 20, pageSize);
    const style = room ? 'cursor' : pagingStyle;
    const isCursor = style === 'cursor' || style === 'cursor_after';
    const page = style === 'repeat' ? 1 : Number((isCursor ? params.cursor_after : params.page) ?? 1) || 1;
    const agents = rows.slice((page - 1) * size, page * size);
    const next = page * size < rows.length ? page + 1 : null;
    const meta = {
      total: { per_page: size, total_count: rows.length },
      pages: { limit: size, page, total_page: Math.max(1, Math.ceil(rows.length / size)) },
      cursor: { after: next === null ? null : String(next), before: null, per_page: size, total_count: null },
      cursor_after: { cursor_after: next, cursor_before: null, current_total: agents.length },
      bare: { per_page: size },
      repeat: { per_page: size },
    }[style];
    return ok({ data: { agents }, meta, status: 200 });
  }

  /** Newest comment first; the cursor is a whole second, so rooms of one second may fall between two pages. */
  private listRooms(params: Params): Answer {
    const limit = Math.min(Number(params.limit ?? 20) || 20, 50);
    const cursor = text(params.cursor_after);
    const slackMs = this.truth.config.cursorTies === 'repeat' ? 1000 : 0;
    const beforeMs = cursor === '' ? Number.POSITIVE_INFINITY : Date.parse(cursor) + slackMs;
    const wanted = channelFilter(params.channels);
    const rows: Room[] = [];
    const rooms = [...this.truth.rooms.values()].sort((a, b) => b.comment.atMs - a.comment.atMs);
    for (const room of rooms) {
      if (room.comment.atMs >= beforeMs || (wanted && !wanted.has(`${room.channelId}`))) continue;
      if (params.serve_status && (params.serve_status === 'served') !== room.agents.length > 0) continue;
      if (params.status && (params.status === 'resolved') !== (room.open === null)) continue;
      rows.push(room);
      if (rows.length > limit) break;
    }
    const shown = rows.slice(0, limit);
    const last = rows.length > limit ? shown.at(-1) : undefined;
    const meta = {
      current_total: shown.length,
      cursor_after: last ? isoDate(last.comment.atMs) : null,
      cursor_before: shown[0] ? isoDate(shown[0].comment.atMs) : null,
    };
    return ok({ data: { customer_rooms: shown.map(roomRow) }, meta, status: 200 });
  }
}

/** The channel ids of the `channels` filter; null: all rooms. */
function channelFilter(channels: unknown): Set<string> | null {
  if (!Array.isArray(channels) || channels.length === 0) return null;
  return new Set(channels.map((entry: { channel_id?: unknown }) => text(entry?.channel_id)));
}

/** Query and body as one flat record; an unreadable body is an empty one. */
async function readParams(request: Request, query: string): Promise<Params> {
  const params: Params = query === '' ? {} : Object.fromEntries(new URLSearchParams(query));
  if (request.method === 'GET') return params;
  const type = request.headers.get('content-type') ?? '';
  try {
    if (type.startsWith('application/json')) return Object.assign(params, await request.json());
    if (type.startsWith('multipart/')) return Object.assign(params, Object.fromEntries(await request.formData()));
    return Object.assign(params, Object.fromEntries(new URLSearchParams(await request.text())));
  } catch {
    return params;
  }
}
