/**
 * One soak: people keep the service busy for minutes, everything is looked at every few seconds, and at the end it rests.
 *
 * 1. The time has ten equal parts, each with one rush and, from the second on, one restart of a worker by SIGTERM. In the
 *    first part everything gets warm; the other nine make three thirds, which verdicts.ts compares.
 * 2. Then everything comes to rest, and rest.ts signs that nothing was lost.
 *
 * Everything that it started is stopped at its end, and when it fails.
 */
import type { Plan } from '../../src/qiscus/sandbox/plan';
import { Traffic, type TrafficCounts } from '../../src/qiscus/sandbox/traffic';
import { comeToRest } from './rest';
import { Observer, Probe, type Sample } from './sample';
import { openScene, type Scene } from './scene';
import { Timekeeper } from './times';

export interface SoakOptions {
  /** How long chats come, ms. */
  forMs: number;
  /** Chats a second. Each makes about four webhooks. */
  rate: number;
  sampleEveryMs: number;
  seed: number;
  /** Hears a line now and then. */
  tell(line: string): void;
}

export interface SoakReport {
  /** Chats a second, and for how many seconds they came; one of the ten parts, s. */
  rate: number;
  seconds: number;
  part: number;
  agents: number;
  customers: number;
  journalEntries: number;
  restarts: number;
  counts: TrafficCounts;
  /** Journal records by event. */
  events: Record<string, number>;
  /** Lines that the service logged, by level and event. */
  logged: Record<string, number>;
  /** Broken promises, in words. */
  broken: string[];
  samples: Sample[];
}

const PARTS = 10;
const CHAT_MS = 2_000;
const LIMIT = 4;
/** A quarter more slots than the mean needs: the rush, at 1.3 times the mean, makes a line. */
const SPARE = 1.25;
const SWELL = 0.3;
const TELL_EVERY_MS = 10_000;

/** Runs one soak. @throws Error when the service cannot be started, or one of its processes is gone. */
export async function runSoak(options: SoakOptions): Promise<SoakReport> {
  const { forMs, rate, seed } = options;
  const partMs = forMs / PARTS;
  const chatsInPart = (rate * partMs) / 1_000;
  const agents = Math.ceil((rate * (CHAT_MS / 1_000) * SPARE) / LIMIT);
  // All customers come, and the journal is full, before the first part is over: what still grows then is a leak.
  const customers = Math.round(Math.min(5_000, Math.max(4 * agents * LIMIT, chatsInPart / 2)));
  const journalEntries = Math.round(Math.min(20_000, Math.max(1_000, 2 * chatsInPart)));
  const plan: Plan = {
    seed,
    speed: 1,
    forMs,
    chats: Number.POSITIVE_INFINITY,
    rate,
    rush: { everyMs: partMs, swell: SWELL },
    customers,
    channels: ['5603', '5603', '272', null],
    chatMs: CHAT_MS,
    patienceMs: 3_000,
    breaks: { everyMs: 4_000, lastMs: 8_000 },
    webhooks: { twice: 0.5, late: 0.03, lateMs: 1_500, lost: 0.01 },
    faults: 0.01,
  };

  const scene = await openScene({ agents, limit: LIMIT, journalEntries, seed });
  const times = new Timekeeper(scene.blocking, scene.keys.journal);
  try {
    const observer = new Observer(scene, times);
    const traffic = new Traffic(scene.sandbox, plan, (kind, tookMs) => observer.webhooks[kind].push(tookMs));
    const broken: string[] = [];
    const restarts = await play(scene, traffic, observer, options, broken);
    options.tell('no more chats begin; everything comes to rest');
    broken.push(...(await comeToRest(scene, traffic, times)));
    await observer.look();
    broken.push(...observer.broken);
    const logged = countLines(scene.printed());
    for (const [name, count] of Object.entries(logged))
      if (!name.startsWith('warn ')) broken.push(`logged ${count} times: ${name}`);
    return {
      ...{ rate, seconds: forMs / 1_000, part: partMs / 1_000, agents, customers, journalEntries, restarts },
      ...{ counts: traffic.counts, events: times.events, logged, broken, samples: observer.samples },
    };
  } finally {
    await times.stop();
    await scene.stop();
  }
}

/** Traffic, looks and restarts side by side, until the time is over or one of them fails. @returns how often it restarted */
async function play(
  scene: Scene,
  traffic: Traffic,
  observer: Observer,
  { forMs, sampleEveryMs, tell }: SoakOptions,
  broken: string[],
): Promise<number> {
  const stop = new AbortController();
  let restarts = 0;
  const watch = async () => {
    let toldMs = 0;
    for (let nth = 1; nth * sampleEveryMs <= forMs && !stop.signal.aborted; nth++) {
      await Bun.sleep(Math.max(0, nth * sampleEveryMs - observer.elapsedMs()));
      await observer.look();
      if (observer.elapsedMs() < toldMs + TELL_EVERY_MS) continue;
      toldMs = observer.elapsedMs();
      tell(traffic.progress());
    }
  };
  const restart = async () => {
    for (; restarts < PARTS - 1 && !stop.signal.aborted; restarts++) {
      await Bun.sleep(Math.max(0, (restarts + 1.25) * (forMs / PARTS) - observer.elapsedMs()));
      if (stop.signal.aborted) return;
      observer.restarted = null;
      const code = await scene.restart();
      if (code !== 0) broken.push(`a worker ended with code ${code} after SIGTERM`);
      observer.restarted = new Probe(scene.restarted().pid);
    }
  };
  try {
    await Promise.all([traffic.run(stop.signal), watch(), restart()]);
  } finally {
    stop.abort();
  }
  return restarts;
}

/** How many log lines of each level and event there are. */
function countLines(printed: string): Record<string, number> {
  const found: Record<string, number> = {};
  for (const line of printed.split('\n').filter((text) => text.startsWith('{'))) {
    const { level, event } = JSON.parse(line) as { level?: string; event?: string };
    const name = `${level} ${event}`;
    found[name] = (found[name] ?? 0) + 1;
  }
  return found;
}
