/** Bounds by name: what the test explores by default, and wider ones for the command line. */
import type { Bounds } from './world';

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
  inbox: false,
  reconcile: false,
  again: 'yes',
};

/** Explored by the test: all of them together in about a minute. */
export const DEFAULT: Record<string, Bounds> = {
  'three-rooms': { ...CALM, rooms: 3, duplicates: 1 },
  'three-rooms-inbox': { ...CALM, rooms: 3, inbox: true },
  sessions: { ...CALM, rooms: 1, episodes: 2, duplicates: 1, faults: 1 },
  'one-slot': { ...CALM, agents: 1, faults: 1, crashes: 1, takeovers: 1 },
  hands: { ...CALM, agents: 1, hands: 1, pauses: 2 },
  'lost-webhook': { ...CALM, rooms: 1, lost: 1, reconcile: true },
};

export const BOUNDS: Record<string, Bounds> = {
  calm: CALM,
  ...DEFAULT,
};
