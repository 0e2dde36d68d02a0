/**
 * Reads Qiscus's answers: the schemas of what we rely on, and nothing else of them gets past this file.
 *
 * 1. Ids come as number or text and leave as text; fields that we do not use are not looked at (Qiscus adds some).
 * 2. Error texts come in several envelopes, also under HTTP 200 and as HTML; all are searched the same way.
 * 3. A reason never repeats an answer: answers hold keys and tokens of agents and of the app.
 */
import { type Static, type TSchema, Type } from '@sinclair/typebox';
import { TypeCompiler } from '@sinclair/typebox/compiler';
import type { Reply } from './call';
import type { AssignOutcome, QiscusFailure, RosterAgent } from './model';

const Id = Type.Union([Type.String({ minLength: 1 }), Type.Integer()]);
const Missing = Type.Union([Type.Null(), Type.Undefined()]);
const Cursor = Type.Union([Type.String(), Type.Number(), Missing]);

const AgentRow = Type.Object({
  id: Id,
  name: Type.Optional(Type.Unknown()),
  is_available: Type.Optional(Type.Unknown()),
  force_offline: Type.Optional(Type.Unknown()),
  type: Type.Optional(Type.Unknown()),
  type_as_string: Type.Optional(Type.Unknown()),
  // Strict on purpose: an unreadable list of channels must not turn into "every channel".
  user_channels: Type.Optional(Type.Union([Type.Array(Type.Object({ id: Id })), Missing])),
  current_customer_count: Type.Optional(Type.Unknown()),
});

const PageMeta = Type.Object({
  after: Type.Optional(Cursor),
  cursor_after: Type.Optional(Cursor),
  // An odd count is as none: it must not cost us the list.
  total_page: Type.Optional(Type.Unknown()),
  total_count: Type.Optional(Type.Unknown()),
  total: Type.Optional(Type.Unknown()),
});

export type AgentRow = Static<typeof AgentRow>;
export type PageMeta = Static<typeof PageMeta>;

/** Decodes a JSON text against a schema; null when it is no JSON or has another shape. */
function decoder<T extends TSchema>(schema: T): (text: string | null) => Static<T> | null {
  const compiled = TypeCompiler.Compile(schema);
  return (text) => {
    const value = parse(text);
    return compiled.Check(value) ? value : null;
  };
}

export const decodeAssigned = decoder(Type.Object({ data: Type.Object({ added_agent: Type.Object({ id: Id }) }) }));
export const decodeAgents = decoder(
  Type.Object({
    data: Type.Object({ agents: Type.Array(AgentRow) }),
    meta: Type.Optional(Type.Union([PageMeta, Missing])),
  }),
);
export const decodeRoom = decoder(
  Type.Object({
    data: Type.Object({ customer_room: Type.Object({ room_id: Type.Optional(Id), is_resolved: Type.Boolean() }) }),
  }),
);
export const decodeRooms = decoder(
  Type.Object({
    data: Type.Object({
      customer_rooms: Type.Array(
        Type.Object({
          room_id: Id,
          channel_id: Type.Optional(Type.Unknown()),
          source: Type.Optional(Type.Unknown()),
          name: Type.Optional(Type.Unknown()),
          is_resolved: Type.Optional(Type.Unknown()),
          last_comment_timestamp: Type.Optional(Type.Unknown()),
        }),
      ),
    }),
    meta: Type.Optional(Type.Union([Type.Object({ cursor_after: Type.Optional(Cursor) }), Missing])),
  }),
);
export const decodeRemoved = decoder(Type.Object({ data: Type.Unknown() }));
export const decodeToken = decoder(
  Type.Object({ data: Type.Object({ user: Type.Object({ authentication_token: Type.String({ minLength: 1 }) }) }) }),
);
/** The part of the login's answer that tells which webhooks are registered. Old answers lack the last three. */
export const decodeRegistered = decoder(
  Type.Object({
    data: Type.Object({
      user: Type.Object({
        app: Type.Object({
          mark_as_resolved_webhook_url: Type.Union([Type.String(), Missing]),
          is_mark_as_resolved_webhook_enabled: Type.Union([Type.Boolean(), Missing]),
          allocate_agent_webhook_url: Type.Optional(Type.Unknown()),
          is_allocate_agent_webhook_enabled: Type.Optional(Type.Unknown()),
          is_agent_allocation_enabled: Type.Optional(Type.Unknown()),
        }),
      }),
    }),
  }),
);
export const decodeWebhook = decoder(
  Type.Object({
    data: Type.Object({
      mark_as_resolved_webhook_url: Type.String({ minLength: 1 }),
      is_mark_as_resolved_webhook_enabled: Type.Boolean(),
    }),
  }),
);

/** Decides what one `assign_agent` call did, by status and text. */
export function classifyAssign(reply: Reply, agentId: string): AssignOutcome {
  const { status, text } = reply;
  const unknown = (reason: string): AssignOutcome => ({ kind: 'unknown', sent: true, reason });
  if (status === 429) return { kind: 'slowed', retryAfterMs: reply.retryAfterMs };
  if (status === 408 || status === 425 || status >= 500 || status < 200) return unknown(`status ${status}`);
  if (status >= 300 && status < 400) return unknown('redirected');
  const added = status < 300 ? decodeAssigned(text) : null;
  if (added) {
    const ours = String(added.data.added_agent.id) === agentId;
    return ours ? { kind: 'assigned' } : unknown('answer names another agent');
  }
  const words = readErrorText(text).toLowerCase();
  if (words.includes('already resolved')) return { kind: 'resolved' };
  if (words.includes('exceed max agent')) return { kind: 'occupied' };
  if (isDenied(status)) return { kind: 'denied', status };
  if (status < 300 || text === null) return unknown('unreadable answer');
  return { kind: 'refused', status };
}

/** The failure behind a reply that was not the success that the caller hoped for. */
export function classifyFailure(reply: Reply): QiscusFailure {
  if (isDenied(reply.status)) return { kind: 'denied', status: reply.status };
  if (reply.status === 429) return { kind: 'slowed', retryAfterMs: reply.retryAfterMs };
  return { kind: 'failed', reason: isSuccess(reply.status) ? 'unreadable answer' : `status ${reply.status}` };
}

export const isSuccess = (status: number): boolean => status >= 200 && status < 300;
const isDenied = (status: number): boolean => status === 401 || status === 402 || status === 403;

/** The error words of an answer: from `errors` / `error` / `message` at the top of a JSON answer, else the whole text. */
export function readErrorText(text: string | null): string {
  const value = parse(text);
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return text ?? '';
  return Object.entries(value)
    .filter(([key]) => key === 'errors' || key === 'error' || key === 'message')
    .map(([, words]) => (typeof words === 'string' ? words : JSON.stringify(words)))
    .join('\n');
}

/** One row of the agent list as the roster needs it; null for an admin or a supervisor. */
export function toRosterAgent(row: AgentRow): RosterAgent | null {
  const isAgent = row.type == null || String(row.type) === '2';
  const isNamedAgent = row.type_as_string == null || row.type_as_string === 'agent';
  if (!isAgent || !isNamedAgent) return null;
  return {
    id: String(row.id),
    name: typeof row.name === 'string' ? row.name : String(row.id),
    online: row.is_available === true && !row.force_offline,
    channelIds: row.user_channels?.map((channel) => String(channel.id)) ?? null,
    customerCount: toCount(row.current_customer_count),
  };
}

/** A count, which some answers write as a text; null when it is none. */
export function toCount(value: unknown): number | null {
  const count = typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : value;
  return typeof count === 'number' && Number.isSafeInteger(count) && count >= 0 ? count : null;
}

function parse(text: string | null): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}
