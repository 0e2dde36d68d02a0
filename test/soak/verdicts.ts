/**
 * Is everything as flat at the end as it was at the beginning? Compares the first third of a soak with its last third.
 *
 * 1. The warm-up (the first of ten parts) is left out; each third has three rushes and three restarts.
 * 2. What a leak raises is compared by its floor (one in ten looks is below): a burst lifts the top, a leak lifts the floor.
 *    Times are compared by their middle, what has a bound by its peak.
 * 3. A limit is a share of the first third and a little more for noise. In half an hour at 50 chats a second a leak of 100
 *    bytes a webhook passes it, or of one descriptor in 3,000 chats; test/unit/soak-verdicts.test.ts tries such leaks.
 */
import { KEY_NOUNS } from '../../src/redis/keys';
import { median, quantile } from '../bench/measure';
import type { Sample } from './sample';
import type { SoakReport } from './soak';

/** Queues and latency depend on what else the machine does; the others must be flat on any. */
export type Kind = 'memory' | 'redis' | 'streams' | 'descriptors' | 'queues' | 'latency';

export interface Verdict {
  kind: Kind;
  what: string;
  unit: string;
  first: number;
  last: number;
  /** The last third may reach this. */
  most: number;
  /** From the middle of the first third to the middle of the last, for an hour. */
  slope: number;
  holds: boolean;
}

interface Rule {
  kind: Kind;
  what: string;
  unit?: string;
  of(sample: Sample): number;
  most(first: number, report: SoakReport): number;
}

/**
 * Between two full collections of garbage a process grows by up to 30 MB, and minutes pass: a third of a short run may lie
 * between two of them, so that it can only show a coarse leak.
 */
const memory = (first: number, { seconds }: SoakReport) => first * 1.1 + (seconds < 600 ? 35 : 5);
/** Never more than what comes within five seconds. */
const stream = (first: number, { rate }: SoakReport) => Math.min(2 * first + 50, 20 * rate);
const usual = (first: number) => first * 1.5 + 3;
const slowest = (first: number) => first * 2 + 25;
/** Workers keep a connection for each call that may be under way at once, once there were so many. */
const QISCUS_CONNECTIONS = 12;

const floors: Rule[] = [
  { kind: 'memory', what: 'memory of the api', unit: 'MB', of: ({ api }) => api.rssMb, most: memory },
  { kind: 'memory', what: 'memory of a worker', unit: 'MB', of: ({ worker }) => worker.rssMb, most: memory },
  { kind: 'redis', what: 'memory of Redis', unit: 'MB', of: (s) => s.redisUsedMb, most: (first) => first * 1.05 + 1 },
  { kind: 'descriptors', what: 'descriptors of the api', of: ({ api }) => api.descriptors, most: (first) => first + 4 },
  {
    kind: 'descriptors',
    what: 'descriptors of a worker',
    of: ({ worker }) => worker.descriptors,
    most: (first) => first + QISCUS_CONNECTIONS,
  },
  { kind: 'descriptors', what: 'connections to Redis', of: (s) => s.redisClients, most: (first) => first + 3 },
  { kind: 'queues', what: 'entries in the inbox', of: ({ inbox }) => inbox, most: stream },
  { kind: 'queues', what: 'intents in the outbox', of: ({ outbox }) => outbox, most: stream },
];

const peaks: Rule[] = [
  // It goes back to the last snapshot before the oldest record that must be kept.
  {
    kind: 'streams',
    what: 'records in the journal',
    of: (s) => s.journal,
    most: (_, r) => r.journalEntries * 1.5 + 1_000,
  },
  { kind: 'streams', what: 'rooms on record', of: ({ rooms }) => rooms, most: (_, { customers }) => customers },
  { kind: 'streams', what: 'keys', of: ({ keys }) => keys, most: () => Object.keys(KEY_NOUNS).length },
];

const middles: Rule[] = [
  { kind: 'latency', what: 'an allocation answered, p50', unit: 'ms', of: (s) => s.allocationMs.p50, most: usual },
  { kind: 'latency', what: 'an allocation answered, p99', unit: 'ms', of: (s) => s.allocationMs.p99, most: slowest },
  { kind: 'latency', what: 'a resolve answered, p50', unit: 'ms', of: (s) => s.resolvedMs.p50, most: usual },
  { kind: 'latency', what: 'a resolve answered, p99', unit: 'ms', of: (s) => s.resolvedMs.p99, most: slowest },
  {
    kind: 'latency',
    what: 'accepted to assigned without waiting, p50',
    unit: 'ms',
    of: (s) => s.directMs.p50,
    most: usual,
  },
  {
    kind: 'latency',
    what: 'accepted to assigned without waiting, p99',
    unit: 'ms',
    of: (s) => s.directMs.p99,
    most: slowest,
  },
];

const LOOKS: [rules: Rule[], value: (values: readonly number[]) => number][] = [
  [floors, (values) => quantile(values, 0.1)],
  [peaks, (values) => Math.max(...values)],
  [middles, median],
];

/** One verdict a rule. @throws Error when a third has no sample */
export function judge(report: SoakReport): Verdict[] {
  const { samples, part } = report;
  const third = (nth: number) =>
    samples.filter(({ at }) => at > (1 + 3 * nth) * part && at <= (4 + 3 * nth) * part + part / 2);
  const [begin, end] = [third(0), third(2)];
  if (begin.length === 0 || end.length === 0) throw new Error('too few samples');
  const hours = (6 * part) / 3_600;
  return LOOKS.flatMap(([rules, look]) =>
    rules.map(({ kind, what, unit = '', of, most }) => {
      const value = (looks: Sample[]) => look(looks.map(of).filter(Number.isFinite));
      const [first, last] = [value(begin), value(end)];
      const limit = most(first, report);
      return { kind, what, unit, first, last, most: limit, slope: (last - first) / hours, holds: last <= limit };
    }),
  );
}

/** A verdict for people. The slope of a few minutes would be noise, and is left out. */
export function spell({ what, unit, first, last, most, slope, holds }: Verdict, { seconds }: SoakReport): string {
  const short = (value: number) => value.toLocaleString('en', { maximumFractionDigits: 1 });
  const figures = `${short(first)} → ${short(last)} ${unit}`.trim();
  const anHour = seconds < 600 ? '' : `; ${slope < 0 ? '' : '+'}${short(slope)} an hour`;
  return `${holds ? 'holds ' : 'BROKEN'} ${what}: ${figures} (at most ${short(most)}${anHour})`;
}
