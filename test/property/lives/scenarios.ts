/**
 * Whole stories of one room, told by process p1 alone, that together touch every script of the worker: for a crash at each
 * of its Redis calls.
 */
import type { Fare } from './air';
import type { Step } from './steps';

const process = 'p1';
const write: Step = { do: 'write', room: 'r1', copies: 1 };
const resolve: Step = { do: 'resolve', room: 'r1', copies: 1 };
const deliver: Step = { do: 'deliver', which: 0, process, again: false };
const apply: Step = { do: 'apply', process };
const dispatch: Step = { do: 'dispatch', process };
const reclaim: Step = { do: 'reclaim', process };
const agents: Step = { do: 'agents', process, slowly: false };
const rooms: Step = { do: 'rooms', process, slowly: false };
const call = (fare: Fare): Step => ({ do: 'call', which: 0, fare });
const later = (ms: 200 | 1_500 | 11_000 | 61_000): Step => ({ do: 'clock', process, ms });

const opened = [write, deliver, apply, dispatch];
const closed = [resolve, deliver, apply];
const refused = [call('called full'), call('well'), later(11_000), dispatch];

export const SCENARIOS: Record<string, Step[]> = {
  served: [...opened, call('well'), ...closed],
  'served, and the webhooks come twice': [
    { do: 'write', room: 'r1', copies: 2 },
    ...[deliver, deliver, apply, dispatch, call('well')],
    { do: 'resolve', room: 'r1', copies: 2 },
    ...[deliver, deliver, apply],
  ],
  'refused once': [...opened, ...refused, call('well'), ...closed],
  'refused until it is parked, and put back by an operator': [
    ...[...opened, ...refused, ...refused, ...refused, call('called full'), call('well')],
    { do: 'operator', process, room: 'r1', verb: 'requeue' },
    ...[dispatch, call('well'), ...closed],
  ],
  'resolved at Qiscus before the call': [...opened, { do: 'resolve', room: 'r1', copies: 0 }, call('well')],
  'done, and the answer is a 500': [...opened, call('500, but done'), later(1_500), dispatch, call('well'), ...closed],
  'slowed down': [...opened, call('429'), later(61_000), dispatch, call('well'), ...closed],
  'Qiscus refuses us': [...opened, call('401'), later(1_500), dispatch, call('well'), ...closed],
  'timed out, and done later': [
    ...[...opened, call('timed out, and may still arrive')],
    { do: 'late call', which: 0, arrives: true },
    ...[later(1_500), dispatch, call('well'), ...closed],
  ],
  'left behind by another process': [
    ...[write, deliver, apply],
    { do: 'dispatch', process: 'p2' },
    { do: 'call', which: 0, fare: 'done, and nobody heard of it yet' },
    { do: 'kill', process: 'p2' },
    ...[reclaim, dispatch, call('well'), ...closed],
  ],
  'all webhooks lost': [
    { do: 'write', room: 'r1', copies: 0 },
    ...[rooms, rooms, dispatch, call('well'), later(61_000)],
    { do: 'resolve', room: 'r1', copies: 0 },
    rooms,
  ],
  'taken out of the room by a person': [
    ...[...opened, call('well'), later(61_000)],
    { do: 'hand', room: 'r1', agent: 'agent_01', verb: 'remove' },
    { do: 'hand', room: 'r1', agent: 'agent_05', verb: 'remove' },
    ...[rooms, rooms, dispatch, call('well'), call('well'), ...closed],
  ],
  'resolve lost, and the customer writes again': [
    ...[...opened, call('well'), later(61_000)],
    { do: 'resolve', room: 'r1', copies: 0 },
    ...[write, deliver, apply, dispatch, call('well'), call('well'), ...closed],
  ],
  'everybody goes, and comes again': [
    ...[write, deliver, apply],
    { do: 'presence', agent: 'agent_01', online: false },
    { do: 'presence', agent: 'agent_04', online: false },
    { do: 'membership', agent: 'agent_05', there: false },
    ...[agents, agents],
    { do: 'presence', agent: 'agent_04', online: true },
    ...[agents, dispatch, call('well'), ...closed],
  ],
  'limits and pauses': [
    { do: 'limit', process, limit: 1 },
    { do: 'patch', process, agent: 'agent_05', maxCustomers: 3, paused: true },
    ...[...opened, call('well')],
    { do: 'patch', process, agent: 'agent_05', maxCustomers: null, paused: false },
    { do: 'limit', process, limit: 3 },
    { do: 'operator', process, room: 'r1', verb: 'release' },
  ],
  'a malformed entry before it': [
    { do: 'poison', malformed: 'no room' },
    ...[write, deliver, apply, later(1_500), apply, later(1_500), apply, dispatch, call('well')],
    { do: 'dead letter', process, which: 0, verb: 'replay' },
    ...[apply, ...closed],
  ],
  'groups and scripts lost on the way': [
    ...[write, deliver],
    { do: 'lose group', group: 'ledger' },
    { do: 'forget scripts' },
    ...[apply, dispatch],
    { do: 'lose group', group: 'dispatch' },
    ...[call('well'), dispatch, ...closed],
  ],
};
