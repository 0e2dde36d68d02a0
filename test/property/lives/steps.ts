/**
 * What may happen in a life, one step at a time: to customers, agents, people, the wire, and the processes.
 * `tell` says a step in words, so that a shrunk life reads as a story.
 */
import fc from 'fast-check';
import { FARES } from './air';

/** With the channel that each writes on. Few, so that each has several sessions in one life. */
export const ROOMS: Record<string, string | null> = { r1: null, r2: '5603', r3: '5603', r4: '272', r5: null };
export const AGENTS: Record<string, string[] | null> = {
  agent_01: ['5603'],
  agent_04: ['272', '5603'],
  agent_05: null,
};
export const PROCESSES = ['p1', 'p2', 'p3'];

const room = fc.constantFrom(...Object.keys(ROOMS));
const agent = fc.constantFrom(...Object.keys(AGENTS));
const process = fc.constantFrom(...PROCESSES);
const which = fc.nat(5);
/** Mostly one copy of a webhook; none: it is lost. */
const copies = fc.constantFrom(1, 1, 1, 1, 2, 2, 3, 0);
const slowly = fc.constantFrom(false, false, true);

function kind<const Name extends string, Fields>(
  weight: number,
  name: Name,
  fields: { [K in keyof Fields]: fc.Arbitrary<Fields[K]> },
) {
  return { weight, arbitrary: fc.record(fields).map((rest) => ({ do: name, ...rest })) };
}

export const anyStep = fc.oneof(
  kind(10, 'write', { room, copies }),
  kind(8, 'resolve', { room, copies }),
  kind(16, 'deliver', { which, process, again: fc.constantFrom(false, false, false, true) }),
  kind(1, 'lose', { which }),
  kind(3, 'presence', { agent, online: fc.constantFrom(true, true, false) }),
  kind(1, 'membership', { agent, there: fc.constantFrom(true, true, false) }),
  kind(2, 'hand', { room, agent, verb: fc.constantFrom('assign', 'remove') }),
  kind(1, 'limit', { process, limit: fc.constantFrom(1, 2, 3) }),
  kind(2, 'patch', {
    process,
    agent,
    maxCustomers: fc.constantFrom(undefined, null, 1, 3),
    paused: fc.constantFrom(undefined, false, true),
  }),
  kind(1, 'operator', { process, room, verb: fc.constantFrom('requeue', 'remove and requeue', 'release') }),
  kind(1, 'dead letter', { process, which, verb: fc.constantFrom('replay', 'delete') }),
  kind(1, 'poison', { malformed: fc.constantFrom('no room', 'no request', 'another kind') }),
  kind(1, 'forget scripts', {}),
  kind(1, 'lose group', { group: fc.constantFrom('ledger', 'dispatch') }),
  kind(16, 'work', { process }),
  kind(6, 'apply', { process }),
  kind(6, 'dispatch', { process }),
  kind(12, 'call', { which, fare: fc.constantFrom('well', 'well', 'well', 'well', ...FARES) }),
  kind(2, 'late call', { which, arrives: fc.boolean() }),
  kind(2, 'reclaim', { process }),
  kind(4, 'clock', { process, ms: fc.constantFrom(200, 1_500, 11_000, 61_000) }),
  kind(4, 'agents', { process, slowly }),
  kind(3, 'rooms', { process, slowly }),
  kind(3, 'trouble', {
    process,
    skip: fc.nat(3),
    when: fc.constantFrom('before', 'after'),
    what: fc.constantFrom('dies', 'is cut off'),
  }),
  kind(1, 'kill', { process }),
  kind(2, 'start', { process }),
  kind(1, 'skew', { process, ms: fc.constantFrom(0, 120_000, -120_000, 1_000, -15_000) }),
);
export type Step = typeof anyStep extends fc.Arbitrary<infer T> ? T : never;

/** One step in words. */
export function tell(step: Step): string {
  switch (step.do) {
    case 'write':
      return `the customer of ${step.room} writes (${webhooks(step.copies)})`;
    case 'resolve':
      return `${step.room} is resolved at Qiscus (${webhooks(step.copies)})`;
    case 'deliver':
      return `webhook ${step.which} of those on their way reaches ${step.process}${step.again ? ', and comes again later' : ''}`;
    case 'lose':
      return `webhook ${step.which} of those on their way is lost`;
    case 'presence':
      return `${step.agent} goes ${step.online ? 'on' : 'off'}line`;
    case 'membership':
      return `${step.agent} ${step.there ? 'is there again' : 'is deleted at Qiscus'}`;
    case 'hand':
      return `a person ${step.verb === 'assign' ? 'puts' : 'takes'} ${step.agent} ${step.verb === 'assign' ? 'into' : 'out of'} ${step.room}`;
    case 'limit':
      return `the limit becomes ${step.limit} (${step.process})`;
    case 'patch':
      return `${step.agent} gets limit ${(step.maxCustomers ?? step.maxCustomers === null) ? 'default' : 'as it was'}, paused ${step.paused ?? 'as it was'} (${step.process})`;
    case 'operator':
      return `an operator: ${step.verb} ${step.room} (${step.process})`;
    case 'dead letter':
      return `an operator: ${step.verb} dead letter ${step.which} (${step.process})`;
    case 'poison':
      return `a malformed entry gets into the inbox: ${step.malformed}`;
    case 'forget scripts':
      return 'Redis forgets its scripts';
    case 'lose group':
      return `the consumer group ${step.group} is destroyed`;
    case 'work':
      return `${step.process} applies the inbox and calls Qiscus, and all goes well`;
    case 'apply':
      return `${step.process} applies the inbox`;
    case 'dispatch':
      return `${step.process} takes intents and calls Qiscus`;
    case 'call':
      return `call ${step.which} of those under way: ${step.fare}`;
    case 'late call':
      return `call ${step.which} that nobody waits for ${step.arrives ? 'arrives after all' : 'never arrives'}`;
    case 'reclaim':
      return `${step.process} takes over what others have in hand`;
    case 'clock':
      return `${step.ms} ms later ${step.process} does what is due`;
    case 'agents':
    case 'rooms':
      return `${step.process} reads the ${step.do}${step.slowly ? ', and the answers take long' : ''}`;
    case 'trouble':
      return `${step.process} ${step.what} ${step.when} its Redis call number ${step.skip + 1} from now`;
    case 'kill':
      return `${step.process} is killed`;
    case 'start':
      return `${step.process} is started`;
    case 'skew':
      return `the clock of ${step.process} is ${step.ms} ms ahead`;
  }
}

function webhooks(copies: number): string {
  return copies === 0 ? 'its webhook is lost' : copies === 1 ? 'one webhook' : `${copies} webhooks`;
}
