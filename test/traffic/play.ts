/**
 * Plays a busy time on a whole service of its own: sandbox, private Redis in a temporary folder, board, people.
 *
 * 1. The people's time runs `speed` times as fast as ours, and the service's own periods with it.
 * 2. When no more chats begin, all that are open are ended, and everything comes to rest (test/soak/rest.ts).
 * 3. The invariant checker signs: ledger, streams, journal and Qiscus's truth; each decision of the journal is judged anew.
 *
 * Everything that it started is stopped at its end, and when it fails; the folder is removed.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import pino from 'pino';
import { readConfig } from '../../src/config';
import { BUSY_QUARTER, type Plan } from '../../src/qiscus/sandbox/plan';
import type { SandboxConfig } from '../../src/qiscus/sandbox/settings';
import { Traffic, type TrafficCounts } from '../../src/qiscus/sandbox/traffic';
import { keysOf } from '../../src/redis/keys';
import { startService } from '../../src/service';
import { comeToRest } from '../soak/rest';
import { Timekeeper } from '../soak/times';
import { readBooks } from '../support/books';
import { beginnings, replay } from '../support/replay';
import { madeGood, type Way } from './losses';

export interface PlayOptions {
  /** How many times as fast as ours the people's time runs. */
  speed: number;
  /** How long chats begin, minutes of the people's time. */
  minutes: number;
  seed: number;
  /** Of the board; 0: a free one. */
  port: number;
  /** Ends it early; all that is open is still ended, and judged. */
  stop?: AbortSignal;
  /** Hears the board's address once it answers. */
  opened?(url: string): void;
  /** Hears how far it is, about once a second. */
  tell?(line: string): void;
  /** Share of webhooks that are never sent; default: that of BUSY_QUARTER. */
  lost?: number;
  /** What Qiscus takes for too many rooms of one agent; default: our limit. */
  cap?: number;
  /** 'never': no webhook names the service that was finished. */
  latestService?: SandboxConfig['latestService'];
}

export interface Played {
  minutes: number;
  /** Of these minutes, when it was ended early; else null. */
  endedAt: number | null;
  speed: number;
  seed: number;
  counts: TrafficCounts;
  /** How the webhooks that were lost were made good. */
  madeGood: Map<Way, number>;
  /** Journal records by event. */
  events: Record<string, number>;
  /** From a customer's message to the agent, seconds of the people's time. */
  waits: number[];
  /** Rooms that each agent got at Qiscus. */
  shares: [agent: string, rooms: number][];
  /** Faults that calls met, by call and effect. */
  faults: Record<string, number>;
  /** Decisions of the journal that were judged a second time. */
  judged: number;
  /** Broken promises, in words. */
  broken: string[];
}

const LIMIT = 2;
const TELL_EVERY_MS = 1_000;
/** What is broken for good is not waited for much longer than what only takes its time: three comparisons, and this. */
const REST_MS = 30_000;

/** The service's usual periods, as fast as the people; rooms are compared more often, so that the end comes soon. */
function environment(dataDir: string, { speed, port }: PlayOptions): Record<string, string> {
  const shorter = (usual: number, least: number) => String(Math.max(least, Math.round(usual / speed)));
  return {
    DATA_DIR: dataDir,
    PORT: String(port === 0 ? 3000 : port),
    QISCUS_MAX_CUSTOMER: String(LIMIT),
    QISCUS_TIMEOUT_MS: shorter(10_000, 500),
    OUTBOX_CLAIM_MS: shorter(45_000, 2_000),
    ROSTER_SYNC_SECONDS: shorter(10, 1),
    RECONCILE_SECONDS: shorter(15, 1),
    COUNT_LAG_SECONDS: shorter(10, 1),
    SHUTDOWN_SECONDS: '5',
  };
}

/** More goes wrong than on a usual day: a quarter of an hour is to meet some of it. */
const FAULTS = 0.05;

function planOf({ speed, minutes, seed, lost = BUSY_QUARTER.webhooks.lost }: PlayOptions): Plan {
  const forMs = minutes * 60_000;
  const chats = Number.POSITIVE_INFINITY;
  const rush = { ...BUSY_QUARTER.rush, everyMs: forMs };
  const webhooks = { ...BUSY_QUARTER.webhooks, lost };
  return { ...BUSY_QUARTER, seed, speed, forMs, chats, rush, webhooks, faults: FAULTS };
}

/** Plays, ends, judges. @throws ServiceError when the service cannot start, for one because the port is taken */
export async function play(options: PlayOptions): Promise<Played> {
  const undo: (() => Promise<unknown>)[] = [];
  try {
    return await perform(options, undo);
  } finally {
    for (let step = undo.pop(); step; step = undo.pop()) await step();
  }
}

async function perform(options: PlayOptions, undo: (() => Promise<unknown>)[]): Promise<Played> {
  const {
    speed,
    minutes,
    seed,
    stop,
    cap = LIMIT,
    latestService = 'named',
    opened = () => {},
    tell = () => {},
  } = options;
  const dataDir = await mkdtemp(join(tmpdir(), 'caa-traffic-'));
  undo.push(() => rm(dataDir, { recursive: true, force: true }));
  const config = readConfig(environment(dataDir, options), []);
  config.http.port = options.port;
  const service = await startService(config, pino({ level: 'silent' }), () => {});
  undo.push(() => service.stop());
  const { sandbox, url } = service;
  if (sandbox === null || url === null) throw new Error('the service has no sandbox');
  sandbox.configure({ cap, seed, latestService });
  opened(url);

  const open = () => {
    const client = new Redis({ path: join(dataDir, 'redis', 'redis.sock') });
    undo.push(async () => client.disconnect());
    return client;
  };
  const keys = keysOf(config.qiscus.appId);
  const client = open();
  const times = new Timekeeper(open(), keys.journal);
  undo.push(() => times.stop());

  const traffic = new Traffic(sandbox, planOf(options));
  const begunMs = performance.now();
  const minute = () => ((performance.now() - begunMs) * speed) / 60_000;
  const timer = setInterval(() => tell(progress(traffic, minute(), minutes)), TELL_EVERY_MS);
  undo.push(async () => clearInterval(timer));
  await traffic.run(stop);
  const endedAt = stop?.aborted && minute() < minutes ? minute() : null;
  const restMs = REST_MS + 3 * config.reconcileSeconds * 1_000;
  const broken = await comeToRest({ client, keys, sandbox }, traffic, times, restMs);
  clearInterval(timer);

  for (const { kind, roomId, agentId, detail } of sandbox.violations())
    broken.push(`Qiscus saw ${kind}: room ${roomId}, ${agentId}, ${detail}`);
  const { assigns, answers } = sandbox.state();
  const books = await readBooks(client, keys);
  const [from] = beginnings(books.journal, books.whole);
  return {
    ...{ minutes, endedAt, speed, seed, broken, counts: traffic.counts, events: times.events },
    madeGood: madeGood(traffic.losses, books.journal),
    waits: times.take().assignedMs.map((ms) => (ms * speed) / 1_000),
    shares: [...Map.groupBy(assigns, ({ agentId }) => agentId)]
      .map(([agent, rooms]): [string, number] => [agent, rooms.length])
      .sort(),
    // Where no fault stood in the way it is a status.
    faults: Object.fromEntries(Object.entries(answers).filter(([key]) => !/ \d+$/.test(key))),
    judged: from === undefined ? 0 : replay(books.journal, from).judged,
  };
}

function progress(traffic: Traffic, atMinute: number, ofMinutes: number): string {
  const { opened, returned, finished, twice, late, lost } = traffic.counts;
  const { chats, unserved } = traffic.open();
  const when = atMinute < ofMinutes ? `${atMinute.toFixed(1)} of ${ofMinutes} min` : 'no more come';
  return `${when}: ${opened + returned} chats, ${finished} finished, ${chats} open, ${unserved} in line; webhooks: ${twice} twice, ${late} late, ${lost} lost`;
}
