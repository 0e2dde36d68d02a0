/**
 * Is the service ready? Compares what the ledger says with what is healthy.
 *
 * 1. Redis down is an answer too, within a quarter of a second.
 * 2. Probes that arrive together share one reading, so that an open endpoint cannot be used to press Redis.
 */
import type { Config } from '../../config';
import type { LedgerDesk, LedgerHealth } from '../../ledger/model';

export type Part = 'redis' | 'inbox' | 'outbox' | 'roster' | 'qiscus' | 'stopping';
export interface Readiness {
  failing: Part[];
  /** null when Redis did not answer. */
  health: LedgerHealth | null;
}

const ANSWER_WITHIN_MS = 150;
const OLDEST_INBOX_MS = 30_000;
const ROSTER_PERIODS = 6;

/** The parts of a reading that are not healthy. Pure. */
export function failingParts(health: LedgerHealth, config: Config): Part[] {
  const oldestRosterMs = ROSTER_PERIODS * config.rosterSyncSeconds * 1000;
  const failing: Part[] = [];
  if (health.inboxAgeMs > OLDEST_INBOX_MS) failing.push('inbox');
  if (health.outboxAgeMs > 2 * config.outboxClaimMs) failing.push('outbox');
  if (health.rosterAgeMs === null || health.rosterAgeMs > oldestRosterMs) failing.push('roster');
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
export function readiness(desk: LedgerDesk, config: Config, stopping?: AbortSignal): () => Promise<Readiness> {
  let reading: Promise<Readiness> | null = null;

  async function read(): Promise<Readiness> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<null>((resolve) => {
      timer = setTimeout(resolve, ANSWER_WITHIN_MS, null);
    });
    const health = await Promise.race([desk.readHealth().catch(() => null), late]);
    clearTimeout(timer);
    const failing: Part[] = health === null ? ['redis'] : failingParts(health, config);
    return { health, failing: stopping?.aborted ? ['stopping', ...failing] : failing };
  }

  return () => {
    reading ??= read().finally(() => {
      reading = null;
    });
    return reading;
  };
}
