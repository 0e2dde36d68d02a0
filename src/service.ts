/**
 * Puts one process together: Redis, the sandbox if there is one, the Qiscus apps with their loops, the HTTP side.
 *
 * 1. Starts in the order of need; what was started is stopped again when a later part fails.
 * 2. `drain`, before `stop`: new requests get a 503 until nobody comes any more, so that no client meets a reset.
 * 3. `reload` puts another list of apps in place while all of it runs.
 * 4. `stop` goes the other way round: close HTTP, stop the apps, finish calls in hand, close Redis last. `abandon` is for a
 *    process that must end: no more work, and nothing waited for.
 */
import { join } from 'node:path';
import type { Logger } from 'pino';
import { Registry } from 'prom-client';
import { buildApp, LISTEN } from './app';
import { Apps, type ListedApp } from './apps/directory';
import { RunningApps } from './apps/running';
import { type AppConfig, appsOf, baseUrlOf, type Config, isLoopback } from './config';
import { ServiceError } from './errors';
import { Drain } from './http/drain';
import { Turns } from './ledger/turns';
import { type Sandbox, startSandbox } from './qiscus/sandbox';
import { checkDurability } from './redis/durability';
import { startEmbeddedRedis } from './redis/embedded';
import { openConnections } from './redis/store';
import { Doorbell } from './streams/doorbell';

export interface Service {
  /** Where the HTTP side listens; null for a worker. */
  url: string | null;
  sandbox: Sandbox | null;
  /** The apps of the configuration, as they are now. */
  apps(): readonly ListedApp[];
  /**
   * Turns requests away until nobody has come for a moment, 5 s at most; a worker has nobody to turn away.
   * What it takes counts for SHUTDOWN_SECONDS.
   */
  drain(): Promise<void>;
  /** Puts the apps of another configuration in place, without a gap for those that stay; nothing else of it counts. */
  reload(config: Config): Promise<void>;
  /** Ends everything in order; any number of calls. */
  stop(): Promise<void>;
  /** Takes no more work from now on: closes the listener, ends the loops. Begins it, and never throws; the process ends soon. */
  abandon(): void;
  /** Rejects when a part that the service cannot live without is gone for good. */
  failed: Promise<never>;
}

type Undo = () => Promise<void> | void;

/** Times that an embedded Redis may die within a minute before the service gives up. */
const REDIS_DEATHS_A_MINUTE = 5;
/** Clients that keep coming cannot hold up a stop for longer than this, ms, nor for this share of SHUTDOWN_SECONDS. */
const DRAIN_MS = 5_000;
const DRAIN_SHARE = 0.25;

/**
 * @param nowMs the one clock of ledger and loops; tests move their own
 * @throws ServiceError when a part cannot start; everything started before is stopped again.
 */
export async function startService(
  config: Config,
  logger: Logger,
  tell: (line: string) => void,
  nowMs: () => number = Date.now,
): Promise<Service> {
  const undo: Undo[] = [];
  const unwind = async () => {
    for (let step = undo.pop(); step; step = undo.pop()) await step();
  };
  try {
    return await assemble(config, logger, tell, nowMs, undo, unwind);
  } catch (error) {
    await unwind();
    throw error;
  }
}

async function assemble(
  config: Config,
  logger: Logger,
  tell: (line: string) => void,
  nowMs: () => number,
  undo: Undo[],
  unwind: () => Promise<void>,
): Promise<Service> {
  const failure = Promise.withResolvers<never>();
  failure.promise.catch(() => undefined);
  const shutdownMs = config.shutdownSeconds * 1_000;
  let stopBy: number | null = null;
  /** What is left of SHUTDOWN_SECONDS, ms; they begin with the first call. */
  const left = () => {
    stopBy ??= performance.now() + shutdownMs;
    return Math.max(0, stopBy - performance.now());
  };

  const address = config.redis.url ?? (await startEmbedded(config, logger, tell, undo, failure.reject));
  const connections = await openConnections(address, logger);
  undo.push(() => connections.close());
  if (config.redis.url) {
    const rules = { production: config.production, allowWeak: config.redis.allowWeakDurability };
    await checkDurability(connections.command, rules, logger);
  }

  const sandbox = config.sandbox ? await startOwnQiscus(config) : null;
  if (sandbox) undo.push(() => sandbox.stop());

  const bell = new Doorbell(address, connections.command, logger);
  bell.start();
  undo.push(() => bell.stop());
  const apps = new Apps(config);
  const ingest = config.role === 'worker' ? null : await connections.open('ingest');
  const shared = {
    connections,
    ingest,
    bell,
    turns: new Turns(),
    nowMs,
    logger,
    many: config.apps !== null,
  };
  const running = new RunningApps(apps, shared);
  undo.push(() => running.stop(left));
  await running.start(appsOf(config).map((app) => (sandbox ? inSandbox(app, sandbox) : app)));

  const drain = new Drain();
  let inHand = () => 0;
  let close = () => {};
  let url: string | null = null;
  if (config.role !== 'worker') {
    const app = buildApp({ config, logger, apps, registry: new Registry(), nowMs, drain });
    url = listen(app, config);
    inHand = () => app.server?.pendingRequests ?? 0;
    close = () => void app.server?.stop();
    undo.push(async () => {
      drain.begin();
      // The worker stops after this: a client that sends no end must not use up the time of its calls in hand.
      await Promise.race([app.stop(), Bun.sleep(left() / 2)]);
    });
    if (sandbox && isReachedByLoopback(config.http.host)) {
      sandbox.setDelivery({ baseUrl: url, webhookToken: config.tokens.webhook[0] ?? null });
    } else if (sandbox) {
      const what = 'the sandbox sends webhooks over loopback only, and HOST is another address: none will come from it';
      logger.warn({ event: 'sandbox.undelivered' }, what);
    }
  }

  let stopped: Promise<void> | null = null;
  return {
    url,
    sandbox,
    apps: () => apps.listed,
    failed: failure.promise,
    reload: (next) => running.set(appsOf(next)),
    async drain() {
      drain.begin();
      left();
      if (url !== null) await drain.quiet(inHand, Math.min(DRAIN_MS, shutdownMs * DRAIN_SHARE));
    },
    stop() {
      stopped ??= unwind();
      return stopped;
    },
    abandon() {
      drain.begin();
      close();
      running.stop(() => 0).catch(() => undefined);
    },
  };
}

const SANDBOX_SECRET = 'sandbox';

/** The app's configuration, with our own Qiscus instead of the real one. */
function inSandbox(app: AppConfig, sandbox: Sandbox): AppConfig {
  return { ...app, qiscus: { ...app.qiscus, baseUrl: sandbox.url, secret: SANDBOX_SECRET } };
}

function startOwnQiscus(config: Config): Promise<Sandbox> {
  const { appId, email, password } = config.qiscus;
  return startSandbox({
    appId,
    secret: SANDBOX_SECRET,
    email,
    password,
    agentIds: config.sandboxAgentIds,
    // Beside the private Redis, whose folder is locked: others may be shared by processes that have a sandbox each.
    memoryFile: config.redis.url === null ? join(config.dataDir, `sandbox-${appId}.jsonl`) : null,
    config: { strangerRooms: 'lenient' },
  });
}

async function startEmbedded(
  config: Config,
  logger: Logger,
  tell: (line: string) => void,
  undo: Undo[],
  fail: (error: Error) => void,
): Promise<string> {
  const redis = await startEmbeddedRedis({ dataDir: config.dataDir, log: tell });
  let stopping = false;
  undo.push(() => {
    stopping = true;
    return redis.stop();
  });
  const watch = async () => {
    const deaths: number[] = [];
    for (;;) {
      const { code } = await redis.exited;
      if (stopping) return;
      deaths.push(Date.now());
      const recent = deaths.filter((at) => at > Date.now() - 60_000).length;
      logger.error(
        { event: 'redis.died', code, recent },
        'the embedded Redis ended; starting it again on the same data',
      );
      if (recent > REDIS_DEATHS_A_MINUTE) throw new Error('it ended too often');
      await redis.restart();
    }
  };
  watch().catch((cause) => {
    if (!stopping)
      fail(new ServiceError('STORE_UNAVAILABLE', 'The embedded Redis ended and did not come back.', { cause }));
  });
  return redis.socketPath;
}

function listen(app: ReturnType<typeof buildApp>, config: Config): string {
  const { host, port } = config.http;
  try {
    app.listen({ ...LISTEN, hostname: host, port });
  } catch (cause) {
    const taken = cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE';
    throw new ServiceError(
      'INTERNAL',
      taken
        ? `Port ${port} is taken by another program: end it, or choose another with PORT.`
        : `The service cannot listen on ${host}:${port}: check HOST and PORT.`,
      { cause },
    );
  }
  return baseUrlOf(host, app.server?.port ?? port);
}

const isEverywhere = (host: string) => host === '0.0.0.0' || host === '::';
const isReachedByLoopback = (host: string) => isEverywhere(host) || isLoopback(host);
