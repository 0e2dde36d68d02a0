/**
 * Is the service ready? Compares what the ledger says with what is healthy.
 *
 * 1. Redis down is an answer too, within a quarter of a second.
 * 2. Probes that arrive together share one reading, so that an open endpoint cannot be used to press Redis.
 */
import type { Apps, ListedApp } from '../../apps/directory';
import type { AppConfig } from '../../config';
import type { LedgerHealth } from '../../ledger/model';
import { isRosterOld } from '../../reconcile/alerts';
import { NewerFormat } from '../../redis/format';

export type Part = 'redis' | 'format' | 'inbox' | 'outbox' | 'roster' | 'qiscus' | 'start' | 'stopping';
export interface AppReadiness {
  app: ListedApp;
  failing: Part[];
  /** null when it could not be started, Redis did not answer, or a newer version works on the ledger. */
  health: LedgerHealth | null;
}

export interface Readiness {
  /** What fails for every app. */
  failing: Part[];
  apps: AppReadiness[];
}

const ANSWER_WITHIN_MS = 150;
/** A thousand apps are a thousand readings: these may take longer, and are kept for as long. */
const MORE_FOR_AN_APP_MS = 1;
const OLDEST_INBOX_MS = 30_000;

/** The parts of a reading that are not healthy. Pure. */
export function failingParts(health: LedgerHealth, config: AppConfig): Part[] {
  const failing: Part[] = [];
  if (health.inboxAgeMs > OLDEST_INBOX_MS) failing.push('inbox');
  if (health.outboxAgeMs > 2 * config.outboxClaimMs) failing.push('outbox');
  if (isRosterOld(health, config)) failing.push('roster');
  if (health.qiscus.state === 'denied' || health.qiscus.state === 'open') failing.push('qiscus');
  return failing;
}

/** What works but should be mended. Pure. A full Redis still takes resolves in, which make room: so it is no failing part. */
export function warningsOf(health: LedgerHealth, isNearlyFull: boolean): string[] {
  const found = health.resolveWebhook;
  const webhook = found === null || found === 'ok' ? [] : [`resolve_webhook_${found}`];
  return [...webhook, ...(isNearlyFull ? ['redis_memory'] : [])];
}

/** Makes the reader of readiness; never rejects. */
export function readiness(apps: Apps, stopping?: AbortSignal): () => Promise<Readiness> {
  let reading: Promise<Readiness> | null = null;

  async function readOne(app: ListedApp, late: Promise<null>): Promise<AppReadiness> {
    if (app.running === null) return { app, health: null, failing: ['start'] };
    let unread: Part = 'redis';
    const reading = app.running.desk.readHealth().catch((error) => {
      if (error instanceof NewerFormat) unread = 'format';
      return null;
    });
    const health = await Promise.race([reading, late]);
    return { app, health, failing: health === null ? [unread] : failingParts(health, app.config) };
  }

  async function read(): Promise<Readiness> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<null>((resolve) => {
      timer = setTimeout(resolve, ANSWER_WITHIN_MS + apps.listed.length * MORE_FOR_AN_APP_MS, null);
    });
    const found = await Promise.all(apps.listed.map((app) => readOne(app, late)));
    clearTimeout(timer);
    // One app's trouble is not the others': only what fails for all takes the process out of service.
    const failing = found[0]?.failing.filter((part) => found.every((one) => one.failing.includes(part))) ?? [];
    return { apps: found, failing: stopping?.aborted ? ['stopping', ...failing] : failing };
  }

  return () => {
    const forget = () => {
      reading = null;
    };
    const others = apps.listed.length - 1;
    reading ??= read().finally(() => (others > 0 ? setTimeout(forget, others * MORE_FOR_AN_APP_MS) : forget()));
    return reading;
  };
}
