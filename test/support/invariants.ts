/**
 * The invariant checker: reads the whole state of one app and names every broken promise, by its number in the design.
 *
 * 1. Acknowledged rooms are never lost.   2. We never fill an agent above its limit (judged decision by decision).
 * 3. One holder at most, never in line and held.   4. Counts equal holders.   5. First come, first served.
 * 6. Nobody waits while an eligible agent has capacity.   7. One journal record each; a replay gives the books.
 * 8. When all is quiet our books are Qiscus's.   Beside them `intent` (each reservation has one call to come), `pending`
 * and `token` (what fences late calls).
 *
 * `brokenInvariants` and `brokenInBooks` hold between any two steps, `brokenWhenQuiet` is all of it.
 */
import type { AgentView, RoomView } from '../../src/ledger/model';
import type { SandboxState } from '../../src/qiscus/sandbox/control';
import { connect, type RedisClient } from '../../src/redis/client';
import type { Keys } from '../../src/redis/keys';
import { type Books, readBooks } from './books';
import { differencesFrom } from './differences';
import type { TestLedger } from './ledger';
import { beginnings, replay } from './replay';
import { until } from './wait';

export interface Snapshot {
  rooms: Map<string, RoomView>;
  agents: Map<string, AgentView>;
  line: { channel: string; place: string; room: string }[];
  heads: string[];
  held: { agent: string; room: string }[];
  later: string[];
  parked: string[];
  ready: string[];
}

/** Reads everything; call it while nothing else runs. */
export async function readSnapshot({
  client,
  keys,
  desk,
}: Pick<TestLedger, 'client' | 'keys' | 'desk'>): Promise<Snapshot> {
  const ids = await client.hkeys(keys.rooms);
  const views = await Promise.all(ids.map((id) => desk.readRoom(id)));
  const split = (members: string[]) => members.map((member) => member.split('\0'));
  return {
    rooms: new Map(views.flatMap((view) => (view ? [[view.roomId, view] as const] : []))),
    agents: new Map((await desk.listAgents()).map((agent) => [agent.id, agent])),
    line: split(await client.zrange(keys.line, '0', '-1')).map(([channel = '', place = '', room = '']) => ({
      channel,
      place,
      room,
    })),
    heads: await client.zrange(keys.heads, '0', '-1'),
    held: split(await client.zrange(keys.held, '0', '-1')).map(([agent = '', room = '']) => ({ agent, room })),
    later: await client.zrange(keys.later, '0', '-1'),
    parked: await client.zrange(keys.parked, '0', '-1'),
    ready: await client.zrange(keys.ready, '0', '-1'),
  };
}

/** What of a snapshot the checker looks at. */
interface Seen extends Omit<Snapshot, 'rooms' | 'agents'> {
  rooms: ReadonlyMap<string, { state: string; agentId: string | null }>;
  agents: ReadonlyMap<string, Omit<AgentView, 'name' | 'outsideKnown' | 'maxCustomers' | 'lastAssignedMs'>>;
}

/** The same of the books: one reading, where `readSnapshot` asks for every room. */
function seenIn(books: Books): Seen {
  const rooms = [...books.rooms].map(([id, { state, agent }]) => [id, { state, agentId: agent || null }] as const);
  const agents = [...books.agents].map(([id, agent]) => {
    const { reserved, assigned } = books.counts.get(id) ?? { reserved: 0, assigned: 0 };
    const { outside } = agent;
    const limit = agent.limit >= 0 ? agent.limit : books.limit;
    const channels = agent.channels === '*' ? null : agent.channels.split(',').filter(Boolean);
    const presence = { online: agent.online === 1, paused: agent.paused === 1 };
    const counts = { reserved, assigned, outside, load: reserved + assigned + outside };
    return [id, { id, ...presence, ...counts, limit, channels }] as const;
  });
  return {
    rooms: new Map(rooms),
    agents: new Map(agents),
    line: books.line.map(([channel = '', place = '', room = '']) => ({ channel, place, room })),
    heads: books.heads.map((member) => member.join('\0')),
    held: books.held.map(([agent = '', room = '']) => ({ agent, room })),
    later: [...books.later.keys()],
    parked: [...books.parked],
    ready: books.ready.map((member) => member.join('\0')),
  };
}

/** Every broken invariant by name; empty when all hold. @param acknowledged rooms whose allocation was applied */
export function brokenInvariants(now: Seen, acknowledged: Iterable<string>): string[] {
  const broken: string[] = [];
  for (const room of acknowledged) if (!now.rooms.has(room)) broken.push(`1 lost: ${room}`);

  const inLine = new Set(now.line.map(({ room }) => room));
  const later = new Set(now.later);
  const parked = new Set(now.parked);
  const holders = Map.groupBy(now.held, ({ room }) => room);
  for (const [id, room] of now.rooms) {
    const holding = holders.get(id) ?? [];
    const isHeld = room.state === 'reserved' || room.state === 'assigned';
    if (holding.length > 1) broken.push(`3 two holders: ${id}`);
    if (isHeld !== (holding.length === 1) || (isHeld && holding[0]?.agent !== room.agentId))
      broken.push(`3 holder: ${id}`);
    if (isHeld && inLine.has(id)) broken.push(`3 in line and held: ${id}`);
    if ((room.state === 'waiting') !== (inLine.has(id) || (later.has(id) && !isHeld))) broken.push(`3 line: ${id}`);
    if ((room.state === 'parked') !== parked.has(id)) broken.push(`3 parked: ${id}`);
  }
  const holdings = Map.groupBy(now.held, ({ agent }) => agent);
  for (const agent of now.agents.values()) {
    const rooms = (holdings.get(agent.id) ?? []).map((item) => now.rooms.get(item.room)?.state);
    const reserved = rooms.filter((state) => state === 'reserved').length;
    const assigned = rooms.filter((state) => state === 'assigned').length;
    if (agent.reserved !== reserved || agent.assigned !== assigned) broken.push(`4 count: ${agent.id}`);
    if (agent.load < 0 || agent.outside < 0) broken.push(`4 negative: ${agent.id}`);
    const shown = now.ready.filter((member) =>
      member.endsWith(`\0${String(agent.id.length).padStart(3, '0')}${agent.id}`),
    );
    if (shown.length !== (agent.online && !agent.paused ? 1 : 0)) broken.push(`4 ready: ${agent.id}`);
    if (shown[0] && Number(shown[0].split('\0')[1]) !== agent.load) broken.push(`4 ready load: ${agent.id}`);
  }

  const byChannel = Map.groupBy(now.line, ({ channel }) => channel);
  const heads = [...byChannel].map(([channel, rooms]) => `${rooms[0]?.place}\0${channel}`).sort();
  if (heads.join() !== [...now.heads].sort().join()) broken.push('5 heads differ from the lines');
  for (const [channel, rooms] of byChannel) {
    const places = rooms.map(({ place }) => place);
    if (places.join() !== [...places].sort().join()) broken.push(`5 order: ${channel}`);
    const idle = [...now.agents.values()].find((agent) => isEligible(agent, channel));
    if (idle) broken.push(`6 waits while ${idle.id} has capacity: channel ${channel || 'none'}`);
  }
  return broken;
}

/** The eligibility rule, written a second time on purpose: the checker must not believe the ledger. */
export function isEligible(
  agent: Omit<AgentView, 'name' | 'outsideKnown' | 'maxCustomers' | 'lastAssignedMs'>,
  channel: string,
): boolean {
  const fits = channel === '' || agent.channels === null || agent.channels.includes(channel);
  return agent.online && !agent.paused && fits && agent.load < agent.limit;
}

/** What the books alone show at any moment between two scripts: calls, pending entries, tokens, counters, records. */
export function brokenInBooks(books: Books): string[] {
  const broken: string[] = [];
  const intents = Map.groupBy(books.outbox.entries, ({ fields }) => fields.room ?? '');
  let newest = 0;
  for (const [id, room] of books.rooms) {
    newest = Math.max(newest, room.token);
    const calls = intents.get(id)?.filter(({ fields }) => fields.token === String(room.token) && !fields.kind) ?? [];
    const due = books.later.has(id);
    if (room.state === 'reserved' && calls.length + (due ? 1 : 0) !== 1)
      broken.push(`intent: reserved ${id} has ${calls.length} calls to come${due ? ' and is due' : ''}`);
    if (due && room.state !== 'reserved' && room.state !== 'waiting') broken.push(`intent: ${room.state} ${id} is due`);
    if ((room.state === 'resolved') !== books.ended.has(id)) broken.push(`3 ended: ${id}`);
    if (room.token > 0 !== (room.agent !== '')) broken.push(`token: ${id} has ${room.token}`);
  }
  for (const id of [...books.later.keys(), ...books.parked, ...books.ended])
    if (!books.rooms.has(id)) broken.push(`3 listed, yet unknown: ${id}`);
  if (newest > Number(books.meta.token ?? 0)) broken.push(`token: ${newest} was never given`);
  for (const noun of ['inbox', 'outbox'] as const) {
    const there = new Set(books[noun].entries.map(({ id }) => id));
    for (const id of books[noun].pending) if (!there.has(id)) broken.push(`pending: ${noun} ${id} is gone`);
  }
  const agents = [...books.agents.values()];
  const away = {
    offline: agents.filter(({ online }) => online === 0).length,
    paused: agents.filter(({ online, paused }) => online === 1 && paused === 1).length,
  };
  for (const [name, count] of Object.entries(away))
    if (Number(books.meta[`agents_${name}`] ?? 0) !== count) broken.push(`4 counter: ${name}`);

  const answered = books.journal.flatMap(({ fields }) => (fields.entry ? [fields.entry] : []));
  const known = new Set(answered);
  if (known.size !== answered.length) broken.push('7 an entry has two records');
  for (const { id } of books.inbox.entries)
    if (known.has(id)) broken.push(`7 entry ${id} has a record and is still there`);
  if (books.whole && books.inbox.added !== known.size + books.inbox.entries.length)
    broken.push(`7 ${books.inbox.added} entries, ${known.size} records, ${books.inbox.entries.length} to come`);
  return broken;
}

/** Replays the journal, whole and from its newest snapshot: every decision was right, and the end is what the books say. */
export function brokenInReplay(books: Books): string[] {
  const from = beginnings(books.journal, books.whole);
  const chosen = from[0] === null ? [null, ...from.slice(1).slice(-1)] : from.slice(-1);
  if (chosen.length === 0) return ['7 the journal cannot be replayed: it was trimmed, and holds no snapshot'];
  return chosen.flatMap((first) => {
    const replayed = replay(books.journal, first);
    return [...replayed.problems, ...differencesFrom(books, replayed)];
  });
}

/** In what our books differ from Qiscus's truth. */
export function differencesFromQiscus(
  books: Books,
  truth: Pick<SandboxState, 'rooms' | 'agents' | 'violations'>,
): string[] {
  const broken = truth.violations.map(({ kind, roomId, agentId }) => `2 at Qiscus: ${kind} ${roomId} ${agentId}`);
  const atQiscus = new Map(truth.rooms.map((room) => [room.id, room]));
  for (const [id, room] of books.rooms) {
    const theirs = atQiscus.get(id);
    if (room.state === 'assigned' && (theirs?.resolved || !theirs?.agents.includes(room.agent)))
      broken.push(
        `8 ${id}: ours ${room.agent}, theirs ${theirs?.resolved ? 'resolved' : (theirs?.agents ?? 'unknown')}`,
      );
    if (room.state === 'reserved') broken.push(`8 ${id} is still reserved`);
  }
  for (const { id, resolved, agents } of truth.rooms) {
    const ours = books.rooms.get(id)?.state ?? 'unknown';
    if (!resolved && agents.length === 0 && !['waiting', 'parked'].includes(ours))
      broken.push(`8 ${id}: nobody serves it, ours ${ours}`);
  }
  for (const { id, count } of truth.agents) {
    const agent = books.agents.get(id);
    const held = books.counts.get(id)?.assigned ?? 0;
    if (agent && held + agent.outside !== count)
      broken.push(`8 ${id}: ours ${held} + ${agent.outside}, theirs ${count}`);
  }
  return broken;
}

/**
 * Every broken invariant, 1 to 8 and what fences late calls; call it while nothing else runs.
 * @param truth what Qiscus has (`sandbox.state()`), once all is done: nothing in the inbox, no call to come; null: not asked
 * @param acknowledged rooms whose allocation was answered with 2xx
 */
export async function brokenWhenQuiet(
  client: RedisClient,
  keys: Keys,
  truth: Pick<SandboxState, 'rooms' | 'agents' | 'violations'> | null,
  acknowledged: Iterable<string>,
): Promise<string[]> {
  const books = await readBooks(client, keys);
  const toCome = new Set(books.inbox.entries.map(({ fields }) => fields.room));
  const known = [...acknowledged].filter((id) => !toCome.has(id));
  const broken = [...brokenInvariants(seenIn(books), known), ...brokenInBooks(books), ...brokenInReplay(books)];
  if (truth === null) return broken;
  for (const noun of ['inbox', 'outbox'] as const)
    if (books[noun].entries.length > 0) broken.push(`8 not quiet: ${books[noun].entries.length} in the ${noun}`);
  return [...broken, ...differencesFromQiscus(books, truth)];
}

/**
 * The same on a connection of its own, asked again for up to 10 s until our books have come to agree with Qiscus's.
 * @param explained differences that may stay, because the test is about them
 */
export async function brokenAtLast(
  redisUrl: string,
  keys: Keys,
  truth: () => Pick<SandboxState, 'rooms' | 'agents' | 'violations'>,
  acknowledged: Iterable<string>,
  explained: readonly string[] = [],
): Promise<string[]> {
  const client = await connect(redisUrl, 'command');
  const known = [...acknowledged];
  let found: string[] = [];
  const look = async () => {
    found = await brokenWhenQuiet(client, keys, truth(), known);
    found = found.filter((words) => !explained.includes(words));
    return found.length === 0;
  };
  await until(look, { what: 'our books and Qiscus agree', withinMs: 10_000 }).catch(() => undefined);
  client.disconnect();
  return found;
}
