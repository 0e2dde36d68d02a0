/**
 * The Qiscus apps of the configuration, and which of them a caller may reach.
 *
 * 1. Tokens lead to apps: an app's own tokens to that app, the operator's ADMIN_TOKEN to all of them.
 * 2. A caller who may reach several says which: webhooks by their `app_id` or `app_code`, people by `X-App-Id` or by the
 *    user name of HTTP Basic. Who names an app that the token does not open reaches none.
 * 3. An app that does not run here (it could not be started, and is tried again) is refused like a store that is away: its
 *    tokens stay right, and nothing of it reaches another app.
 * 4. `set` puts another list in place (SIGHUP): doors and listeners follow at once.
 */
import type { AppConfig, Config } from '../config';
import { ServiceError } from '../errors';
import { Door, presentedUser } from '../http/auth';
import type { QiscusApp } from './app';

/** An app of the configuration; `running` null: it could not be started here. */
export interface ListedApp {
  id: string;
  config: AppConfig;
  running: QiscusApp | null;
}

export class Apps {
  readonly #operator: readonly string[];
  readonly #listeners: ((app: QiscusApp) => void)[] = [];
  #listed: readonly ListedApp[] = [];
  #running: readonly QiscusApp[] = [];
  #webhook = new Door<ListedApp>([]);
  #admin = new Door<ListedApp>([]);
  /** Can there be several? Else there is nothing to tell apart, and nothing to remember. */
  readonly #many: boolean;
  /** The apps that a request's token opens; absent: it had none. The list may be another one before the request is over. */
  readonly #admitted = new WeakMap<Request, readonly ListedApp[]>();

  /** @param config the process's own */
  constructor(config: Pick<Config, 'tokens' | 'apps'>) {
    this.#operator = config.tokens.admin;
    this.#many = config.apps !== null;
  }

  /** Those that run here. */
  get running(): readonly QiscusApp[] {
    return this.#running;
  }

  /** Those of the configuration. */
  get listed(): readonly ListedApp[] {
    return this.#listed;
  }

  get webhookDoor(): Door<ListedApp> {
    return this.#webhook;
  }

  get adminDoor(): Door<ListedApp> {
    return this.#admin;
  }

  /** @param absent apps of the configuration that do not run */
  set(running: readonly QiscusApp[], absent: readonly AppConfig[] = []): void {
    const before = this.#running;
    this.#running = running;
    const listed = [
      ...running.map((app): ListedApp => ({ id: app.id, config: app.config, running: app })),
      ...absent.map((config): ListedApp => ({ id: config.qiscus.appId, config, running: null })),
    ];
    this.#listed = listed;
    this.#webhook = new Door(listed.flatMap((app) => app.config.tokens.webhook.map((token) => [token, app])));
    // What an app does not set is the environment's: then its own token is the operator's, which opens it already.
    const own = listed.flatMap((app) =>
      app.config.tokens.admin
        .filter((token) => !this.#operator.includes(token))
        .map((token): [string, ListedApp] => [token, app]),
    );
    const operator = this.#operator.flatMap((token) => listed.map((app): [string, ListedApp] => [token, app]));
    this.#admin = new Door([...own, ...operator]);
    for (const app of running) if (!before.includes(app)) for (const listener of this.#listeners) listener(app);
  }

  /** Calls back for every app that runs, those to come too. */
  each(listener: (app: QiscusApp) => void): void {
    this.#listeners.push(listener);
    this.#running.forEach(listener);
  }

  /** This request may reach these apps: the gate let it in to them, or it named its own. */
  admit(request: Request, apps: readonly ListedApp[]): void {
    if (this.#many) this.#admitted.set(request, apps);
  }

  /** The apps that this request's token opens. */
  openTo(request: Request): readonly ListedApp[] {
    return this.#many ? (this.#admitted.get(request) ?? []) : this.#listed;
  }

  /** Those of `openTo` that the request names; all of them when it names none. */
  namedBy(request: Request): readonly ListedApp[] {
    const open = this.openTo(request);
    const wanted = request.headers.get('x-app-id') ?? this.#appOfUser(request);
    return wanted === null ? open : open.filter(({ id, config }) => id === wanted || !config.qiscus.checkAppId);
  }

  /** The id of the app that a request is about; null: it is about none, or does not say about which. */
  idFor(request: Request): string | null {
    const [app, another] = this.namedBy(request);
    return app && !another ? app.id : null;
  }

  /** The app that a person's request is about. @throws ServiceError APP_UNKNOWN, STORE_UNAVAILABLE */
  of(request: Request): QiscusApp {
    const found = this.namedBy(request);
    const [app] = found;
    if (app && found.length === 1) return here(app);
    throw new ServiceError(
      'APP_UNKNOWN',
      'Say which app: its id in the header X-App-Id, or as user name of HTTP Basic. GET /api/v1/apps lists those of your token.',
    );
  }

  /**
   * The app that a webhook is for. @param named the texts by which it names its app
   * @throws ServiceError WRONG_APP, INVALID_BODY, STORE_UNAVAILABLE
   */
  ofWebhook(request: Request, named: readonly unknown[]): QiscusApp {
    const apps = this.openTo(request);
    const fitting = apps.filter(({ id, config }) => !config.qiscus.checkAppId || named.every((name) => name === id));
    const [app] = fitting;
    if (!app) throw new ServiceError('WRONG_APP', 'This webhook belongs to another Qiscus app. Compare QISCUS_APP_ID.');
    if (fitting.length === 1) {
      this.admit(request, fitting);
      return here(app);
    }
    throw new ServiceError('INVALID_BODY', 'Several apps share this token: the webhook must name its own, in app_id.');
  }

  /** Any user name will do where the token says it all, but not that of another app. */
  #appOfUser(request: Request): string | null {
    const user = this.#many ? presentedUser(request.headers) : null;
    const isApp = this.#listed.some(({ id }) => id === user);
    return isApp || this.openTo(request).length > 1 ? user : null;
  }
}

/** @throws ServiceError STORE_UNAVAILABLE */
function here({ running }: ListedApp): QiscusApp {
  if (running !== null) return running;
  throw new ServiceError('STORE_UNAVAILABLE', 'This app could not be started here yet: nothing was stored. Try again.');
}
