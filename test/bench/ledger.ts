/**
 * How fast the ledger decides, against Redis appending the same webhooks and doing nothing else.
 *
 * 1. Every agent is full and rooms wait. Half of the entries put a room in line, the other half are resolves that each
 *    free a slot for a room in line: the full work of a decision, with outbox and journal on. Nothing is dispatched.
 * 2. The inbox is filled beforehand; only `takeEntries`, 64 at a time, is on the clock.
 * 3. The same with other numbers of agents and of waiting rooms, each in keys of its own, in alternating rounds.
 */
import { Ledger, ROSTER_PART, type RosterEntry } from '../../src/ledger/index';
import type { Webhook } from '../../src/ledger/model';
import { close, connect, type RedisClient } from '../../src/redis/client';
import { type Keys, keysOf } from '../../src/redis/keys';
import { Scripts } from '../../src/redis/scripts';
import { ensureGroups } from '../../src/streams/groups';
import { entryOf } from '../../src/streams/inbox';
import { startTestRedis } from '../support/redis';
import { alternate, type Figure, median, ratioOf } from './measure';

/** Agents serve every mix of these: 7 groups. */
const CHANNELS = ['101', '102', '103'];
const PIPELINE = 16;

const servedBy = (agent: number) => CHANNELS.filter((_, bit) => ((agent % 7) + 1) & (1 << bit));

const placed = (roomId: string, channelId: string): Webhook => ({
  kind: 'allocation',
  roomId,
  channelId,
  source: 'wa',
  customerName: 'Harpi',
  finishedService: 0,
});
const resolved = (roomId: string): Webhook => ({
  kind: 'resolved',
  roomId,
  finishedService: 115_830_865,
  claimedAgentId: null,
});

/** A ledger in keys of its own, and a simulation of it that knows which room each resolve will bring to whom. */
export class Office {
  readonly keys: Keys;
  readonly ledger: Ledger;
  readonly #client: RedisClient;
  readonly #lines = new Map<string, { room: string; order: number }[]>(CHANNELS.map((channel) => [channel, []]));
  readonly #held: { room: string; agent: number }[] = [];
  #rooms = 0;

  constructor(client: RedisClient, name: string) {
    this.#client = client;
    this.keys = keysOf(`bench-${name}`);
    this.ledger = new Ledger(new Scripts(client, this.keys), Date.now);
  }

  /** Fills the office: every agent at the limit of 1, then `waiting` rooms in line. */
  async open(agents: number, waiting: number): Promise<void> {
    await ensureGroups(this.#client, this.keys);
    await this.ledger.setInitialLimit(1);
    const roster = Array.from({ length: agents }, (_, agent): RosterEntry => {
      const id = `agent-${agent}`;
      return { id, name: id, presence: 'online', channels: servedBy(agent).join(','), customerCount: null };
    });
    for (let at = 0; at < agents; at += ROSTER_PART) {
      const reading = { begunMs: Date.now(), endedMs: Date.now(), lagMs: 10_000, last: at + ROSTER_PART >= agents };
      await this.ledger.applyRoster(roster.slice(at, at + ROSTER_PART), reading);
    }
    // A room without a channel fits everybody, so that all get one.
    await this.#append(Array.from({ length: agents }, () => ({ ...placed(this.#newRoom(), ''), channelId: null })));
    await this.applyAll();
    for (const member of await this.#client.zrange(this.keys.held, '0', '-1')) {
      const [agent = '', room = ''] = member.split('\0');
      this.#held.push({ room, agent: Number(agent.slice('agent-'.length)) });
    }
    if (this.#held.length !== agents) throw new Error(`${this.#held.length} of ${agents} agents are full`);
    await this.queue(waiting);
    await this.clear();
  }

  /** Puts `count` more rooms in line. */
  async queue(count: number): Promise<void> {
    await this.#append(Array.from({ length: count }, () => this.#place()));
    await this.applyAll();
  }

  /** Appends `count` webhooks: a new room and a resolve in turn. */
  async fill(count: number): Promise<void> {
    const webhooks: Webhook[] = [];
    while (webhooks.length < count) webhooks.push(this.#place(), this.#resolve());
    await this.#append(webhooks);
  }

  /** Applies the inbox; returns entries per second. */
  async applyAll(): Promise<number> {
    const startMs = performance.now();
    for (let applied = 0; ; ) {
      const taken = await this.ledger.takeEntries('new');
      if (taken.kind === 'pending') throw new Error('an entry is pending');
      if (taken.kind === 'more') continue;
      applied += taken.count;
      if (taken.count === 0) return (applied * 1_000) / (performance.now() - startMs);
    }
  }

  /** Every resolve brought a room from the line to an agent, or this was not the measurement that it claims to be. */
  async check(): Promise<void> {
    const held = new Set(await this.#client.zrange(this.keys.held, '0', '-1'));
    const wrong = this.#held.filter(({ room, agent }) => !held.has(`agent-${agent}\0${room}`)).length;
    if (wrong > 0 || held.size !== this.#held.length) throw new Error(`${wrong} rooms are not where they should be`);
  }

  /** Outbox and journal grow for want of readers. */
  async clear(): Promise<void> {
    await this.#client.xtrim(this.keys.outbox, 'MAXLEN', 0);
    await this.#client.xtrim(this.keys.journal, 'MAXLEN', 0);
  }

  #newRoom(): string {
    this.#rooms += 1;
    return String(274_000_000 + this.#rooms);
  }

  #place(): Webhook {
    const room = this.#newRoom();
    const channel = CHANNELS[this.#rooms % CHANNELS.length] ?? '';
    this.#lines.get(channel)?.push({ room, order: this.#rooms });
    return placed(room, channel);
  }

  /** Resolves the room that is held longest by somebody for whom a room waits. */
  #resolve(): Webhook {
    for (;;) {
      const freed = this.#held.shift();
      if (!freed) throw new Error('nobody holds a room');
      const lines = servedBy(freed.agent).map((channel) => this.#lines.get(channel) ?? []);
      const line = lines.reduce((a, b) => ((b[0]?.order ?? Infinity) < (a[0]?.order ?? Infinity) ? b : a));
      const next = line.shift();
      this.#held.push({ room: next?.room ?? freed.room, agent: freed.agent });
      if (next) return resolved(freed.room);
    }
  }

  async #append(webhooks: Webhook[]): Promise<void> {
    const fields = webhooks.map((webhook, nth) => entryOf(webhook, `Zm9vYmFyYmF6.${nth.toString(36)}`));
    for (let at = 0; at < fields.length; at += 500)
      await appendTogether(this.#client, this.keys.inbox, fields.slice(at, at + 500));
  }
}

async function appendTogether(client: RedisClient, key: string, entries: string[][]): Promise<void> {
  const pipeline = client.pipeline();
  for (const entry of entries) pipeline.xadd(key, '*', ...entry);
  await pipeline.exec();
}

/** The baseline: the same webhooks appended, 16 to a pipeline; entries per second. */
async function appendPlain(client: RedisClient, count: number): Promise<number> {
  const key = keysOf('bench-plain').inbox;
  const entries = Array.from({ length: count }, (_, nth) =>
    entryOf(
      nth % 2 ? resolved(String(274_000_000 + nth)) : placed(String(274_000_000 + nth), '101'),
      `Zm9vYmFyYmF6.${nth}`,
    ),
  );
  const startMs = performance.now();
  for (let at = 0; at < count; at += PIPELINE) await appendTogether(client, key, entries.slice(at, at + PIPELINE));
  const rate = (count * 1_000) / (performance.now() - startMs);
  await client.del(key);
  return rate;
}

export async function measureLedger(quick: boolean): Promise<Figure[]> {
  const many = quick ? 10_000 : 100_000;
  const entries = quick ? 6_400 : 12_800;
  const redis = await startTestRedis({ settings: { 'auto-aof-rewrite-percentage': '0' } });
  const client = await connect(redis.url, 'command');
  try {
    const office = async (name: string, agents: number, waiting: number) => {
      const made = new Office(client, name);
      await made.open(agents, waiting);
      return async () => {
        await made.fill(entries);
        const rate = await made.applyAll();
        await made.check();
        await made.clear();
        return rate;
      };
    };
    const sides = {
      plain: () => appendPlain(client, entries * 4),
      usual: await office('usual', 1_000, 1_000),
      fewAgents: await office('few-agents', 10, 1_000),
      manyAgents: await office('many-agents', many, 1_000),
      noLine: await office('no-line', 1_000, 0),
      longLine: await office('long-line', 1_000, many),
    };
    await alternate(1, sides); // warm up
    const rates = await alternate(quick ? 3 : 5, sides);
    const usual = median(rates.usual);
    const scale = (
      what: string,
      side: 'fewAgents' | 'manyAgents' | 'noLine' | 'longLine',
      against: number[],
      note: string,
    ): Figure => ({
      suite: 'ledger',
      what,
      measured: median(rates[side]),
      baseline: median(against),
      unit: 'entries/s',
      ratio: ratioOf(rates[side], against),
      target: { atLeast: 1 / 1.3 },
      note,
    });
    return [
      {
        suite: 'ledger',
        what: 'decisions, against plain XADD',
        measured: usual,
        baseline: median(rates.plain),
        unit: 'entries/s',
        ratio: ratioOf(rates.usual, rates.plain),
        target: { atLeast: 1 / 20 },
        note: '1,000 agents, 3 channels, 1,000 waiting; half placements, half releases with a match',
      },
      scale(`${many.toLocaleString('en')} agents, against 10`, 'manyAgents', rates.fewAgents, '1,000 waiting'),
      scale(`${many.toLocaleString('en')} waiting, against 0`, 'longLine', rates.noLine, '1,000 agents'),
    ];
  } finally {
    close(client);
    await redis.stop();
  }
}
