/** The soak's verdicts on made-up half hours: noise passes, and small leaks do not. */
import { describe, expect, test } from 'bun:test';
import { createRandom } from '../../src/qiscus/sandbox/random';
import type { Sample } from '../soak/sample';
import type { SoakReport } from '../soak/soak';
import { judge, spell } from '../soak/verdicts';

const SECONDS = 1_800;
const EVERY_S = 7.5;
const RATE = 50;
/** Webhooks a second at that rate. */
const WEBHOOKS = 3.1 * RATE;
const MB = 2 ** 20;

/** A half hour with as much noise as a busy machine makes; `change` alters each sample. */
function halfHour(change: (sample: Sample) => void = () => {}): SoakReport {
  const random = createRandom(7);
  const about = (value: number, noise: number) => value * (1 + noise * (2 * random() - 1));
  const samples = Array.from({ length: SECONDS / EVERY_S }, (_, nth): Sample => {
    const process = (rssMb: number, descriptors: number) => ({ rssMb: about(rssMb, 0.08), cpu: 0.15, descriptors });
    const times = (p50: number, p99: number) => ({ p50: about(p50, 0.2), p99: about(p99, 0.5) });
    const sample: Sample = {
      at: (nth + 1) * EVERY_S,
      api: process(88, 10),
      worker: process(82, 22),
      restarted: process(78, 18),
      redis: process(20, 19),
      idle: 0.5,
      redisUsedMb: about(8, 0.04),
      redisClients: 11,
      keys: 15,
      inbox: Math.floor(10 * random()),
      outbox: Math.floor(10 * random()),
      journal: about(22_000, 0.1),
      rooms: 4_500,
      line: 0,
      load: 100,
      allocationMs: times(30, 60),
      resolvedMs: times(4, 20),
      assignedMs: times(400, 2_500),
      directMs: times(28, 250),
      appliedMs: times(1, 8),
    };
    change(sample);
    return sample;
  });
  const shape = {
    rate: RATE,
    seconds: SECONDS,
    part: SECONDS / 10,
    agents: 32,
    customers: 4_500,
    journalEntries: 20_000,
  };
  const replies = { 200: SECONDS * WEBHOOKS };
  const counts = { opened: 4_500, returned: 85_500, turnedAway: 0, finished: 90_000, writtenAgain: 0, breaks: 0 };
  return {
    ...{ ...shape, restarts: 9, events: {}, logged: {}, broken: [], samples },
    counts: { ...counts, twice: 0, late: 0, lost: 0, refused: 0, replies },
  };
}

const brokenBy = (change: (sample: Sample) => void) =>
  judge(halfHour(change)).flatMap(({ what, holds }) => (holds ? [] : [what]));

describe('verdicts of the soak', () => {
  test('[F70] noise alone breaks nothing', () => {
    expect(brokenBy(() => {})).toEqual([]);
  });

  const leaks: [string, string, (sample: Sample) => void][] = [
    ['100 bytes a webhook', 'memory of the api', (s) => (s.api.rssMb += (100 * WEBHOOKS * s.at) / MB)],
    ['400 bytes a chat', 'memory of a worker', (s) => (s.worker.rssMb += (400 * RATE * s.at) / MB)],
    ['10 bytes a webhook', 'memory of Redis', (s) => (s.redisUsedMb += (10 * WEBHOOKS * s.at) / MB)],
    [
      'a descriptor in 20,000 webhooks',
      'descriptors of the api',
      (s) => (s.api.descriptors += s.at * (WEBHOOKS / 2e4)),
    ],
    ['a descriptor in 3,000 chats', 'descriptors of a worker', (s) => (s.worker.descriptors += s.at * (RATE / 3e3))],
    ['a connection each restart', 'connections to Redis', (s) => (s.redisClients += Math.floor(s.at / 180))],
    ['an entry in 100 stays', 'entries in the inbox', (s) => (s.inbox += Math.floor(s.at * (WEBHOOKS / 100)))],
    ['an intent in 100 stays', 'intents in the outbox', (s) => (s.outbox += Math.floor(s.at * (RATE / 100)))],
    ['the journal is not trimmed', 'records in the journal', (s) => (s.journal = 400 * s.at)],
    ['a key each minute', 'keys', (s) => (s.keys += Math.floor(s.at / 60))],
    ['a search through all that was', 'a resolve answered, p50', (s) => (s.resolvedMs.p50 += s.at / 100)],
    ['assigning gets slower', 'accepted to assigned without waiting, p50', (s) => (s.directMs.p50 *= 1 + s.at / 1_200)],
  ];
  test.each(leaks)('[F70] %s: %s', (_, what, leak) => {
    expect(brokenBy(leak)).toEqual([what]);
  });

  test('are said with figures, limit and slope', () => {
    const report = halfHour((sample) => (sample.api.rssMb = 80 + sample.at / 60));
    expect(spell(judge(report)[0]!, report)).toMatch(
      /^BROKEN memory of the api: \d+(\.\d)? → .* MB \(at most .*; \+\d+.* an hour\)$/,
    );
  });
});
