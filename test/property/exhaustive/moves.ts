/** Everything that can happen next in a world, each as one move: at most one step of the ledger, and what becomes of the rest. */
import { afterReading, answerOf, decide } from '../../../src/dispatch/policy';
import type { AssignOutcome } from '../../../src/qiscus/model';
import { type Books, isSettled, isTimed } from './books';
import type { Step, StepAnswer } from './ledger';
import { assign, type CallShape, type QiscusRoom } from './qiscus';
import * as steps from './steps';
import {
  type Bounds,
  BUDGETS,
  type Budget,
  type Call,
  type FaultKind,
  type Finding,
  intern,
  type Request,
  type World,
} from './world';

export interface Move {
  /** For the path that is printed. */
  label: string;
  step: Step | null;
  /** The world after it, but for the ledger's own part. */
  after: World;
}

const JITTER = 0.5;

/** What the ledger's step did to the names that a world uses. */
export function follow(world: World, answer: StepAnswer): World {
  const token = (room: number, rank: number) => answer.tokens[room]?.[rank] ?? -1;
  const calls = world.calls.map((call) => ({
    ...call,
    entry: answer.entries[call.entry] ?? -1,
    token: token(call.room, call.token),
  }));
  const taken = answer.intents.map(
    (intent): Call => ({ ...intent, phase: intent.kind === 'question' ? 'asking' : 'calling', told: null }),
  );
  const wire = world.wire.map((request) => ({ ...request, token: token(request.room, request.token) }));
  const findings = world.findings.map((finding) => ({ ...finding, token: token(finding.room, finding.token) }));
  return { ...world, books: answer.state, calls: [...calls, ...taken], wire, findings };
}

/** Lists moves of one world after another. */
export class Moves {
  readonly #bounds: Bounds;
  readonly #shape: CallShape;
  readonly #agents: string[];
  #world!: World;
  #books!: Books;
  #found: Move[] = [];

  constructor(bounds: Bounds, shape: CallShape, agents: string[]) {
    this.#bounds = bounds;
    this.#shape = shape;
    this.#agents = agents;
  }

  of(world: World, books: Books): Move[] {
    this.#world = world;
    this.#books = books;
    this.#found = [];
    for (let room = 0; room < world.rooms.length; room++) this.#people(room);
    this.#webhooks();
    this.#ledgerAlone();
    for (let i = 0; i < world.calls.length; i++) this.#call(i);
    for (let i = 0; i < world.wire.length; i++) this.#lateRequest(i);
    if (this.#bounds.reconcile) this.#reconcile();
    return this.#found;
  }

  #add(label: string, change: Partial<World>, step: Step | null = null, spends?: Budget): void {
    const after = { ...this.#world, ...change };
    if (spends) after.left = after.left.map((n, i) => (BUDGETS[i] === spends ? n - 1 : n));
    this.#found.push({ label, step, after });
  }

  #has(budget: Budget): boolean {
    return (this.#world.left[BUDGETS.indexOf(budget)] ?? 0) > 0;
  }

  #withRoom(room: number, changed: QiscusRoom): QiscusRoom[] {
    return this.#world.rooms.with(room, changed);
  }

  /** Customers and agents. */
  #people(room: number): void {
    const { rooms, air } = this.#world;
    const at = rooms[room] as QiscusRoom;
    const name = `room ${room + 1}`;
    if (!at.open && at.finished < this.#bounds.episodes) {
      const written = { kind: 'allocation', room, service: at.finished } as const;
      this.#add(`${name}: the customer writes`, {
        rooms: this.#withRoom(room, { ...at, open: true }),
        air: [...air, written],
      });
    }
    if (!at.open) return;
    if (at.agents !== '') {
      const finished = at.finished + 1;
      this.#add(`${name}: ${at.agents} resolves it`, {
        rooms: this.#withRoom(room, { open: false, finished, agents: '', stray: false }),
        air: [...air, { kind: 'resolved', room, service: finished }],
      });
      return;
    }
    const isOnItsWay = air.some((hook) => hook.kind === 'allocation' && hook.room === room);
    if (!isOnItsWay && this.#has('duplicates')) {
      const again = { kind: 'allocation', room, service: at.finished } as const;
      this.#add(`${name}: the customer writes again`, { air: [...air, again] }, null, 'duplicates');
    }
    if (this.#has('hands')) {
      for (const agents of ['h', ...this.#agents]) {
        const taken = this.#withRoom(room, { ...at, agents, stray: true });
        this.#add(`${name}: a person gives it to ${agents}`, { rooms: taken }, null, 'hands');
      }
    }
  }

  #webhooks(): void {
    const { air } = this.#world;
    for (let i = 0; i < air.length; i++) {
      const hook = air[i];
      if (!hook) continue;
      const name = `webhook ${hook.kind} of room ${hook.room + 1} (service ${hook.service})`;
      const rest = air.toSpliced(i, 1);
      const step = this.#bounds.inbox ? steps.append(hook) : steps.arrive(hook);
      this.#add(`${name} arrives`, { air: rest }, step);
      if (this.#has('duplicates')) this.#add(`${name} arrives, and will again`, {}, step, 'duplicates');
      if (this.#has('lost')) this.#add(`${name} is lost`, { air: rest }, null, 'lost');
    }
  }

  /** Workers and the leader's clock; what an operator does. */
  #ledgerAlone(): void {
    const { raw, entries, nowMs, due } = this.#books;
    const { calls } = this.#world;
    if (raw.inbox.length > 0) this.#add('a worker takes one entry', {}, steps.apply(1));
    if (raw.inbox.length > 1) this.#add('a worker takes all entries', {}, steps.apply(64));
    if (calls.length < this.#bounds.dispatchers && entries.some((entry) => !entry.pending)) {
      this.#add('a dispatcher takes an intent', {}, steps.take);
    }
    if (raw.drain === 1 || [...due.values()].some((ms) => ms <= nowMs)) {
      this.#add('the leader does what is due', {}, steps.tick);
    }
    // Dispatchers look every second: a minute does not pass again and again while one intent after another lies untaken.
    const untaken = entries.filter((entry) => !entry.pending);
    const isLeft = new Set(untaken.map((entry) => entry.room)).size < untaken.length;
    if (isTimed(this.#books) && !isLeft) this.#add('time passes', {}, steps.pass);
    entries.forEach((entry, index) => {
      if (!entry.pending) return;
      const isHeld = calls.some((call) => call.entry === index);
      const label = `the intent of room ${entry.room + 1} is taken over${isHeld ? ' from a living dispatcher' : ''}`;
      if (!isHeld || this.#has('takeovers')) {
        this.#add(label, {}, steps.reclaim(index), isHeld ? 'takeovers' : undefined);
      }
    });
    if (this.#has('regroups') && entries.some((entry) => entry.pending)) {
      this.#add('the outbox loses its group', {}, steps.regroup, 'regroups');
    }
    if (this.#has('pauses')) {
      for (const agent of this.#agents) {
        const paused = raw.agents[agent]?.paused === 1 ? 0 : 1;
        this.#add(`${agent} is ${paused ? 'paused' : 'unpaused'}`, {}, steps.pause(agent, paused), 'pauses');
      }
    }
  }

  /** One call in hand: what Qiscus does with it, what goes wrong, what is reported. */
  #call(index: number): void {
    const { calls, wire } = this.#world;
    const call = calls[index];
    if (!call) return;
    const name = `the ${call.kind === 'assign' ? 'call' : 'question'} room ${call.room + 1} → ${call.agent}`;
    const rest = calls.toSpliced(index, 1);
    const become = (change: Partial<Call>) => ({ calls: calls.with(index, { ...call, ...change }) });
    const kinds = this.#has('faults') ? this.#bounds.kinds : [];
    if (call.phase === 'telling') {
      const step = steps.report(call);
      this.#add(`${name}: reported (${tellingOf(call)})`, { calls: rest }, step);
      if (kinds.includes('unheard'))
        this.#add(`${name}: reported, reply lost (${tellingOf(call)})`, {}, step, 'faults');
    } else if (call.phase === 'calling') {
      this.#calling(call, name, become, kinds);
    } else {
      this.#add(`${name}: the room is read`, become(this.#read(call, false)));
      if (kinds.includes('dropped')) {
        this.#add(`${name}: the room cannot be read`, become(this.#read(call, true)), null, 'faults');
      }
    }
    if (!this.#has('crashes')) return;
    this.#add(`${name}: its dispatcher dies`, { calls: rest }, null, 'crashes');
    if (call.phase === 'calling') {
      const sent = { calls: rest, wire: [...wire, requestOf(call)] };
      this.#add(`${name}: its dispatcher dies, the request is under way`, sent, null, 'crashes');
    }
  }

  #read(call: Call, failed: boolean): Partial<Call> {
    const resolved = !this.#world.rooms[call.room]?.open;
    if (call.phase === 'asking') {
      return resolved && !failed ? told(call, { kind: 'resolved' }) : { phase: 'calling' };
    }
    const reason = call.told?.as === 'assign' && call.told.action.do === 'read' ? call.told.action.reason : '';
    const reading = failed ? ({ kind: 'failed', reason } as const) : ({ kind: 'room', resolved } as const);
    const action = afterReading(reading, reason, call.refusals);
    return { phase: 'telling', told: intern({ as: 'assign', action }) };
  }

  #calling(call: Call, name: string, become: (change: Partial<Call>) => Partial<World>, kinds: FaultKind[]): void {
    const { wire } = this.#world;
    const { room, outcome } = this.#arrives(call);
    const rooms = this.#withRoom(call.room, room);
    this.#add(`${name}: Qiscus says ${outcome.kind}`, { rooms, ...become(told(call, outcome)) });
    const lost: AssignOutcome = { kind: 'unknown', sent: true, reason: 'no answer' };
    for (const kind of kinds) {
      const fail = (what: string, as: AssignOutcome, change: Partial<World> = {}) =>
        this.#add(`${name}: ${what}`, { ...change, ...become(told(call, as)) }, null, 'faults');
      if (kind === 'silent') fail('done, no answer', lost, { rooms });
      if (kind === 'dropped') fail('never arrives, no answer', lost);
      if (kind === 'late') fail('no answer, still under way', lost, { wire: [...wire, requestOf(call)] });
      if (kind === 'unsent') fail('no connection', { ...lost, sent: false });
      if (kind === 'refused') fail('Qiscus says 404', { kind: 'refused', status: 404 });
      if (kind === 'slowed') fail('Qiscus says 429', { kind: 'slowed', retryAfterMs: null });
      if (kind === 'denied') fail('Qiscus says 401', { kind: 'denied', status: 401 });
    }
  }

  #lateRequest(index: number): void {
    const { wire } = this.#world;
    const request = wire[index];
    if (!request) return;
    const { room, outcome } = this.#arrives(request);
    const label = `a late request room ${request.room + 1} → ${request.agent} arrives: ${outcome.kind}`;
    this.#add(label, { rooms: this.#withRoom(request.room, room), wire: wire.toSpliced(index, 1) });
  }

  /** It is ours when the reservation that it was made for holds, and our books know of every service that ended there. */
  #arrives({ room, agent, token }: Request) {
    const at = this.#world.rooms[room] as QiscusRoom;
    const record = this.#books.rooms[room];
    const isLive = record?.agent === agent && this.#books.tokens[room]?.[token] === record.token;
    return assign(at, agent, isLive && record.mark === at.finished, this.#shape);
  }

  #reconcile(): void {
    const { findings, rooms } = this.#world;
    findings.forEach((finding, i) => {
      const rest = { findings: findings.toSpliced(i, 1) };
      const name = `the sweep: ${finding.verb} room ${finding.room + 1}`;
      // It reads the room first, and repairs only what is resolved.
      if (finding.verb === 'repair' && rooms[finding.room]?.open) this.#add(`${name}: it is open`, rest);
      else this.#add(name, rest, steps.act(finding));
    });
    if (findings.length === 0) this.#add('the rooms are compared', sweep(this.#world, this.#books));
  }
}

/** What one comparison shows and finds (src/reconcile/rooms.ts). */
export function sweep(world: World, books: Books): Pick<World, 'unserved' | 'findings'> {
  const unserved = world.rooms.map((room) => room.open && room.agents === '');
  const findings = world.rooms.flatMap((at, room): Finding[] => {
    const record = books.rooms[room];
    const twice = unserved[room] && world.unserved[room];
    const token = (books.tokens[room] ?? []).indexOf(record?.token ?? 0);
    if (twice && (!record || record.state === 'resolved')) return [{ verb: 'adopt', room, token: -1 }];
    if (record?.state !== 'assigned' || !isSettled(books, room)) return [];
    if (twice) return [{ verb: 'question', room, token }];
    return at.open ? [] : [{ verb: 'repair', room, token }];
  });
  return { unserved, findings };
}

const requestOf = ({ room, agent, token }: Call): Request => ({ room, agent, token });

function told(call: Call, outcome: AssignOutcome): Partial<Call> {
  if (call.kind === 'question') {
    return {
      phase: 'telling',
      told: intern({ as: 'question', ...answerOf(outcome, { kind: 'room', resolved: false }) }),
    };
  }
  const action = decide(outcome, { ...call, id: '', roomId: '', agentId: call.agent }, JITTER);
  return { phase: action.do === 'read' ? 'reading' : 'telling', told: intern({ as: 'assign', action }) };
}

function tellingOf({ told: is }: Call): string {
  if (!is) return '';
  return is.as === 'question' ? is.answer : is.action.do;
}
