/**
 * One Qiscus app in this process: its keys, its ledger, its Qiscus, its loops. Apps share connections and nothing else.
 *
 * 1. Starts in the order of need; what was started is stopped again when a later part fails.
 * 2. `stop` goes the other way round: the loops end, calls in hand are finished, the journal's reader goes last.
 */
import type { Logger } from 'pino';
import type { AppConfig } from '../config';
import { Desk } from '../ledger/desk';
import { Ledger } from '../ledger/index';
import type { Intake, JournalFeed, LedgerDesk } from '../ledger/model';
import type { Turns } from '../ledger/turns';
import { createQiscusClient } from '../qiscus/client';
import type { Qiscus } from '../qiscus/model';
import { readingOnly } from '../qiscus/reading-only';
import type { RedisClient } from '../redis/client';
import type { Connections } from '../redis/store';
import type { Doorbell } from '../streams/doorbell';
import { ensureGroups } from '../streams/groups';
import { Inbox } from '../streams/inbox';
import { JournalReader } from '../streams/journal';
import { Waiters } from '../streams/waiters';
import { startWorker } from '../worker';

/** What the HTTP side needs of one app. */
export interface QiscusApp {
  /** The app's code at Qiscus. */
  id: string;
  config: AppConfig;
  desk: LedgerDesk;
  intake: Intake;
  feed: JournalFeed;
  qiscus: Pick<Qiscus, 'setResolveWebhook' | 'removeAgent'>;
  logger: Logger;
  /** Is the Redis that holds it so full that new chats are refused? */
  isNearlyFull: () => boolean;
  /** Aborted when this process no longer serves it, or serves it by other settings. */
  gone: AbortSignal;
}

export interface RunningApp extends QiscusApp {
  /** @param deadlineMs how long calls under way may still take */
  stop(deadlineMs: number): Promise<void>;
}

/** What all apps of a process share. */
export interface Shared {
  connections: Connections;
  /** The connection for webhook appends; null in a worker. */
  ingest: RedisClient | null;
  bell: Doorbell;
  turns: Turns;
  nowMs: () => number;
  logger: Logger;
  /** Are there several apps? Then each line of the log says which it is about. */
  many: boolean;
}

/** The circumstances of a start. */
export interface Start {
  /** Does this process run the app already? Then that one has calls in hand, and leads, until it is stopped. */
  replaces: boolean;
  /** Resolves when Qiscus's agents are waited for no longer. */
  patience: Promise<void>;
}

/** Starts one app. @throws ServiceError when a part of it cannot start */
export async function startApp(config: AppConfig, shared: Shared, start: Start): Promise<RunningApp> {
  const { connections, ingest, bell, turns, nowMs } = shared;
  const logger = shared.many ? shared.logger.child({ app: config.qiscus.appId }) : shared.logger;
  const store = await connections.of(config.qiscus.appId, logger, config.dryRun);
  // Where a newer version has worked there is nothing for this one to do.
  await store.scripts.run('open_ledger', nowMs());
  await ensureGroups(store.command, store.keys, { scripts: store.scripts, nowMs });
  const client = createQiscusClient({ ...config.qiscus, secret: config.qiscus.secret ?? '' });
  const qiscus = config.dryRun ? readingOnly(client) : client;
  const desk = new Desk(store.scripts, nowMs);
  if (config.dryRun) {
    logger.warn({ event: 'dry_run.begun' }, 'a dry run: it decides and writes down, and changes nothing at Qiscus');
  }
  const journal = new JournalReader(store.command, bell, store.keys.journal, logger);
  const waiters = new Waiters();
  const gone = new AbortController();
  journal.subscribe((record) => waiters.see(record));
  await journal.start();
  try {
    // Redis of our own: nobody else can hold anything.
    const alone = config.redis.url === null && !start.replaces;
    const { patience } = start;
    const parts = { config, store, desk, journal, bell, turns, qiscus, nowMs, logger, alone, patience };
    const worker = config.role === 'api' ? null : await startWorker(parts);
    // Until a worker has started there is no limit to show; once there is one, the workers' configuration counts.
    if (worker === null && (await desk.readSettings()).maxCustomers === 0) {
      await new Ledger(store.scripts, nowMs).setInitialLimit(config.allocation.maxCustomers);
    }
    return {
      id: config.qiscus.appId,
      config,
      desk,
      intake:
        ingest === null
          ? NO_INTAKE
          : new Inbox(ingest, store, waiters, config.redis.minReplicas, bell, config.webhooksPerSecond),
      feed: journal,
      qiscus,
      logger,
      isNearlyFull: store.isNearlyFull,
      gone: gone.signal,
      async stop(deadlineMs) {
        gone.abort();
        await worker?.stop(deadlineMs);
        await journal.stop();
      },
    };
  } catch (error) {
    await journal.stop();
    throw error;
  }
}

/** A worker takes no webhooks. */
const NO_INTAKE: Intake = { submit: () => Promise.reject(new Error('a worker takes no webhooks')) };
