/** Bounds by name: what the test explores by default, and wider ones for the command line. */
import { type Bounds, FAULT_KINDS } from './world';

/** Nothing goes wrong. */
export const CALM: Bounds = {
  rooms: 2,
  agents: 2,
  limit: 1,
  episodes: 1,
  dispatchers: 2,
  duplicates: 0,
  lost: 0,
  faults: 0,
  kinds: ['silent', 'dropped', 'late'],
  crashes: 0,
  takeovers: 0,
  hands: 0,
  pauses: 0,
  regroups: 0,
  inbox: false,
  reconcile: false,
  again: 'yes',
};

const EVERY_KIND = [...FAULT_KINDS];

/** Explored by the test: all of them together in about a minute on a calm machine. */
export const DEFAULT: Record<string, Bounds> = {
  'three rooms, two agents': { ...CALM, rooms: 3, duplicates: 1 },
  'three rooms, a call goes wrong': { ...CALM, rooms: 3, faults: 1 },
  'three rooms, entries lie in the inbox': { ...CALM, rooms: 3, inbox: true },
  'two rooms, a dispatcher dies': { ...CALM, duplicates: 1, faults: 1, crashes: 1 },
  'two sessions': { ...CALM, rooms: 1, episodes: 2, duplicates: 1, faults: 1, crashes: 1 },
  'one slot, a living dispatcher is given up': { ...CALM, agents: 1, faults: 1, crashes: 1, takeovers: 1 },
  'one slot, the outbox loses its group': { ...CALM, agents: 1, faults: 1, crashes: 1, regroups: 1 },
  'every kind of fault, twice': { ...CALM, rooms: 1, faults: 2, kinds: EVERY_KIND },
  'a repeated assignment is refused': { ...CALM, rooms: 1, episodes: 2, faults: 1, kinds: EVERY_KIND, again: 'exceed' },
  'people take rooms, agents pause': { ...CALM, agents: 1, hands: 1, pauses: 2 },
  'a lost webhook, and the comparison': { ...CALM, rooms: 1, lost: 1, reconcile: true },
};

/** For the command line: minutes to hours, and gigabytes. */
export const WIDE: Record<string, Bounds> = {
  'wide-rooms': { ...CALM, rooms: 3, duplicates: 1, faults: 1, crashes: 1 },
  'wide-sessions': { ...CALM, rooms: 1, episodes: 2, duplicates: 1, faults: 2, crashes: 1, takeovers: 1 },
  'wide-slot': { ...CALM, agents: 1, duplicates: 1, faults: 2, crashes: 1, takeovers: 1 },
  'wide-lost': { ...CALM, rooms: 1, episodes: 2, lost: 1, reconcile: true },
  'wide-people': { ...CALM, faults: 1, hands: 1, pauses: 2 },
};

export const BOUNDS: Record<string, Bounds> = { calm: CALM, ...DEFAULT, ...WIDE };
