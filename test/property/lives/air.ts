/**
 * What is between Qiscus and the processes, and arrives when the life says so.
 *
 * 1. Calls of Qiscus by real HTTP through the real client: held before they are sent, and again before their answer is seen.
 *    A call whose caller gave up, or died, may still arrive.
 * 2. Webhooks, as the sandbox really sends them: delivered in any order, any number of times, late, or never.
 */
import { decodeAllocation, decodeResolved } from '../../../src/http/webhook/decode';
import type { Webhook } from '../../../src/ledger/model';
import type { Qiscus } from '../../../src/qiscus/model';
import type { Sandbox } from '../../../src/qiscus/sandbox';
import type { Fault } from '../../../src/qiscus/sandbox/settings';
import type { Traffic } from './wire';

/** How a call fares. All but the last three are what Qiscus really answers. */
export const FARES = [
  'well',
  '500',
  '500, but done',
  'cut, but done',
  'garbage, but done',
  '429',
  '401',
  'called full',
  'done, and nobody heard of it yet',
  'timed out, and may still arrive',
  'never sent',
] as const;
export type Fare = (typeof FARES)[number];

const FAULTS: Partial<Record<Fare, Pick<Fault, 'effect' | 'status' | 'retryAfter' | 'body'>>> = {
  '500': { effect: 'status', status: 500 },
  '500, but done': { effect: 'apply_then_500' },
  'cut, but done': { effect: 'apply_then_truncate' },
  'garbage, but done': { effect: 'apply_then_garbage' },
  '429': { effect: 'status', status: 429, retryAfter: 20 },
  '401': { effect: 'status', status: 401 },
  'called full': {
    effect: 'status',
    status: 400,
    body: { errors: { message: 'Cant join room, exceed max agents' } },
  },
};

export interface Call {
  readonly method: 'assignAgent' | 'readRoom' | 'list';
  readonly roomId: string;
  readonly agentId: string;
  /** Whose call it is; of a dead process nobody hears the answer. */
  readonly process: string;
  arrived: boolean;
  /** The reservation that it is for, as the books showed it when the call was begun. */
  reservation: string;
  /** It reaches Qiscus. */
  arrive(fault?: Fault): Promise<void>;
  /** The caller sees the answer; without one it never came. */
  answer(): void;
  /** The caller hears nothing. @param sent false: it knows that nothing was sent */
  giveUp(sent: boolean): void;
}

export class Air {
  /** Calls whose callers wait. */
  calls: Call[] = [];
  /** Calls that nobody waits for any more and that never arrived yet. */
  lateCalls: Call[] = [];
  /** Webhooks on their way, oldest first, read as the service reads them. */
  letters: Webhook[] = [];
  readonly #real: Qiscus;
  readonly #traffic: Traffic;
  readonly #onCall: (call: Call) => void;

  /** @param onCall hears of each call that is held */
  constructor(real: Qiscus, traffic: Traffic, onCall: (call: Call) => void) {
    this.#real = real;
    this.#traffic = traffic;
    this.#onCall = onCall;
  }

  /** The Qiscus of one process. @param isHeld are calls held now, or do they flow? */
  qiscusFor(process: string, isHeld: () => boolean): Qiscus {
    const real = this.#real;
    const unheard = (sent: boolean) => ({ kind: 'unknown', sent, reason: sent ? 'timed out' : 'refused' }) as const;
    const failed = () => ({ kind: 'failed', reason: 'timed out' }) as const;
    const hold = <T>(
      about: Pick<Call, 'method' | 'roomId' | 'agentId'>,
      send: () => Promise<T>,
      lost: (s: boolean) => T,
    ) => (isHeld() ? this.#hold({ ...about, process }, send, lost) : this.#traffic.track(send));
    const list = { method: 'list', roomId: '', agentId: '' } as const;
    return {
      ...real,
      assignAgent: (roomId, agentId) =>
        hold({ method: 'assignAgent', roomId, agentId }, () => real.assignAgent(roomId, agentId), unheard),
      readRoom: (roomId) => hold({ method: 'readRoom', roomId, agentId: '' }, () => real.readRoom(roomId), failed),
      removeAgent: (roomId, agentId) => this.#traffic.track(() => real.removeAgent(roomId, agentId)),
      listAgents: async (turn) => {
        await turn?.();
        return hold(list, () => real.listAgents(), failed);
      },
      listRooms: async (served, sinceMs, turn) => {
        await turn?.();
        return hold(list, () => real.listRooms(served, sinceMs), failed);
      },
    };
  }

  /** The process died: what it had not sent yet may be on the wire all the same. */
  orphan(process: string): void {
    const own = this.calls.filter((call) => call.process === process);
    this.calls = this.calls.filter((call) => call.process !== process);
    this.lateCalls.push(...own.filter((call) => !call.arrived && call.method === 'assignAgent'));
  }

  #hold<T>(
    about: Pick<Call, 'method' | 'roomId' | 'agentId' | 'process'>,
    send: () => Promise<T>,
    lost: (sent: boolean) => T,
  ): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<T>();
    let answer: { value: T } | null = null;
    const end = (value: T) => {
      this.calls = this.calls.filter((other) => other !== call);
      resolve(value);
    };
    const call: Call = {
      ...about,
      arrived: false,
      reservation: '',
      arrive: async () => {
        call.arrived = true;
        answer = { value: await this.#traffic.track(send) };
      },
      answer: () => end(answer ? answer.value : lost(true)),
      giveUp: (sent) => {
        if (sent && !call.arrived && call.method === 'assignAgent') this.lateCalls.push(call);
        end(lost(sent || call.arrived));
      },
    };
    this.calls.push(call);
    this.#onCall(call);
    return promise;
  }
}

/** The order by which the sandbox lets a call fare so; null when Qiscus answers well or not at all. */
export function faultOf(fare: Fare, call: Call): Fault | null {
  const fault = FAULTS[fare];
  const on = { assignAgent: 'assign_agent', readRoom: 'customer_room', list: 'customer_rooms' }[call.method];
  return fault ? { on, ...(call.roomId && { roomId: call.roomId }), ...fault } : null;
}

/** Catches the sandbox's webhooks on a port of its own, for the life to deliver. */
export function catchLetters(sandbox: Sandbox, onLetter: (letter: Webhook) => void): { stop(): Promise<void> } {
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    async fetch(request) {
      const decode = request.url.endsWith('agent_allocation') ? decodeAllocation : decodeResolved;
      onLetter(decode(await request.json()));
      return new Response('{}');
    },
  });
  sandbox.setDelivery({ baseUrl: `http://127.0.0.1:${server.port}` });
  return { stop: () => server.stop(true) };
}
