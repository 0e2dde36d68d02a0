/**
 * The JSON that Qiscus sends, built from the truth: same keys, types and dates as real and documented payloads.
 *
 * Every place where Qiscus would put a key, a token or a customer's address holds the word `planted`: a test that finds
 * it in a log, in Redis or in a reply has found a leak.
 */
import type { Agent, Room, Service } from './model';
import type { Truth } from './truth';

export const PLANTED = 'planted';

/** v1 dates: no zone. */
const plainDate = (ms: number): string => isoDate(ms).replace('T', ' ').replace('Z', '');
/** v2 dates: whole seconds, UTC. */
export const isoDate = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;
const phpDate = (ms: number) => ({ date: `${plainDate(ms)}.000000`, timezone_type: 3, timezone: 'UTC' });
/** Qiscus's own ids are numbers; the sandbox's named agents are not. */
const wireId = (id: string): string | number => (/^[1-9]\d{0,14}$/.test(id) ? Number(id) : id);
const madeAtMs = Date.UTC(2024, 10, 14, 4);

const AVATAR = 'https://omnichannel.qiscus.com/img/ic_qiscus_client.png';
const TYPES = { 1: 'admin', 2: 'agent', 3: 'supervisor' } as const;
type UserType = keyof typeof TYPES;
type Person = Pick<Agent, 'id' | 'name' | 'available' | 'forceOffline'>;

export const ADMIN: Person = { id: '162787', name: 'Admin Demo 1', available: true, forceOffline: false };
export const SUPERVISOR: Person = { id: '162788', name: 'Supervisor Demo 1', available: true, forceOffline: false };

/** A user in the shape of v1 replies, tokens and all. */
export function userV1(person: Person, type: UserType) {
  return {
    id: wireId(person.id),
    name: person.name,
    email: `${person.id}@example.com`,
    authentication_token: `${PLANTED}-authentication-token-${person.id}`,
    created_at: plainDate(madeAtMs),
    updated_at: plainDate(madeAtMs),
    sdk_email: `abcde_${person.id}@example.com`,
    sdk_key: `${PLANTED}-sdk-key-${person.id}`,
    is_available: person.available,
    type,
    avatar_url: null,
    app_id: 1,
    is_verified: false,
    notifications_room_id: '1692312',
    bubble_color: null,
    qismo_key: `${PLANTED}-qismo-key-${person.id}`,
    direct_login_token: null,
    last_login: plainDate(madeAtMs),
    force_offline: person.forceOffline,
    deleted_at: null,
    type_as_string: TYPES[type],
    assigned_rules: [],
  };
}

/** A user in the shape of v2 lists. */
export function userV2(person: Person, type: UserType, channelIds: string[] | null, count: number | undefined) {
  return {
    avatar_url: null,
    created_at: isoDate(madeAtMs),
    current_customer_count: count,
    email: `${person.id}@example.com`,
    force_offline: person.forceOffline,
    id: wireId(person.id),
    is_available: person.available,
    last_login: isoDate(madeAtMs),
    name: person.name,
    sdk_email: `abcde_${person.id}@example.com`,
    sdk_key: `${PLANTED}-sdk-key-${person.id}`,
    type,
    type_as_string: TYPES[type],
    user_channels: channelIds?.map((id) => ({ id: wireId(id), name: `Channel ${id}` })) ?? null,
    user_roles: [],
  };
}

export const serviceOf = (room: Room, service: Service) => ({
  id: service.id,
  room_id: room.id,
  user_id: service.agentId === null ? null : wireId(service.agentId),
  is_resolved: service.resolvedMs !== null,
  retrieved_at: plainDate(service.openedMs),
  created_at: plainDate(service.openedMs),
  updated_at: plainDate(service.resolvedMs ?? service.openedMs),
});

/** The reply of `mark_as_resolved`. */
export const resolvedReply = (room: Room, service: Service) => ({
  data: {
    service: {
      ...serviceOf(room, service),
      notes: service.notes,
      resolved_at: phpDate(service.resolvedMs ?? service.openedMs),
      retrieved_at: phpDate(service.openedMs),
      app_id: 1,
      room_log_id: room.logId,
      first_comment_id: String(service.firstCommentId),
      last_comment_id: String(service.lastCommentId),
      user: userV1(ADMIN, 1),
    },
    room_info: { room: { room_avatar_url: AVATAR, room_id: room.id, room_name: room.name, room_type: 'group' } },
  },
});

/** A row of `customer_rooms`: no word about agents, as at Qiscus. */
export const roomRow = (room: Room) => ({
  channel_id: room.channelId === null ? null : wireId(room.channelId),
  contact_id: null,
  id: room.logId,
  is_calling: false,
  is_handled_by_bot: false,
  is_resolved: room.open === null,
  is_waiting: room.open !== null && room.agents.length === 0,
  last_comment_sender: room.comment.sender,
  last_comment_sender_type: room.comment.senderType,
  last_comment_text: room.comment.text,
  last_comment_timestamp: isoDate(room.comment.atMs),
  last_customer_comment_text: room.customerComment.text,
  last_customer_timestamp: isoDate(room.customerComment.atMs),
  name: room.name,
  room_badge: null,
  room_id: room.id,
  room_type: 'individual',
  source: room.source,
  user_avatar_url: AVATAR,
  user_id: room.userId,
});

/** The app's own record: the reply of the webhook setters, and part of the login. */
export const appRecord = (appId: string, allocationUrl: string | null, url: string | null, enabled: boolean) => ({
  id: 1,
  name: 'Sandbox',
  app_code: appId,
  secret_key: `${PLANTED}-app-secret`,
  created_at: plainDate(madeAtMs),
  updated_at: plainDate(madeAtMs),
  bot_webhook_url: null,
  is_bot_enabled: false,
  allocate_agent_webhook_url: allocationUrl,
  is_allocate_agent_webhook_enabled: true,
  mark_as_resolved_webhook_url: url,
  is_mark_as_resolved_webhook_enabled: enabled,
  is_active: true,
  is_sessional: true,
  is_agent_allocation_enabled: false,
});

export const loginReply = (app: ReturnType<typeof appRecord>, token: string) => ({
  data: {
    user: { ...userV1(ADMIN, 1), authentication_token: token, app },
    details: { is_integrated: true, app },
    long_lived_token: `${PLANTED}-long-lived-token`,
    user_configs: {},
  },
});

export const channelsReply = (appId: string) => ({
  data: {
    custom_channels: [{ id: 272, identifier_key: 'ceria', name: 'Ceria', is_active: true }],
    fb_channels: [],
    ig_channels: [],
    line_channels: [],
    qiscus_channels: [
      { id: 5603, is_active: true, app_code: appId, secret_key: `${PLANTED}-channel-secret`, name: 'Qiscus 5603' },
    ],
    telegram_channels: [],
    wa_channels: [],
  },
});

/** The channel block that webhooks have since 2025. */
function channelBlock(truth: Truth, room: Room, appId: string): object {
  if (truth.config.payloadStyle === '2024') return {};
  const id = room.channelId;
  const channel = id === null ? null : { id: wireId(id), name: `Channel ${id}`, source: room.source };
  return { app_code: appId, channel };
}

/** Custom agent allocation: what Qiscus sends while no agent is in the room. */
export function allocationWebhook(truth: Truth, room: Room, appId: string, opensSession: boolean) {
  const candidate = findCandidate(truth, room);
  const finished = truth.config.latestService === 'never' ? null : room.finished;
  return {
    ...channelBlock(truth, room, appId),
    app_id: appId,
    avatar_url: AVATAR,
    candidate_agent: candidate && { ...userV1(candidate, 2), assigned_rules: undefined },
    email: room.userId,
    extras: JSON.stringify({ additional_extras: { timezone_offset: 7 }, notes: null, user_properties: [] }),
    is_new_session: opensSession,
    is_resolved: opensSession && finished !== null,
    latest_service: finished && {
      ...serviceOf(room, finished),
      room_log_id: room.logId,
      app_id: 1,
      notes: finished.notes,
      resolved_at: plainDate(finished.resolvedMs ?? 0),
      first_comment_id: String(finished.firstCommentId),
      last_comment_id: String(finished.lastCommentId),
      first_comment_timestamp: null,
    },
    name: room.name,
    room_id: room.id,
    source: room.source,
  };
}

/** Mark as resolved: names the room, and whoever pressed the button. */
export function resolveWebhook(truth: Truth, room: Room, service: Service, appId: string, by: UserType) {
  const agent = service.agentId === null ? undefined : truth.agents.get(service.agentId);
  const person = by === 3 ? SUPERVISOR : by === 2 && agent ? agent : ADMIN;
  return {
    ...channelBlock(truth, room, appId),
    customer: { additional_info: [], avatar: AVATAR, name: room.name, user_id: room.userId },
    resolved_by: {
      email: `${person.id}@example.com`,
      id: wireId(person.id),
      is_available: person.available,
      name: person.name,
      type: person === ADMIN ? 'admin' : person === SUPERVISOR ? 'supervisor' : 'agent',
    },
    service: {
      first_comment_id: String(service.firstCommentId),
      id: service.id,
      is_resolved: true,
      last_comment_id: String(service.lastCommentId),
      notes: service.notes,
      room_id: room.id,
      source: room.source,
    },
  };
}

/** Qiscus's own pick: online, of the channel, least busy; it knows nothing of our limits. */
function findCandidate(truth: Truth, room: Room): Agent | null {
  let best: Agent | null = null;
  for (const agent of truth.agents.values()) {
    if (!agent.available || agent.forceOffline || !truth.fits(agent, room)) continue;
    if (!best || agent.rooms.size < best.rooms.size) best = agent;
  }
  return best;
}
