/**
 * People for the sandbox: customers who open chats, agents who finish them and take breaks, and a Qiscus that is not perfect.
 *
 * 1. Chats begin at random around a rate that swells to a rush and ebbs, all drawn from one seed. A customer who waits
 *    writes again; who was served comes back, three in ten at once.
 * 2. An agent finishes a chat after a while. Now and then one goes on a break, never more than a third of them.
 * 3. Webhooks come twice, late, after newer ones, or not at all; calls fail, hang, or are applied without an answer.
 * 4. Everything goes through the hands of the control API, as at Qiscus; nothing here knows the service.
 *
 * `run` ends by itself, in time and in number, and leaves chats open; `rest` finishes them all. Both end by the signal.
 */
import type { AgentState, Told } from './control';
import type { WebhookKind } from './delivery';
import { faultsOf, type Plan } from './plan';
import { createRandom } from './random';
import type { ChangeAgent, CreateRoom, Fault, Message, Resolve } from './settings';

type Awaitable<T> = T | Promise<T>;

/** What people do at Qiscus: the control object of a sandbox has these, or a caller of its HTTP API. */
export interface Hands {
  rooms: {
    create(input: CreateRoom): Promise<Told>;
    message(roomId: string, input: Message): Promise<Told>;
    resolve(roomId: string, input: Resolve): Promise<Told>;
  };
  agents: { list(): Awaitable<AgentState[]>; change(agentId: string, change: ChangeAgent): Awaitable<unknown> };
  faults: { add(...orders: Fault[]): Awaitable<void>; clear(): Awaitable<void> };
}

interface Chat {
  /** When its agent finishes it; null: nobody has it yet. */
  endsMs: number | null;
  /** When its customer writes again, unless somebody has it by then. */
  writesMs: number;
}

/** What went out and what came of it. */
export interface TrafficCounts {
  /** Chats: by new customers, by returning ones, those that found all customers busy; and how they went on. */
  opened: number;
  returned: number;
  turnedAway: number;
  finished: number;
  writtenAgain: number;
  breaks: number;
  /** Webhooks that Qiscus sent twice, late, or never. */
  twice: number;
  late: number;
  lost: number;
  /** Answers to webhooks by HTTP status; `none`: no answer. */
  replies: Record<string, number>;
  /** Requests that the sandbox refused: somebody else moved the same room. */
  refused: number;
}

/** A webhook that was never sent. */
export interface Loss {
  kind: WebhookKind;
  roomId: string;
  /** ms since the epoch. */
  atMs: number;
}

const TICK_MS = 10;
const LOOK_EVERY_MS = 50;
const BACK_AT_ONCE = 0.3;
const MOST_AWAY = 1 / 3;

export class Traffic {
  readonly counts: TrafficCounts = {
    opened: 0,
    returned: 0,
    turnedAway: 0,
    finished: 0,
    writtenAgain: 0,
    breaks: 0,
    twice: 0,
    late: 0,
    lost: 0,
    replies: {},
    refused: 0,
  };
  /** Those of `counts.lost`, oldest first. */
  readonly losses: Loss[] = [];
  readonly #hands: Hands;
  readonly #plan: Plan;
  readonly #answered: (kind: WebhookKind, tookMs: number) => void;
  readonly #random: () => number;
  /** Rooms of another run may still be there. */
  readonly #name = crypto.randomUUID().slice(0, 8);
  readonly #open = new Map<string, Chat>();
  /** Served customers by their rooms, in the order in which they were served. */
  readonly #served: string[] = [];
  readonly #away = new Map<string, number>();
  readonly #underWay = new Set<Promise<void>>();
  #begunMs = 0;
  #lookMs = 0;

  /** @param answered hears how long a webhook took that went out at once, once or twice, ms */
  constructor(hands: Hands, plan: Plan, answered: (kind: WebhookKind, tookMs: number) => void = () => {}) {
    this.#hands = hands;
    this.#plan = plan;
    this.#answered = answered;
    this.#random = createRandom(plan.seed);
  }

  /** Rooms with a chat that is not finished, and how many of those nobody has. */
  open(): { chats: number; unserved: number } {
    const unserved = [...this.#open.values()].filter(({ endsMs }) => endsMs === null).length;
    return { chats: this.#open.size, unserved };
  }

  /** One line for people. */
  progress(): string {
    const { chats, unserved } = this.open();
    const { opened, returned, finished, lost, late } = this.counts;
    const minutes = ((performance.now() - this.#begunMs) / 60_000).toFixed(1);
    return `${minutes} min: ${opened + returned} chats begun, ${finished} finished, ${chats} open, ${unserved} of them unserved; webhooks: ${lost} lost, ${late} late`;
  }

  /** Plays the plan. Ends with faults cleared, everybody back from their breaks, and every webhook answered. */
  async run(stop?: AbortSignal): Promise<void> {
    const { forMs, chats, breaks } = this.#plan;
    await this.#hands.faults.add(...faultsOf(this.#plan));
    this.#begunMs = performance.now();
    const endMs = this.#begunMs + forMs / this.#plan.speed;
    let nextMs = this.#begunMs;
    let breakMs = this.#begunMs + this.#draw(breaks.everyMs);
    for (let nowMs = nextMs; nowMs < endMs && !stop?.aborted; nowMs = performance.now()) {
      for (; nextMs <= nowMs; nextMs += this.#gapMs()) {
        if (this.counts.opened + this.counts.returned < chats && this.#comesAt(nextMs)) this.#begin(nowMs);
      }
      for (; breakMs <= nowMs; breakMs += this.#draw(breaks.everyMs)) await this.#sendAway(nowMs);
      await this.#bringBack(nowMs);
      await this.#goOn(nowMs);
      await Bun.sleep(TICK_MS);
    }
    await this.#bringBack(Number.POSITIVE_INFINITY);
    await this.#hands.faults.clear();
    await this.#answers();
  }

  /** Every chat that is open is served and finished, as fast as agents get them; then every webhook is answered. */
  async rest(stop?: AbortSignal): Promise<void> {
    while (this.#open.size > 0 && !stop?.aborted) {
      const nowMs = performance.now();
      for (const chat of this.#open.values()) if (chat.endsMs !== null) chat.endsMs = Math.min(chat.endsMs, nowMs);
      await this.#goOn(nowMs);
      await Bun.sleep(TICK_MS);
    }
    await this.#answers();
  }

  /** Exponential with this mean, in our ms. */
  #draw(meanMs: number): number {
    return (-Math.log(1 - this.#random()) * meanMs) / this.#plan.speed;
  }

  /** To the next moment in which a chat would begin if it were always as busy as in the rush. */
  #gapMs(): number {
    const { rate, rush } = this.#plan;
    return this.#draw(1_000 / (rate * (1 + rush.swell)));
  }

  /** Is this such a moment at the rate of this time? The period begins and ends at the ebb. */
  #comesAt(atMs: number): boolean {
    const { everyMs, swell } = this.#plan.rush;
    const turn = ((atMs - this.#begunMs) * this.#plan.speed) / everyMs;
    return this.#random() < (1 - swell * Math.cos(2 * Math.PI * turn)) / (1 + swell);
  }

  #begin(nowMs: number): void {
    const { customers, channels } = this.#plan;
    const chat = { endsMs: null, writesMs: nowMs + this.#draw(this.#plan.patienceMs) };
    if (this.counts.opened < customers && this.#random() >= (this.#served.length > 0 ? BACK_AT_ONCE : 0)) {
      const roomId = `${this.#name}-${this.counts.opened}`;
      const channelId = channels[Math.floor(this.#random() * channels.length)] ?? null;
      this.counts.opened++;
      this.#open.set(roomId, chat);
      this.#send('agent_allocation', roomId, (how) => this.#hands.rooms.create({ roomId, channelId, ...how }));
      return;
    }
    const roomId = this.#random() < BACK_AT_ONCE ? this.#served.pop() : this.#served.shift();
    if (roomId === undefined) {
      this.counts.turnedAway++;
      return;
    }
    this.counts.returned++;
    this.#open.set(roomId, chat);
    this.#send('agent_allocation', roomId, (how) => this.#hands.rooms.message(roomId, how));
  }

  async #goOn(nowMs: number): Promise<void> {
    if (nowMs >= this.#lookMs) {
      this.#lookMs = nowMs + LOOK_EVERY_MS;
      await this.#look(nowMs);
    }
    for (const [roomId, chat] of this.#open) {
      if (chat.endsMs !== null && nowMs >= chat.endsMs) {
        this.#open.delete(roomId);
        this.#served.push(roomId);
        this.counts.finished++;
        this.#send('mark_as_resolved', roomId, (how) => this.#hands.rooms.resolve(roomId, how));
      } else if (chat.endsMs === null && nowMs >= chat.writesMs) {
        chat.writesMs = nowMs + this.#draw(this.#plan.patienceMs);
        this.counts.writtenAgain++;
        this.#send('agent_allocation', roomId, (how) => this.#hands.rooms.message(roomId, how));
      }
    }
  }

  /** Who has got a chat since the last look? */
  async #look(nowMs: number): Promise<void> {
    for (const agent of await this.#hands.agents.list()) {
      for (const roomId of agent.rooms) {
        const chat = this.#open.get(roomId);
        if (chat && chat.endsMs === null) chat.endsMs = nowMs + this.#draw(this.#plan.chatMs);
      }
    }
  }

  async #sendAway(nowMs: number): Promise<void> {
    const agents = await this.#hands.agents.list();
    const there = agents.filter(({ id, available }) => available && !this.#away.has(id));
    const goes = there[Math.floor(this.#random() * there.length)];
    if (!goes || this.#away.size + 1 > agents.length * MOST_AWAY) return;
    this.#away.set(goes.id, nowMs + this.#draw(this.#plan.breaks.lastMs));
    this.counts.breaks++;
    await this.#hands.agents.change(goes.id, { available: false });
  }

  async #bringBack(nowMs: number): Promise<void> {
    for (const [id, backMs] of this.#away) {
      if (nowMs < backMs) continue;
      this.#away.delete(id);
      await this.#hands.agents.change(id, { available: true });
    }
  }

  /** One webhook's way: lost, late, twice (at once or with a gap), or as it should be. */
  #send(kind: WebhookKind, roomId: string, act: (how: Message) => Promise<Told>): void {
    const { twice, late, lateMs, lost } = this.#plan.webhooks;
    const dice = this.#random();
    const slowMs = Math.ceil(this.#draw(lateMs));
    let how: Message = { copies: 1 };
    if (dice < lost) how = { copies: 0 };
    else if (dice < lost + late) how = { copies: 1, delayMs: slowMs };
    else if (dice < lost + late + twice) how = { copies: 2, spreadMs: this.#random() < 0.5 ? 0 : slowMs };
    if (how.copies === 0) {
      this.counts.lost++;
      this.losses.push({ kind, roomId, atMs: Date.now() });
    }
    if (how.copies === 2) this.counts.twice++;
    if (how.delayMs) this.counts.late++;
    const begunMs = performance.now();
    const sent = act(how)
      .then(({ deliveries }) => {
        for (const { status } of deliveries) {
          const key = String(status ?? 'none');
          this.counts.replies[key] = (this.counts.replies[key] ?? 0) + 1;
        }
        if (deliveries.length > 0 && !how.delayMs && !how.spreadMs) this.#answered(kind, performance.now() - begunMs);
      })
      .catch(() => {
        this.counts.refused++;
        this.#open.delete(roomId);
      })
      .finally(() => this.#underWay.delete(sent));
    this.#underWay.add(sent);
  }

  async #answers(): Promise<void> {
    await Promise.all(this.#underWay);
  }
}
