/**
 * All that one app has in Redis, read in one atomic step, so that it may be read while work goes on.
 * The records are decoded by position, a second time on purpose: the checker must not believe the ledger's own readers.
 */

import type { JournalRecord } from '../../src/ledger/model';
import { journalRecord } from '../../src/ledger/readings';
import type { RedisClient } from '../../src/redis/client';
import type { Keys } from '../../src/redis/keys';
import { fieldsOf, list, number, text } from '../../src/redis/reply';
import type { Reply } from '../../src/redis/scripts';

export interface BookRoom {
  state: string;
  since: number;
  /** Newest service known to be finished, and the one before this session; base -1: unknown. */
  mark: number;
  base: number;
  place: string;
  channel: string;
  agent: string;
  token: number;
  call: string;
  confirmed: number;
  /** Not in line (waiting) or without a call (reserved) until then; 0: not delayed. */
  due: number;
  refusals: number;
  unknowns: number;
  takeovers: number;
  asked: number;
  asked_by: string;
}

export interface BookAgent {
  online: number;
  paused: number;
  /** Its own limit; -1: the default. */
  limit: number;
  outside: number;
  /** ms of its last confirmed assignment. */
  last: number;
  /** '*': all; else ids joined by commas. */
  channels: string;
}

export interface Entry {
  id: string;
  fields: Record<string, string>;
}

export interface Stream {
  entries: Entry[];
  /** Ids that were delivered and not acknowledged. */
  pending: string[];
  /** Entries ever added. */
  added: number;
}

export interface Books {
  limit: number;
  meta: Record<string, string>;
  rooms: Map<string, BookRoom>;
  agents: Map<string, BookAgent>;
  /** What each agent's record says it holds. */
  counts: Map<string, { reserved: number; assigned: number }>;
  /** Members of the sorted sets, cut at NUL. */
  line: string[][];
  heads: string[][];
  held: string[][];
  ready: string[][];
  later: Map<string, number>;
  parked: Set<string>;
  ended: Set<string>;
  dead: Set<string>;
  inbox: Stream;
  outbox: Stream;
  journal: JournalRecord[];
  /** The journal still has its first record. */
  whole: boolean;
}

export const NO_ROOM: BookRoom = {
  ...{ state: '', since: 0, mark: 0, base: -1, place: '', channel: '', agent: '', token: 0, call: '', confirmed: 0 },
  ...{ due: 0, refusals: 0, unknowns: 0, takeovers: 0, asked: 0, asked_by: '' },
};
export const NO_AGENT: BookAgent = { online: 0, paused: 0, limit: -1, outside: 0, last: 0, channels: '' };

const ROOM = (
  'id state since place channel last source name base mark refusals agent token call unknowns takeovers confirmed asked ' +
  'asked_by'
).split(' ');
const AGENT = 'id name group channels limit online paused misses reserved assigned outside last seen counted'.split(
  ' ',
);

const NOUNS = 'rooms agents meta line heads held ready later parked ended dead inbox outbox journal'.split(' ');
const SCRIPT = `#!lua flags=no-writes
local function records(key)
  local found, all = {}, redis.call('HGETALL', key)
  for i = 1, #all, 2 do
    local record = cmsgpack.unpack(all[i + 1])
    record[1] = all[i]
    found[#found + 1] = record
  end
  return found
end
local function added(key)
  local info = redis.pcall('XINFO', 'STREAM', key)
  for i = 1, #info, 2 do if info[i] == 'entries-added' then return info[i + 1] end end
  return 0
end
local function stream(key, group)
  local found = {}
  local pending = group and redis.pcall('XPENDING', key, group, '-', '+', 1000000) or {}
  for i, one in ipairs(pending) do found[i] = one[1] end
  return { redis.call('XRANGE', key, '-', '+'), found, added(key) }
end
local out = { records(KEYS[1]), records(KEYS[2]), redis.call('HGETALL', KEYS[3]) }
for i = 4, 7 do out[i] = redis.call('ZRANGE', KEYS[i], 0, -1) end
for i = 8, 10 do out[i] = redis.call('ZRANGE', KEYS[i], 0, -1, 'WITHSCORES') end
out[11] = redis.call('HKEYS', KEYS[11])
out[12], out[13], out[14] = stream(KEYS[12], 'ledger'), stream(KEYS[13], 'dispatch'), stream(KEYS[14])
return out`;

/** What a packed record says of these fields; those left out have their blanks. */
function unpacked<T extends object>(packed: Reply[], names: string[], blank: T): T {
  const given = names.flatMap((name, at) => {
    const value = packed[at];
    return at > 0 && name in blank && value !== undefined && value !== null ? [[name, value] as const] : [];
  });
  return { ...blank, ...Object.fromEntries(given) };
}

const members = (value: Reply | undefined) => list(value).map((member) => text(member).split('\0'));

function stream(value: Reply | undefined): Stream {
  const [entries, pending, added] = list(value);
  return {
    entries: list(entries).map((entry) => {
      const [id, fields] = list(entry);
      return { id: text(id), fields: fieldsOf(fields) };
    }),
    pending: list(pending).map(text),
    added: number(added),
  };
}

/** Reads everything of one app. Cost: all of it, so for tests only. */
export async function readBooks(client: RedisClient, keys: Keys): Promise<Books> {
  const names = NOUNS.map((noun) => keys[noun as keyof Keys]);
  const out = (await client.eval(SCRIPT, names.length, ...names)) as Reply[];
  const packed = (at: number) => list(out[at]).map(list);
  const meta = fieldsOf(out[2]);
  const scored = (at: number) => fieldsOf(out[at]);
  const later = new Map(Object.entries(scored(7)).map(([id, ms]) => [id, Number(ms)]));
  const records = stream(out[13]);
  const at = (name: string) => AGENT.indexOf(name);
  return {
    meta,
    later,
    limit: Number(meta.max_customers ?? meta.initial_max_customers ?? 0),
    rooms: new Map(
      packed(0).map((raw) => {
        const id = text(raw[0]);
        return [id, { ...unpacked(raw, ROOM, NO_ROOM), due: later.get(id) ?? 0 }];
      }),
    ),
    agents: new Map(packed(1).map((raw) => [text(raw[0]), unpacked(raw, AGENT, { ...NO_AGENT, channels: '*' })])),
    counts: new Map(
      packed(1).map((raw) => [
        text(raw[0]),
        { reserved: number(raw[at('reserved')] ?? 0), assigned: number(raw[at('assigned')] ?? 0) },
      ]),
    ),
    line: members(out[3]),
    heads: members(out[4]),
    held: members(out[5]),
    ready: members(out[6]),
    parked: new Set(Object.keys(scored(8))),
    ended: new Set(Object.keys(scored(9))),
    dead: new Set(list(out[10]).map(text)),
    inbox: stream(out[11]),
    outbox: stream(out[12]),
    journal: records.entries.map(({ id, fields }) => journalRecord(id, fields)),
    whole: records.added === records.entries.length,
  };
}
