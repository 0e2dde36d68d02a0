/**
 * An office for the benchmark: a real ledger in keys of its own, and a simulation of it that knows which room each resolve
 * will bring to whom.
 *
 * Every agent is full and rooms wait. Half of the entries put a room in line, the other half are resolves that each free a
 * slot for a room in line: the full work of a decision, with outbox and journal on. Nothing is dispatched.
 */
import { Redis } from 'ioredis';
import { ROSTER_PART, type RosterEntry } from '../../src/ledger/comparison';
import { Ledger } from '../../src/ledger/index';
import type { Webhook } from '../../src/ledger/model';
import type { RedisClient } from '../../src/redis/client';
import '../../src/redis/tracing';
import { type Keys, keysOf } from '../../src/redis/keys';
import { Scripts } from '../../src/redis/scripts';
import { ensureGroups } from '../../src/streams/groups';
import { entryOf } from '../support/entry';

export interface Layout {
  channels: string[];
  /** Agents with the same channels are one division to the ledger. */
  servedBy: (agent: number) => string[];
}

const FEW = ['101', '102', '103'];
/** Three channels; agents serve every mix of them: 7 divisions. */
export const FEW_CHANNELS: Layout = {
  channels: FEW,
  servedBy: (agent) => FEW.filter((_, bit) => ((agent % 7) + 1) & (1 << bit)),
};

const MANY = Array.from({ length: 1_000 }, (_, nth) => String(1_001 + nth));
/** 1,000 channels, and 1,000 divisions that serve two of them each. */
export const MANY_CHANNELS: Layout = {
  channels: MANY,
  servedBy: (agent) => [MANY[agent % 1_000] ?? '', MANY[(agent * 7 + 13) % 1_000] ?? ''].sort(),
};

/** A connection as the service has one, but without its limits of time: here a busy machine is only slow. */
export async function patientClient(port: number): Promise<Redis> {
  const client = new Redis({ port, host: '127.0.0.1', protocol: 2, lazyConnect: true });
  await client.connect();
  return client;
}

export const placed = (roomId: string, channelId: string): Webhook => ({
  kind: 'allocation',
  roomId,
  channelId,
  source: 'wa',
  customerName: 'Harpi',
  finishedService: 0,
});
export const resolved = (roomId: string): Webhook => ({
  kind: 'resolved',
  roomId,
  finishedService: 115_830_865,
  claimedAgentId: null,
});

export class Office {
  readonly keys: Keys;
  readonly ledger: Ledger;
  readonly #client: RedisClient;
  readonly #layout: Layout;
  readonly #lines: Map<string, { room: string; order: number }[]>;
  readonly #held: { room: string; agent: number }[] = [];
  #rooms = 0;

  constructor(client: RedisClient, name: string, layout = FEW_CHANNELS) {
    this.#layout = layout;
    this.#lines = new Map(layout.channels.map((channel) => [channel, []]));
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
      return {
        id,
        name: id,
        presence: 'online',
        channels: this.#layout.servedBy(agent).join(','),
        customerCount: null,
      };
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

  /** Puts `count` more rooms in line; returns rooms per second, the appending not counted. */
  async queue(count: number): Promise<number> {
    await this.#append(Array.from({ length: count }, () => this.#place()));
    return this.applyAll();
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
    const { channels } = this.#layout;
    const channel = channels[this.#rooms % channels.length] ?? '';
    this.#lines.get(channel)?.push({ room, order: this.#rooms });
    return placed(room, channel);
  }

  /** Resolves the room that is held longest by somebody for whom a room waits. */
  #resolve(): Webhook {
    for (;;) {
      const freed = this.#held.shift();
      if (!freed) throw new Error('nobody holds a room');
      const lines = this.#layout.servedBy(freed.agent).map((channel) => this.#lines.get(channel) ?? []);
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

export async function appendTogether(client: RedisClient, key: string, entries: string[][]): Promise<void> {
  const pipeline = client.pipeline();
  for (const entry of entries) pipeline.xadd(key, '*', ...entry);
  await pipeline.exec();
}
