/**
 * The Qiscus apps that this process serves, and which of them a caller may reach.
 *
 * 1. Tokens lead to apps: an app's own tokens to that app, the operator's ADMIN_TOKEN to all of them.
 * 2. A caller who may reach several says which: webhooks by their `app_id` or `app_code`, people by `X-App-Id` or by the
 *    user name of HTTP Basic.
 * 3. `set` puts another list in place (SIGHUP): doors and listeners follow at once.
 */
import type { Config } from '../config';
import { ServiceError } from '../errors';
import { Door, presentedUser } from '../http/auth';
import type { QiscusApp } from './app';

export class Apps {
  readonly #operator: readonly string[];
  readonly #listeners: ((app: QiscusApp) => void)[] = [];
  #all: readonly QiscusApp[] = [];
  #webhook = new Door<QiscusApp>([]);
  #admin = new Door<QiscusApp>([]);
  /** Can there be several? Else there is nothing to tell apart, and nothing to remember. */
  readonly #many: boolean;
  /** The apps that a request's token opens; absent: it had none. The list may be another one before the request is over. */
  readonly #admitted = new WeakMap<Request, readonly QiscusApp[]>();

  /** @param config the process's own */
  constructor(config: Pick<Config, 'tokens' | 'apps'>) {
    this.#operator = config.tokens.admin;
    this.#many = config.apps !== null;
  }

  get all(): readonly QiscusApp[] {
    return this.#all;
  }

  get webhookDoor(): Door<QiscusApp> {
    return this.#webhook;
  }

  get adminDoor(): Door<QiscusApp> {
    return this.#admin;
  }

  set(apps: readonly QiscusApp[]): void {
    const before = this.#all;
    this.#all = apps;
    this.#webhook = new Door(apps.flatMap((app) => app.config.tokens.webhook.map((token) => [token, app])));
    // What an app does not set is the environment's: then its own token is the operator's, which opens it already.
    const own = apps.flatMap((app) =>
      app.config.tokens.admin
        .filter((token) => !this.#operator.includes(token))
        .map((token): [string, QiscusApp] => [token, app]),
    );
    const operator = this.#operator.flatMap((token) => apps.map((app): [string, QiscusApp] => [token, app]));
    this.#admin = new Door([...own, ...operator]);
    for (const app of apps) if (!before.includes(app)) for (const listener of this.#listeners) listener(app);
  }

  /** Calls back for every app, those to come too. */
  each(listener: (app: QiscusApp) => void): void {
    this.#listeners.push(listener);
    this.#all.forEach(listener);
  }

  /** The gate let this request in, to these apps. */
  admit(request: Request, apps: readonly QiscusApp[]): void {
    if (this.#many) this.#admitted.set(request, apps);
  }

  /** The apps that this request's token opens. */
  openTo(request: Request): readonly QiscusApp[] {
    return this.#many ? (this.#admitted.get(request) ?? []) : this.#all;
  }

  /** The app that a person's request is about. @throws ServiceError APP_UNKNOWN */
  of(request: Request): QiscusApp {
    const apps = this.openTo(request);
    const wanted = request.headers.get('x-app-id') ?? (apps.length > 1 ? presentedUser(request.headers) : null);
    const found = wanted === null ? apps : apps.filter(({ id, config }) => id === wanted || !config.qiscus.checkAppId);
    const [app] = found;
    if (app && found.length === 1) return app;
    throw new ServiceError(
      'APP_UNKNOWN',
      'Say which app: its id in the header X-App-Id, or as user name of HTTP Basic. GET /api/v1/apps lists those of your token.',
    );
  }

  /**
   * The app that a webhook is for. @param named the texts by which it names its app
   * @throws ServiceError WRONG_APP, INVALID_BODY
   */
  ofWebhook(request: Request, named: readonly unknown[]): QiscusApp {
    const apps = this.openTo(request);
    const fitting = apps.filter(({ id, config }) => !config.qiscus.checkAppId || named.every((name) => name === id));
    const [app] = fitting;
    if (!app) throw new ServiceError('WRONG_APP', 'This webhook belongs to another Qiscus app. Compare QISCUS_APP_ID.');
    if (fitting.length === 1) return app;
    throw new ServiceError('INVALID_BODY', 'Several apps share this token: the webhook must name its own, in app_id.');
  }
}
