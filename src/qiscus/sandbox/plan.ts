/**
 * What the people of traffic.ts do and what goes wrong around them: how many, how often, for how long.
 */
import type { Fault } from './settings';

/** Times are means of what is drawn, in ms of the city's own time, which runs `speed` times as fast as ours. */
export interface Plan {
  seed: number;
  speed: number;
  /** Chats begin for so long, and so many at most. */
  forMs: number;
  chats: number;
  /** Chats begun a second: the mean over a whole rush period. */
  rate: number;
  /** The rate swells to rate × (1 + swell) and ebbs to rate × (1 - swell), once a period. `swell`: 0 to 1. */
  rush: { everyMs: number; swell: number };
  /** Different people, and so different rooms; those of them with an open chat open no second one. */
  customers: number;
  /** A room's channel is one of these. */
  channels: (string | null)[];
  chatMs: number;
  /** A customer who waits for so long writes again. */
  patienceMs: number;
  breaks: { everyMs: number; lastMs: number };
  /** Shares of webhooks: sent twice, sent late, never sent. */
  webhooks: { twice: number; late: number; lateMs: number; lost: number };
  /** Share of calls that go wrong. */
  faults: number;
}

/** A busy quarter of an hour for the sandbox's own six agents with two chats each. */
export const BUSY_QUARTER: Plan = {
  seed: 1,
  speed: 1,
  forMs: 900_000,
  chats: 1_000,
  rate: 0.12,
  rush: { everyMs: 900_000, swell: 0.8 },
  customers: 200,
  channels: ['5603', '5603', '272', null],
  chatMs: 75_000,
  patienceMs: 20_000,
  breaks: { everyMs: 120_000, lastMs: 60_000 },
  webhooks: { twice: 0.5, late: 0.02, lateMs: 3_000, lost: 0.005 },
  faults: 0.01,
};

/** How calls go wrong, and how many of a hundred wrong ones do so. */
const WRONGS: [share: number, fault: Omit<Fault, 'on'>][] = [
  [0.29, { effect: 'status', status: 500 }],
  [0.2, { effect: 'apply_then_500' }],
  [0.2, { effect: 'reset' }],
  [0.15, { effect: 'apply_then_reset' }],
  [0.05, { effect: 'hang' }],
  [0.05, { effect: 'apply_then_hang' }],
  [0.05, { effect: 'apply_then_truncate' }],
  // Everybody waits after a 429, so there are few.
  [0.01, { effect: 'status', status: 429, retryAfter: 1 }],
];
const LISTS = ['agents', 'customer_rooms', 'customer_room'];

/** The orders for the sandbox's faults. The lists only fail by an error: one of them stands for many calls. */
export function faultsOf({ faults }: Plan): Fault[] {
  if (faults === 0) return [];
  const always = { times: null };
  return [
    ...WRONGS.map(([share, fault]): Fault => ({ ...fault, ...always, on: 'assign_agent', ratio: share * faults })),
    ...LISTS.map((on): Fault => ({ ...always, on, effect: 'status', status: 500, ratio: faults })),
  ];
}
