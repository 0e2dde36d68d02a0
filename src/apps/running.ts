/**
 * Starts and stops the apps of this process.
 *
 * 1. `set` brings them in line with a list of configurations: those that are new or changed start, those that are gone
 *    stop. An app that changed is replaced without a gap: the new one runs before the old one stops.
 * 2. One list at a time. Of several apps those that can start do; the others are logged, stay as they were, and are tried
 *    again. Where none could, all stays as it was: a process without an app is of no use.
 * 3. `stop` ends all of them together; a list that is being put in force is cut short.
 */
import type { AppConfig } from '../config';
import { type RunningApp, type Shared, startApp } from './app';
import type { Apps } from './directory';

/** Starts under way at once: each asks Redis and Qiscus a few things. */
const STARTS_AT_ONCE = 16;
/** How long the start may wait for Qiscus's agents, ms. */
const FIRST_LOOK_MS = 3_000;
/** How long calls in hand of an app that is replaced or gone may take, ms. */
const LEAVE_MS = 10_000;
const AGAIN_MS = 10_000;

interface Failure {
  config: AppConfig;
  error: unknown;
}

export class RunningApps {
  readonly #directory: Apps;
  readonly #shared: Shared;
  readonly #againMs: number;
  #running: readonly RunningApp[] = [];
  #setting: Promise<void> = Promise.resolve();
  #again: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;

  /** @param againMs after that an app that could not start is tried again */
  constructor(directory: Apps, shared: Shared, againMs = AGAIN_MS) {
    this.#directory = directory;
    this.#shared = shared;
    this.#againMs = againMs;
  }

  /** The first list. @throws ServiceError when no app can start */
  async start(configs: readonly AppConfig[]): Promise<void> {
    const { apps, failures } = await this.#startAll(configs);
    this.#running = apps;
    this.#directory.set(
      apps,
      failures.map(({ config }) => config),
    );
    if (apps.length === 0) throw failures[0]?.error;
    this.#tell(failures, configs);
    this.#warnOfSharedTokens(configs);
  }

  /** Another list. Resolves when it is in force, and what is gone has stopped. */
  set(configs: readonly AppConfig[]): Promise<void> {
    this.#setting = this.#setting.then(() => this.#change(configs));
    return this.#setting;
  }

  /** @param leftMs what is left of the time to stop */
  async stop(leftMs: () => number): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#again);
    await this.#setting;
    await Promise.all(this.#running.map((app) => app.stop(leftMs())));
  }

  async #change(configs: readonly AppConfig[]): Promise<void> {
    if (this.#stopped) return;
    clearTimeout(this.#again);
    const { logger } = this.#shared;
    const before = new Map(this.#running.map((app) => [app.id, app]));
    const isSame = (config: AppConfig) => Bun.deepEquals(before.get(config.qiscus.appId)?.config, config);
    const { apps: started, failures } = await this.#startAll(
      configs.filter((config) => !isSame(config)),
      before,
    );
    this.#tell(failures, configs);
    const fresh = new Map(started.map((app) => [app.id, app]));
    const running = configs.flatMap(({ qiscus: { appId } }) => fresh.get(appId) ?? before.get(appId) ?? []);
    if (running.length === 0) return;
    this.#running = running;
    const isAbsent = ({ config }: Failure) => !running.some(({ id }) => id === config.qiscus.appId);
    this.#directory.set(
      running,
      failures.filter(isAbsent).map(({ config }) => config),
    );
    const gone = [...before.values()].filter((app) => !this.#running.includes(app));
    await Promise.all(gone.map((app) => app.stop(LEAVE_MS)));
    if (started.length + gone.length === 0) return;
    this.#warnOfSharedTokens(configs);
    const counts = { apps: this.#running.length, started: started.length, stopped: gone.length };
    logger.info({ event: 'apps.changed', ...counts }, 'the apps were read again');
  }

  /** A resolve webhook does not name its app: with a shared token it could be anybody's, and is refused. */
  #warnOfSharedTokens(configs: readonly AppConfig[]): void {
    const tokens = configs.flatMap(({ qiscus, tokens: { webhook } }) =>
      webhook.map((token) => ({ token, id: qiscus.appId })),
    );
    for (const sharers of Map.groupBy(tokens, ({ token }) => token).values()) {
      if (sharers.length < 2) continue;
      const apps = sharers.map(({ id }) => id);
      const what =
        'apps share a WEBHOOK_TOKEN: webhooks that do not name their app, as real resolve webhooks, are refused';
      this.#shared.logger.warn({ event: 'token.shared', apps }, what);
    }
  }

  #tell(failures: readonly Failure[], configs: readonly AppConfig[]): void {
    if (failures.length > 0 && !this.#stopped) this.#again = setTimeout(() => void this.set(configs), this.#againMs);
    const what = 'an app could not be started: it stays as it was, and is tried again';
    for (const { config, error } of failures) {
      this.#shared.logger.error({ event: 'app.failed', app: config.qiscus.appId, err: error }, what);
    }
  }

  /** @param before the apps that run, by id */
  async #startAll(configs: readonly AppConfig[], before: ReadonlyMap<string, RunningApp> = new Map()) {
    const apps: RunningApp[] = [];
    const failures: Failure[] = [];
    const rest = [...configs];
    // For all together: where no Qiscus answers, each by itself would hold up those behind it.
    const patience = Bun.sleep(FIRST_LOOK_MS);
    const next = async (): Promise<void> => {
      for (let config = rest.shift(); config && !this.#stopped; config = rest.shift()) {
        try {
          apps.push(await startApp(config, this.#shared, { replaces: before.has(config.qiscus.appId), patience }));
        } catch (error) {
          failures.push({ config, error });
        }
      }
    };
    await Promise.all(Array.from({ length: STARTS_AT_ONCE }, next));
    return { apps, failures };
  }
}
