/**
 * The service's API as the page calls it.
 *
 * 1. Every call is typed by what it answers; ids are opaque text, times are ISO, as on the wire.
 * 2. What is not a success becomes `Refused`: its code is the API's own (src/errors.ts), `UNREACHABLE`, or `TIMED_OUT`.
 * 3. Every reply's Date tells how far the service's clock is ahead of ours.
 * The browser sends the credentials with which the page was opened.
 */
import type { AlertCode } from '../../../ledger/verdicts';

/** One agent, as GET /agents tells it. */
export interface Agent {
  id: string;
  name: string;
  online: boolean;
  paused: boolean;
  /** reserved + assigned + outside. */
  load: number;
  reserved: number;
  assigned: number;
  outside: number;
  outside_known: boolean;
  limit: number;
  /** The agent's own limit; null: the default. */
  max_customers: number | null;
  /** null: every channel. */
  channels: string[] | null;
  /** When it last got a room; null: not yet. */
  last_assigned_at: string | null;
}

/** One room in line. */
export interface Waiting {
  room_id: string;
  /** Over all channels, from 1. */
  position: number;
  place: string;
  channel_id: string | null;
  since: string;
}

export interface QueuePage {
  total: number;
  rooms: Waiting[];
  /** `after` of the next page; null at the end. */
  next: string | null;
}

/** One journal record. `fields` is text as the journal keeps it. */
export interface JournalRecord {
  id: string;
  event: string;
  at: string;
  fields: Record<string, string>;
}

/** GET /health/ready, ready or not. */
export interface Ready {
  /** When it was read: ages are as of then; the service's time, ms since the epoch. */
  atMs: number;
  status: 'success' | 'error';
  sandbox: boolean;
  dry_run?: boolean;
  failing?: string[];
  warnings?: string[];
  alerts?: { code: AlertCode; since: string; count: number; room_id?: string; room_since?: string }[];
  details?: {
    failing?: string[];
    waiting?: number;
    oldest_waiting_ms?: number;
    parked?: number;
    roster_age_ms?: number | null;
    inbox_length?: number;
    outbox_length?: number;
    qiscus?: string;
  };
}

/** A call that did not do what was asked. `told` is the service's own sentence, in English. */
export class Refused extends Error {
  constructor(
    readonly code: string,
    readonly told: string,
  ) {
    super(`${code}: ${told}`);
  }
}

/** How far the service's clock is ahead of this machine's, as last told. */
let aheadMs = 0;

/** The service's time, milliseconds since the epoch: within a second or so. */
export const serviceNowMs = (): number => Date.now() + aheadMs;

const API = '/api/v1';
/** Nobody looks at a page for longer that does not say what it is at. */
const READ_LIMIT_MS = 10_000;
/** A hand may wait for Qiscus. */
const HAND_LIMIT_MS = 60_000;

/** Calls `path` below /api/v1. @throws Refused */
export async function call<T>(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, body?: object): Promise<T> {
  const write = method !== 'GET' && {
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body ?? {}),
  };
  const { reply, told } = await ask(API + path, { method, ...write }, write ? HAND_LIMIT_MS : READ_LIMIT_MS);
  if (!reply.ok) throw refusal(told);
  return told as T;
}

/** A path's segment. */
export const segment = encodeURIComponent;

export const readAgents = async (): Promise<Agent[]> => (await call<{ agents: Agent[] }>('GET', '/agents')).agents;

/** A page of the line. @param limit 1 to 500 */
export const readQueue = (after: string | null, limit: number): Promise<QueuePage> =>
  call('GET', `/queue?limit=${limit}${after === null ? '' : `&after=${segment(after)}`}`);

export const readDefaultLimit = async (): Promise<number> =>
  (await call<{ max_customers: number }>('GET', '/settings/max_customers')).max_customers;

/** The app that the page is about; null when the service does not say. */
export async function readAppId(): Promise<string | null> {
  return (await call<{ named: string | null }>('GET', '/apps')).named;
}

/** A page of the journal, oldest first, after a record. */
export const readJournal = (after: string, limit: number): Promise<{ records: JournalRecord[]; next: string | null }> =>
  call('GET', `/journal?after=${after}&limit=${limit}`);

/** What the service says of itself; not being ready is an answer too. @throws Refused */
export async function readReady(): Promise<Ready> {
  const { reply, told } = await ask('/health/ready', {}, READ_LIMIT_MS);
  if (!reply.ok && reply.status !== 503) throw refusal(told);
  return { ...(told as Ready), atMs: serviceNowMs() };
}

/** Opens the stream of events after a record. @throws Refused */
export async function openEvents(
  after: string | null,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
  const headers: HeadersInit = after === null ? {} : { 'last-event-id': after };
  const reply = await reach(`${API}/events`, { headers, signal });
  if (!reply.ok || reply.body === null) throw refusal(await reply.json().catch(() => null));
  return reply.body;
}

async function ask(url: string, init: RequestInit, limitMs: number): Promise<{ reply: Response; told: unknown }> {
  const signal = AbortSignal.timeout(limitMs);
  const reply = await reach(url, { ...init, signal });
  const told: unknown = await reply.json().catch(() => null);
  if (told === null) throw silence(signal);
  return { reply, told };
}

async function reach(url: string, init: RequestInit & { signal: AbortSignal }): Promise<Response> {
  const reply = await fetch(url, init).catch(() => {
    throw silence(init.signal);
  });
  const date = Date.parse(reply.headers.get('date') ?? '');
  // It is cut to the second: half of one is the best guess.
  if (!Number.isNaN(date)) aheadMs = date + 500 - Date.now();
  return reply;
}

/** Why there is no answer: it did not come in time, or not at all. */
const silence = ({ aborted }: AbortSignal) =>
  aborted
    ? new Refused('TIMED_OUT', 'The service took too long to answer.')
    : new Refused('UNREACHABLE', 'The service does not answer.');

/** The service's error envelope as an error. */
function refusal(told: unknown): Refused {
  const { code = 'INTERNAL', message = '' } = (told ?? {}) as { code?: string; message?: string };
  return new Refused(code, message);
}
