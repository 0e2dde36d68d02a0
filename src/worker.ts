/**
 * Puts the loops together that turn webhooks into assignments.
 *
 * Started in this order, so that each finds what it needs: limit, leader (agents), dispatcher, applier.
 * Stopped in the reverse order: nothing new is applied, calls under way end, the lease goes back.
 */
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { AppConfig } from './config';
import { Dispatcher } from './dispatch/dispatcher';
import { Applier } from './ledger/apply';
import { Ledger } from './ledger/index';
import type { LedgerDesk } from './ledger/model';
import { Trouble } from './ledger/trouble';
import type { Turns } from './ledger/turns';
import type { Qiscus } from './qiscus/model';
import { DecisionLog } from './reconcile/decisions';
import { DryRun } from './reconcile/dry-run';
import { Leader } from './reconcile/leader';
import type { Store } from './redis/store';
import type { Doorbell } from './streams/doorbell';
import { ensureGroups } from './streams/groups';
import type { JournalReader } from './streams/journal';

/** Share of the calls between two sweeps by which a dry run may ask who is in a room. */
const COMPARING_SHARE = 0.25;

export interface WorkerParts {
  config: AppConfig;
  store: Store;
  desk: LedgerDesk;
  journal: JournalReader;
  bell: Doorbell;
  /** The same for all apps of the process. */
  turns: Turns;
  qiscus: Qiscus;
  nowMs: () => number;
  logger: Logger;
  /** True when nobody else can hold an intent (embedded Redis): what a killed process left is taken over at once. */
  alone: boolean;
  /** Resolves when Qiscus's agents are waited for no longer. */
  patience: Promise<void>;
}

export interface Worker {
  /** @param deadlineMs how long calls under way may still take */
  stop(deadlineMs: number): Promise<void>;
}

/** Starts the loops; resolves when webhooks are being applied. */
export async function startWorker(parts: WorkerParts): Promise<Worker> {
  const { config, store, desk, journal, bell, turns, qiscus, nowMs, logger } = parts;
  const { command, keys } = store;
  const trouble = new Trouble(logger);
  const ledger = new Ledger(store.scripts, nowMs, (rooms) => trouble.unreadable(rooms));
  const setLimit = () => ledger.setInitialLimit(config.allocation.maxCustomers);
  // Groups are lost with all else when Redis comes back empty. The limit first: a crash in between is found again.
  const recreateGroups = async () => {
    await setLimit();
    await ensureGroups(command, keys, { scripts: store.scripts, nowMs });
  };
  await setLimit();
  if (parts.alone) await ledger.reclaim(0, Number.MAX_SAFE_INTEGER);

  // Alone, it goes by one name for ever: the lease of a killed run is its own, and need not lapse first.
  const holder = parts.alone ? 'alone' : `${process.pid}-${randomUUID()}`;
  const decisions = new DecisionLog(ledger, journal, logger, config.dryRun);
  const mostReadings = Math.ceil(config.qiscus.ratePerSecond * config.reconcileSeconds * COMPARING_SHARE);
  const dryRun = config.dryRun ? new DryRun({ ledger, desk, qiscus, journal, log: logger, mostReadings }) : null;
  const leaderParts = {
    ledger,
    desk,
    qiscus,
    decisions,
    dryRun,
    config,
    nowMs,
    holder,
    recreateGroups,
    trouble,
    log: logger,
  };
  const leader = new Leader(leaderParts);
  const limits = { ...config.qiscus, claimMs: config.outboxClaimMs };
  const dispatcher = new Dispatcher(ledger, qiscus, limits, nowMs, recreateGroups, trouble, logger);
  // One connection, one after the other: the intents that an entry leads to are taken in the same round trip.
  const onTaking = () => dispatcher.poke();
  const inboxKey = keys.inbox;
  const applier = new Applier({ ledger, command, inboxKey, bell, turns, onTaking, recreateGroups, log: logger });
  const unsubscribe = journal.subscribe((record) => {
    dispatcher.see(record);
    leader.see(record);
  });
  leader.start();
  // Agents may have gone while the service was down: look before the line moves, but not for long.
  await Promise.race([leader.ready, parts.patience]);
  applier.start();
  dispatcher.poke();
  // Nobody rings for the outbox, since the journal tells of each intent; what was missed is found by looking.
  const unlisten = bell.on(keys.outbox, {
    rung: () => dispatcher.poke(),
    look: async () => void ((await command.xlen(keys.outbox)) > 0 && dispatcher.poke()),
  });
  return {
    async stop(deadlineMs) {
      await applier.stop();
      unlisten();
      await dispatcher.stop(deadlineMs);
      await leader.stop();
      unsubscribe();
    },
  };
}
