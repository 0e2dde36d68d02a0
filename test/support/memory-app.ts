/**
 * The HTTP side on small in-memory parts: what it asks of the ledger, the journal and Qiscus, without any rule of the real
 * ones. The real ones are tested with Redis and the sandbox.
 */
import pino from 'pino';
import { Registry } from 'prom-client';
import { type AppParts, buildApp } from '../../src/app';
import { Apps } from '../../src/apps/directory';
import type { Config } from '../../src/config';
import { idMs, isOlder } from '../../src/ids';
import type { Intake, JournalFeed, JournalRecord, Outcome, Webhook } from '../../src/ledger/model';
import type { Qiscus, WebhookRegistration } from '../../src/qiscus/model';
import { testConfig } from './config';
import { MemoryDesk } from './desk';

export const BASE = 'http://localhost';

export class MemoryIntake implements Intake {
  submitted: { webhook: Webhook; request: string; waitMs: number }[] = [];
  outcome: (webhook: Webhook) => Outcome = (webhook) =>
    webhook.kind === 'allocation'
      ? { state: 'assigned', entry: '1763842000000-0', agentId: 'agent_01' }
      : { state: 'released', entry: '1763842000000-1' };

  async submit(webhook: Webhook, request: string, waitMs: number) {
    this.submitted.push({ webhook, request, waitMs });
    return this.outcome(webhook);
  }
}

export class MemoryFeed implements JournalFeed {
  records: JournalRecord[] = [];
  listeners = new Set<(record: JournalRecord) => void>();
  /** Runs between the reading of a page and its answer, to put a record into that gap. */
  whilePaging: () => void = () => {};

  /** Appends a record and tells it to every listener, as a reader would. */
  add(added: JournalRecord) {
    this.records.push(added);
    for (const listener of this.listeners) listener(added);
  }
  async page(afterId: string | null, limit: number) {
    const start = afterId === null ? 0 : this.records.findIndex(({ id }) => id === afterId) + 1;
    const records = this.records.slice(start, start + limit);
    this.whilePaging();
    return { records, next: start + limit < this.records.length ? (records.at(-1)?.id ?? null) : null };
  }
  async pageBack(beforeId: string, sinceMs: number, limit: number) {
    const older = this.records.filter(({ id }) => isOlder(id, beforeId) && idMs(id) >= sinceMs).reverse();
    const records = older.slice(0, limit);
    return { records, next: limit < older.length ? (records.at(-1)?.id ?? null) : null };
  }
  subscribe(listener: (record: JournalRecord) => void) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}

export class MemoryQiscus implements Pick<Qiscus, 'setResolveWebhook' | 'removeAgent'> {
  removed: [string, string][] = [];
  accepts = true;
  urls: string[] = [];

  async setResolveWebhook(url: string, enabled: boolean): Promise<WebhookRegistration> {
    this.urls.push(url);
    return this.accepts ? { kind: 'set', url, enabled } : { kind: 'refused', reason: 'status 403' };
  }
  async removeAgent(roomId: string, agentId: string) {
    this.removed.push([roomId, agentId]);
    return this.accepts;
  }
}

/** An app on in-memory parts, and those parts. `logged` holds every log line. */
export function memoryApp(change: (config: Config) => void = () => {}, rest: Partial<AppParts> = {}) {
  const logged: string[] = [];
  const parts = {
    config: testConfig(change),
    logger: pino({ level: 'info' }, { write: (line: string) => logged.push(line) }),
    desk: new MemoryDesk(),
    intake: new MemoryIntake(),
    feed: new MemoryFeed(),
    qiscus: new MemoryQiscus(),
    registry: new Registry(),
    nowMs: Date.now,
  };
  const { config, desk, intake, feed, qiscus, logger } = parts;
  const apps = new Apps(config);
  apps.set([
    {
      id: config.qiscus.appId,
      config,
      desk,
      intake,
      feed,
      qiscus,
      logger,
      isNearlyFull: () => false,
      gone: new AbortController().signal,
    },
  ]);
  const app = buildApp({ ...parts, apps, ...rest });
  /** Sends a request; an object as `json` becomes a JSON body with its header. */
  const send = (
    method: string,
    path: string,
    init: { json?: unknown; headers?: Record<string, string>; body?: string | ReadableStream } = {},
  ) => {
    const headers = { ...(init.json !== undefined && { 'content-type': 'application/json' }), ...init.headers };
    const body = init.json === undefined ? init.body : JSON.stringify(init.json);
    return app.handle(new Request(BASE + path, { method, headers, body }));
  };
  return { ...parts, apps, app, logged, send };
}

/** The code of an error, or undefined. */
export const codeOf = async (reply: Response): Promise<unknown> => Reflect.get(Object(await reply.json()), 'code');
