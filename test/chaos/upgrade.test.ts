/**
 * Two versions on one ledger, under load: the one before (test/support/versions.ts) beside this one, in both roles, in turns,
 * and one after the other; and a made-up next one, whose format this version does not know.
 *
 * In the end every room that was acknowledged was assigned exactly once, nobody was above the limit, and our books, checked
 * and replayed by this version's checker, are Qiscus's.
 */
import { afterEach, expect, test } from 'bun:test';
import { Redis } from 'ioredis';
import type { Sandbox } from '../../src/qiscus/sandbox';
import { FORMAT } from '../../src/redis/format';
import { keysOf } from '../../src/redis/keys';
import { tried } from '../support/evidence';
import { type Load, startLoad } from '../support/load';
import { startTestRedis } from '../support/redis';
import { APP_ID, environment, freePort, type ServiceProcess, spawnService, startTestSandbox } from '../support/service';
import { newerVersion, previousVersion, ROOT } from '../support/versions';
import { until } from '../support/wait';
import { differences } from './books';
import type { Role } from './crew';

const CLIENTS = 16;
/**
 * The waits in here have limits of their own, which say what was waited for. This one is for the whole: where others keep
 * the machine busy a process takes many seconds to start, and there are up to twelve starts, while the customers go on.
 */
const LIMIT_MS = 300_000;
const SETTINGS = {
  QISCUS_MAX_CUSTOMER: '1000',
  QISCUS_CONCURRENCY: '64',
  // What a killed process, or one that steps back, had in hand is taken over soon.
  QISCUS_TIMEOUT_MS: '1000',
  OUTBOX_CLAIM_MS: '1500',
  // No sweep: what is lost must not be found again by the comparison with Qiscus.
  RECONCILE_SECONDS: '3600',
  // An older api does not see what a newer worker made of its webhooks.
  WEBHOOK_WAIT_MS: '300',
  LOG_LEVEL: 'warn',
};

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (let step = undo.pop(); step; step = undo.pop()) await step();
});

interface Stage {
  client: Redis;
  sandbox: Sandbox;
  /** Starts a process, on a port of its own or on that of another that has ended. */
  start(folder: string, role: Role, at?: ServiceProcess): Promise<ServiceProcess>;
  load(...processes: ServiceProcess[]): Load;
  /** Ends the load; the books must come to be equal, with nothing left on its way. */
  settle(): Promise<void>;
}

async function openStage(): Promise<Stage> {
  const redis = await startTestRedis({ kind: 'standalone' });
  undo.push(() => redis.stop());
  const sandbox = await startTestSandbox({ cap: 1000, latencyMs: 30 });
  undo.push(() => sandbox.stop());
  const client = new Redis(redis.url);
  undo.push(() => client.disconnect());
  const env = environment(redis.url, sandbox.url, SETTINGS);
  let load: Load | null = null;
  return {
    client,
    sandbox,
    async start(folder, role, at) {
      const port = at ? new URL(at.url).port : String(await freePort());
      const service = await spawnService({ ...env, PORT: port }, role, folder);
      undo.push(() => service.kill('SIGKILL'));
      return service;
    },
    load(...processes) {
      const urls = processes.map(({ url }) => url);
      const started = startLoad(urls, sandbox, CLIENTS);
      undo.push(() => started.abort());
      load = started;
      return started;
    },
    async settle() {
      await load?.end();
      const rooms = load?.rooms ?? [];
      let found: string[] = [];
      const isQuiet = async () => {
        found = await differences(client, sandbox, rooms);
        return found.length === 0;
      };
      await until(isQuiet, { what: 'our books and those of Qiscus equal', withinMs: 60_000 }).catch(() => undefined);
      expect(found).toEqual([]);
      const { assigns, violations } = sandbox.state();
      expect(violations).toEqual([]);
      expect([assigns.length, new Set(assigns.map(({ roomId }) => roomId)).size]).toEqual([rooms.length, rooms.length]);
      tried(rooms.length, 'F65');
    },
  };
}

const times = (text: string, word: string) => text.split(word).length - 1;

test.each([
  ['an older worker with the new api', previousVersion, () => ROOT],
  ['a new worker with the older api', () => ROOT, previousVersion],
])(
  '[F65] %s: as if they were of one version',
  async (_, worker, api) => {
    const stage = await openStage();
    const [front] = await Promise.all([stage.start(api(), 'api'), stage.start(worker(), 'worker')]);
    const load = stage.load(front);
    await load.more(300);
    await stage.settle();
  },
  LIMIT_MS,
);

test(
  '[F65] an older and a new worker side by side; in turns one stops, or is killed, and comes back',
  async () => {
    const stage = await openStage();
    const folders = [previousVersion(), ROOT];
    const front = await stage.start(ROOT, 'api');
    const workers = await Promise.all(folders.map((folder) => stage.start(folder, 'worker')));
    const load = stage.load(front);
    for (const [turn, signal] of (['SIGTERM', 'SIGTERM', 'SIGKILL', 'SIGKILL'] as const).entries()) {
      await load.more(50);
      await workers[turn % 2]?.kill(signal);
      // The other one is alone.
      await load.more(50);
      workers[turn % 2] = await stage.start(folders[turn % 2] ?? '', 'worker');
    }
    await stage.settle();
  },
  LIMIT_MS,
);

test(
  '[F58 F65] three processes are upgraded one after another, and back again: no client sees an error',
  async () => {
    const stage = await openStage();
    const older = previousVersion();
    const running = await Promise.all([older, older, older].map((folder) => stage.start(folder, 'all')));
    const load = stage.load(...running);
    for (const folder of [ROOT, older]) {
      for (const [i, process] of running.entries()) {
        await load.more(50);
        expect([await process.kill('SIGTERM'), process.output()]).toEqual([0, expect.any(String)]);
        running[i] = await stage.start(folder, 'all', process);
      }
    }
    await load.more(50);
    await stage.settle();
    const allowed = ['200', '202', '503 STOPPING', '503 STORE_UNAVAILABLE', 'ECONNREFUSED', 'ConnectionRefused'];
    expect([...load.met.keys()].filter((what) => !allowed.includes(what))).toEqual([]);
  },
  LIMIT_MS,
);

test(
  '[F65] a version with a newer format: this one steps back, takes webhooks in, and leaves all else',
  async () => {
    const stage = await openStage();
    const { client } = stage;
    const { meta, inbox, dead, journal, lease } = keysOf(APP_ID);
    const newer = newerVersion();
    const front = await stage.start(ROOT, 'api');
    const workers = await Promise.all([stage.start(ROOT, 'worker'), stage.start(ROOT, 'worker')]);
    const load = stage.load(front);
    await load.more(60);
    expect(await client.hget(meta, 'format')).toBeNull();

    // Calls of the older workers are under way: what came of them they can no longer say.
    const successor = await stage.start(newer, 'worker');
    expect(await client.hget(meta, 'format')).toBe(String(FORMAT + 1));
    await load.more(60);
    await until(async () => (await client.get(lease))?.startsWith(`${successor.pid}-`), {
      what: 'the newer one leads',
    });
    await until(() => workers.every((worker) => worker.output().includes('format.newer')), { what: 'the warnings' });
    const ready = await fetch(`${front.url}/health/ready`);
    expect([ready.status, await ready.json()]).toMatchObject([503, { failing: ['format'] }]);
    await until(() => front.output().includes('format.newer'), { what: 'the warning of the api' });

    // Nobody newer is there: webhooks are taken in, and what the older ones cannot understand is not touched.
    await successor.kill('SIGKILL');
    const before = await client.xlen(inbox);
    await load.more(60);
    // Each client may have had one on its way that the newer one took before it died.
    expect(await client.xlen(inbox)).toBeGreaterThanOrEqual(before + 60 - CLIENTS);
    const late = await stage.start(ROOT, 'worker');
    expect(await late.exited).toBe(1);
    expect(late.output()).toContain(
      `has format ${FORMAT + 1}, and this version of the service knows ${FORMAT} at most`,
    );

    // The api comes as the newer version too; then the older workers go.
    await stage.start(newer, 'worker');
    await load.more(60);
    expect(await front.kill('SIGTERM')).toBe(0);
    const back = await stage.start(newer, 'api', front);
    await load.more(60);
    for (const worker of workers) expect(await worker.kill('SIGTERM')).toBe(0);
    await stage.settle();
    expect((await fetch(`${back.url}/health/ready`)).status).toBe(200);
    expect(await client.hlen(dead)).toBe(0);
    for (const { output } of [front, ...workers]) expect(times(output(), 'format.newer')).toBe(1);
    const records = (await client.xrange(journal, '-', '+')).map(([, fields]) => fields);
    expect(records.filter((fields) => fields.includes('entry.buried') || fields.includes('room.parked'))).toEqual([]);
  },
  LIMIT_MS,
);
