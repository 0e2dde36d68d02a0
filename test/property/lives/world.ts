/**
 * The world of one life: a real Redis, a real sandbox behind real HTTP, three processes, and the steps that move them.
 *
 * After each step everything runs on until it can do nothing more by itself; then the next step comes.
 */
import pino from 'pino';
import { requeue } from '../../../src/http/rooms/service';
import type { Webhook } from '../../../src/ledger/model';
import { createQiscusClient } from '../../../src/qiscus/client';
import type { Sandbox } from '../../../src/qiscus/sandbox';
import type { RedisClient } from '../../../src/redis/client';
import { openTestLedger, type TestLedger } from '../../support/ledger';
import { APP_ID, QISCUS_SECRET } from '../../support/service';
import { Air, type Call, type Fare, faultOf } from './air';
import { LIMIT, Process } from './process';
import { AGENTS, PROCESSES, ROOMS, type Step } from './steps';
import { Traffic } from './wire';
import { Witness } from './witness';

const MALFORMED = {
  'no room': ['kind', 'allocation', 'request', 'poison'],
  'no request': ['kind', 'allocation', 'room', 'poison'],
  'another kind': ['kind', 'poison', 'room', 'poison', 'request', 'poison'],
} as const;
/** How long a step takes by itself, ms. */
const STEP_MS = 20;

export interface Stage {
  redis: RedisClient;
  sandbox: Sandbox;
  /** Where the sandbox's webhooks go. */
  post: { letters: Webhook[] };
}

export class World {
  readonly traffic = new Traffic();
  readonly air: Air;
  readonly processes: Map<string, Process>;
  readonly witness: Witness;
  readonly sandbox: Sandbox;
  #requests = 0;
  /** That some customer has written in. */
  readonly #rooms = new Set<string>();

  private constructor(
    stage: Stage,
    /** Looks at the books beside the processes. */
    readonly books: TestLedger,
  ) {
    this.sandbox = stage.sandbox;
    this.witness = new Witness(books, stage.sandbox, this.traffic);
    const login = { appId: APP_ID, secret: QISCUS_SECRET, email: null, password: null };
    const qiscus = createQiscusClient({ baseUrl: stage.sandbox.url, ...login, timeoutMs: 10_000 });
    this.air = new Air(qiscus, this.traffic, (call) => void this.witness.seeCall(call));
    stage.post.letters = this.air.letters;
    const parts = {
      redis: stage.redis,
      keys: books.keys,
      traffic: this.traffic,
      air: this.air,
      worldMs: () => books.clock.ms,
      log: pino({ level: 'silent' }),
      onProblem: (problem: string) => this.witness.problems.push(problem),
    };
    this.processes = new Map(PROCESSES.map((name) => [name, new Process({ ...parts, name })]));
  }

  /** A new world: an app of its own in Redis, three agents online, all processes running. */
  static async open(stage: Stage): Promise<World> {
    stage.sandbox.reset();
    for (const { id } of stage.sandbox.agents.list()) stage.sandbox.agents.remove(id);
    for (const [id, channelIds] of Object.entries(AGENTS)) stage.sandbox.agents.create({ id, channelIds });
    const world = new World(stage, await openTestLedger(stage.redis, LIMIT));
    for (const process of world.processes.values()) process.boot();
    await world.settle();
    world.process('p1').readAgents(false);
    await world.settle();
    return world;
  }

  /** Forgets the world's data. */
  async close(): Promise<void> {
    for (const process of this.processes.values()) if (process.wire.alive) process.wire.cut();
    await this.traffic.idle();
    await this.books.client.del(...Object.values(this.books.keys));
  }

  process(name: string): Process {
    const process = this.processes.get(name);
    if (!process) throw new Error(`no process ${name}`);
    return process;
  }

  /** Until nobody can do anything more without another step. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 3; quiet++) {
      const { begun } = this.traffic;
      for (const process of this.processes.values()) if (process.ringDue()) quiet = 0;
      await new Promise((resolve) => setImmediate(resolve));
      await this.traffic.idle();
      if (this.traffic.begun > begun) quiet = 0;
    }
    this.witness.answered = null;
  }

  async run(step: Step): Promise<void> {
    this.books.clock.ms += STEP_MS;
    await this.#begin(step);
    await this.settle();
  }

  async #begin(step: Step): Promise<void> {
    const { sandbox, books, air } = this;
    const process = 'process' in step ? this.process(step.process) : this.process('p1');
    switch (step.do) {
      case 'write':
        return this.#write(step.room, step.copies);
      case 'resolve':
        if (!this.#isOpen(step.room)) return;
        await sandbox.rooms.resolve(step.room, { copies: step.copies });
        return;
      case 'deliver':
        return this.deliver(step.which, process, step.again);
      case 'lose':
        air.letters.splice(step.which, 1);
        return;
      case 'presence':
        if (this.#isThere(step.agent)) sandbox.agents.change(step.agent, { available: step.online });
        return;
      case 'membership':
        if (step.there === this.#isThere(step.agent)) return;
        if (step.there) sandbox.agents.create({ id: step.agent, channelIds: AGENTS[step.agent] ?? null });
        else sandbox.agents.remove(step.agent);
        return;
      case 'hand':
        return this.#hand(step);
      case 'limit':
        return process.hand((desk) => desk.setMaxCustomers(step.limit));
      case 'patch':
        return process.hand((desk) => desk.patchAgent(step.agent, step));
      case 'operator':
        this.witness.touched.add(step.room);
        return process.hand(async (desk, qiscus) => {
          if (step.verb === 'release') await desk.releaseRoom(step.room);
          else await requeue(desk, qiscus, step.room, step.verb === 'remove and requeue');
        });
      case 'dead letter': {
        const letter = (await books.desk.listDeadLetters())[step.which];
        if (letter?.roomId) this.witness.touched.add(letter.roomId);
        if (!letter) return;
        return process.hand((desk) =>
          step.verb === 'replay' ? desk.replayDeadLetter(letter.id) : desk.deleteDeadLetter(letter.id),
        );
      }
      case 'poison':
        await books.client.xadd(books.keys.inbox, '*', ...MALFORMED[step.malformed]);
        return;
      case 'forget scripts':
        await books.client.script('FLUSH');
        return;
      case 'lose group':
        await books.client.xgroup(
          'DESTROY',
          step.group === 'ledger' ? books.keys.inbox : books.keys.outbox,
          step.group,
        );
        return;
      case 'work':
        return this.work(process);
      case 'apply':
        return process.apply();
      case 'dispatch':
        return process.dispatch();
      case 'call': {
        const call = air.calls[step.which % Math.max(1, air.calls.length)];
        if (call) await this.fare(call, step.fare);
        return;
      }
      case 'late call': {
        const [call] = air.lateCalls.splice(step.which % Math.max(1, air.lateCalls.length), 1);
        if (call && step.arrives) await this.witness.arrive(call);
        return;
      }
      case 'reclaim':
        return process.reclaim();
      case 'clock':
        books.clock.ms += step.ms;
        return process.advanceClock();
      case 'agents':
        return process.readAgents(step.slowly);
      case 'rooms':
        return process.compareRooms(step.slowly);
      case 'trouble':
        if (process.wire.alive) process.wire.trouble = { ...step };
        return;
      case 'kill':
        if (process.wire.alive) process.wire.cut();
        return;
      case 'start':
        return process.boot();
      case 'skew':
        process.skewMs = step.ms;
        return;
    }
  }

  /** A moment in which a process is not disturbed. */
  async work(process: Process): Promise<void> {
    for (const act of [() => process.apply(), () => process.dispatch()]) {
      act();
      await this.settle();
      await this.answerAll(process.name);
    }
  }

  /** Calls of a process (or of all) go well, until none is left. */
  async answerAll(name?: string): Promise<void> {
    const first = () => this.air.calls.find((call) => name === undefined || call.process === name);
    for (let call = first(); call; call = first()) {
      await this.fare(call, 'well');
      await this.settle();
    }
  }

  async #write(roomId: string, copies: number): Promise<void> {
    const { rooms } = this.sandbox;
    if (!this.#isOpen(roomId)) this.witness.touched.delete(roomId);
    const isNew = !this.#isKnown(roomId);
    this.#rooms.add(roomId);
    if (isNew) await rooms.create({ roomId, channelId: ROOMS[roomId] ?? null, copies });
    else await rooms.message(roomId, { copies });
  }

  /** A webhook reaches a process; one that is not acknowledged may be sent again. */
  deliver(which: number, process: Process, again: boolean): void {
    const { letters } = this.air;
    const letter = letters[which % Math.max(1, letters.length)];
    if (!letter) return;
    this.#requests += 1;
    const request = `q${this.#requests}`;
    process.submit(letter, request, () => {
      this.witness.acknowledged.set(request, letter);
      if (!again) letters.splice(letters.indexOf(letter), 1);
    });
  }

  #hand({ room, agent, verb }: Extract<Step, { do: 'hand' }>): void {
    const { rooms, agents } = this.sandbox;
    if (!this.#isThere(agent) || !this.#isOpen(room)) return;
    const inside = agents.read(agent).rooms.includes(room);
    if (inside === (verb === 'assign')) return;
    rooms[verb === 'assign' ? 'assign' : 'remove'](room, agent);
    this.witness.touched.add(room);
  }

  /** A call under way goes on as `fare` says. */
  async fare(call: Call, fare: Fare): Promise<void> {
    if (fare === 'timed out, and may still arrive') return call.giveUp(true);
    if (fare === 'never sent') return call.giveUp(false);
    if (!call.arrived) {
      const fault = faultOf(fare, call);
      if (fault) this.sandbox.faults.add(fault);
      await this.witness.arrive(call);
      this.sandbox.faults.clear();
    }
    if (fare === 'done, and nobody heard of it yet') return;
    this.witness.answered = call;
    call.answer();
  }

  #isKnown(roomId: string): boolean {
    return this.#rooms.has(roomId);
  }

  #isOpen(roomId: string): boolean {
    return this.#isKnown(roomId) && !this.sandbox.rooms.read(roomId).resolved;
  }

  #isThere(agentId: string): boolean {
    return this.sandbox.agents.list().some(({ id }) => id === agentId);
  }
}
