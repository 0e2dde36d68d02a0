/**
 * The soak in short: everything that goes wrong on a busy day, looked at all the time (test/soak does the same for long).
 *
 * 25 s of 60 chats a second; SOAK_SECONDS and SOAK_RATE say other numbers. SOAK_SEED repeats the choices of a run.
 */
import { expect, test } from 'bun:test';
import { runSoak } from '../soak/soak';
import { judge, type Kind, spell } from '../soak/verdicts';
import { tried } from '../support/evidence';
import { sized } from '../support/size';

const SECONDS = sized(25, 40, 'SOAK_SECONDS');
const RATE = sized(60, 60, 'SOAK_RATE');
const SEED = Number(process.env.SOAK_SEED ?? Date.now() % 1e6);
/** On a busy machine so short a time says nothing of these; that the streams end empty is part of `broken`. */
const NOT_JUDGED: Kind[] = ['latency', 'queues'];
const START_AND_REST_MS = 300_000;

test(
  `[F70 F25 F58] ${SECONDS} busy seconds with faults and restarts: memory, streams and connections stay flat, and nothing is lost`,
  async () => {
    const tell = (line: string) => console.log(`soak: ${line}`);
    tell(`SOAK_SEED=${SEED}`);
    const report = await runSoak({
      forMs: SECONDS * 1_000,
      rate: RATE,
      sampleEveryMs: 500,
      seed: SEED,
      tell,
    });
    const verdicts = judge(report);
    for (const verdict of verdicts) tell(spell(verdict, report));

    expect(report.broken).toEqual([]);
    expect(verdicts.filter(({ kind, holds }) => !NOT_JUDGED.includes(kind) && !holds)).toEqual([]);
    // It was busy, and all that can go wrong did.
    expect(report.counts.finished).toBeGreaterThan((SECONDS * RATE) / 2);
    expect(report.restarts).toBe(9);
    for (const event of ['call.deferred', 'room.repaired', 'entry.stale', 'entry.repeated'])
      expect(report.events).toHaveProperty([event]);
    tried(report.counts.finished, 'F70');
    tried(report.restarts, 'F58');
  },
  SECONDS * 1_000 + START_AND_REST_MS,
);
