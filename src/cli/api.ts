/**
 * A caller of a running service's HTTP API, for commands.
 *
 * 1. Where and with what token follows from the service's own settings: HOST, PORT and ADMIN_TOKEN of `.env` or the environment.
 *    A token is never an argument, which everybody on the machine could read.
 * 2. Every failure is a CommandError that says what to do.
 * 3. An app that is asked for must be one that the token opens: a service with one app would answer for any.
 * 4. What is decoded for people is cleaned of all that a terminal would obey; `json` is what came, for `--json`.
 *
 * Holds nothing; there is nothing to stop.
 */
import { type Static, type TSchema, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { baseUrlOf, type Environment } from '../config';
import { ID } from '../ids';
import { readSetting } from '../settings';
import { CommandError, NoAnswer, TokenRefused, wrongUsage } from './errors';
import { clean } from './screen';
import { AppList } from './wire';

export interface Place {
  url: string;
  /** null: none is set. */
  token: string | null;
  /** One of several Qiscus apps. */
  app: string | null;
}

export interface Answer<T> {
  /** For people: cleaned. */
  value: T;
  /** As it came. */
  json: T;
}

const ANSWER_WITHIN_MS = 10_000;

/**
 * Where the service is, by its own settings.
 * @param url wins over HOST and PORT
 * @throws CommandError for a setting or an address that is wrong
 */
export function placeOf(env: Environment, url: string | undefined, app: string | undefined): Place {
  const get = <Name extends 'HOST' | 'PORT' | 'ADMIN_TOKEN'>(name: Name) =>
    readSetting(name, env[name]?.trim() ?? '', (problem) => {
      throw wrongUsage(name === 'ADMIN_TOKEN' ? `${problem}. Here it must be one of the service's.` : problem);
    });
  const token = get('ADMIN_TOKEN')[0] ?? null;
  if (app !== undefined && !ID.test(app))
    throw wrongUsage("--app must be an app's id: 1 to 64 letters, digits, - and _.");
  if (url !== undefined) {
    const parsed = URL.canParse(url) ? new URL(url) : null;
    const isPlain = parsed && !parsed.username && !parsed.password && !parsed.search && !parsed.hash;
    if (!isPlain || !/^https?:$/.test(parsed.protocol))
      throw wrongUsage('--url must be an address such as http://127.0.0.1:3000, without user, password and query.');
    return { url: parsed.href.replace(/\/+$/, ''), token, app: app ?? null };
  }
  const port = get('PORT');
  if (port === 0)
    throw wrongUsage('PORT is 0, any free one: say where the service is with --url http://127.0.0.1:<port>.');
  return { url: baseUrlOf(get('HOST'), port), token, app: app ?? null };
}

export class Api {
  readonly place: Place;
  #checked: Promise<void> | null = null;

  constructor(place: Place) {
    this.place = place;
  }

  /** GET below /api/v1. @throws CommandError */
  get<T extends TSchema>(path: string, schema: T): Promise<Answer<Static<T>>> {
    return this.#read(`/api/v1${path}`, schema, []);
  }

  /** The same of what an older service may lack; null then. @throws CommandError */
  async find<T extends TSchema>(path: string, schema: T): Promise<Answer<Static<T>> | null> {
    const { status, text } = await this.#call(`/api/v1${path}`);
    const isMissing = status === 404 && codeOf(parse(text)) === 'NOT_FOUND';
    return isMissing ? null : this.#decode(status, text, schema, []);
  }

  /** Readiness, which is told with a 503 too. @throws CommandError */
  health<T extends TSchema>(schema: T): Promise<Answer<Static<T>>> {
    return this.#read('/health/ready', schema, [503]);
  }

  async #read<T extends TSchema>(path: string, schema: T, also: number[]): Promise<Answer<Static<T>>> {
    const { status, text } = await this.#call(path);
    return this.#decode(status, text, schema, also);
  }

  async #call(path: string): Promise<{ status: number; text: string }> {
    const { app } = this.place;
    if (app !== null) {
      this.#checked ??= this.#checkApp(app);
      await this.#checked;
    }
    return this.#fetch(path, app);
  }

  async #checkApp(app: string): Promise<void> {
    const open = await this.#openApps();
    if (open.length > 0 && !open.includes(app))
      throw wrongUsage(`--app ${app} is none that the token opens at ${this.place.url}: ${open.join(', ')}.`);
  }

  /** Those of the token; none where the service does not say. */
  async #openApps(): Promise<string[]> {
    const { status, text } = await this.#fetch('/api/v1/apps', null);
    const value = parseCleaned(text);
    return status === 200 && Value.Check(AppList, value) ? value.apps.map(({ app_id }) => app_id) : [];
  }

  async #fetch(path: string, app: string | null): Promise<{ status: number; text: string }> {
    const { url, token } = this.place;
    const headers = {
      accept: 'application/json',
      ...(token !== null && { authorization: `Bearer ${token}` }),
      ...(app !== null && { 'x-app-id': app }),
    };
    try {
      const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
      // A redirect would carry the token to whoever it names.
      const answer = await fetch(url + path, { headers, signal, redirect: 'error' });
      return { status: answer.status, text: await answer.text() };
    } catch (error) {
      throw silence(url, error);
    }
  }

  async #decode<T extends TSchema>(
    status: number,
    text: string,
    schema: T,
    also: number[],
  ): Promise<Answer<Static<T>>> {
    const json = parse(text);
    const value = parseCleaned(text);
    if ((status === 200 || also.includes(status)) && Value.Check(schema, value) && Value.Check(schema, json))
      return { value, json };
    throw await this.#refusal(status, value);
  }

  async #refusal(status: number, value: unknown): Promise<CommandError> {
    const { url, token } = this.place;
    const code = codeOf(value);
    if (code === 'UNAUTHORIZED')
      return new TokenRefused(
        token === null
          ? `The service at ${url} wants a token: put its ADMIN_TOKEN into the environment or .env.`
          : `The service at ${url} does not take this token: ADMIN_TOKEN here must be one of the service's.`,
      );
    if (code === 'APP_UNKNOWN')
      return wrongUsage(
        `The token opens several Qiscus apps: say which with --app, ${(await this.#openApps()).join(' or ')}.`,
      );
    if (Value.Check(Refusal, value)) return new CommandError(value.message);
    return new CommandError(
      status === 200 || status === 503
        ? `What answers at ${url} is another version of this service, or something else: check --url.`
        : `What answers at ${url} is not this service (status ${status}): check --url.`,
    );
  }
}

const Refusal = Type.Object({ code: Type.String(), message: Type.String() });

const codeOf = (value: unknown): string => (Value.Check(Refusal, value) ? value.code : '');

function parse(text: string, reviver?: (key: string, value: unknown) => unknown): unknown {
  try {
    return JSON.parse(text, reviver);
  } catch {
    return undefined;
  }
}

const parseCleaned = (text: string): unknown => parse(text, (_, one) => (typeof one === 'string' ? clean(one) : one));

/** Why no answer came; `NoAnswer` only where nobody listens. */
function silence(url: string, error: unknown): CommandError {
  const name = error instanceof Error ? error.name : '';
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (name === 'TimeoutError')
    return new CommandError(
      `The service at ${url} did not answer within ${ANSWER_WITHIN_MS / 1_000} s. Its log may say why.`,
    );
  if (code === 'UnexpectedRedirect')
    return new CommandError(`What answers at ${url} sends us elsewhere: give the service's own address with --url.`);
  if (code === 'ENOTFOUND') return new CommandError(`There is no host of the name in ${url}: check --url.`);
  if (/CERT|SSL|TLS|ISSUER/.test(code))
    return new CommandError(
      `The certificate at ${url} is not trusted (${code}): check --url, or name its issuer's in NODE_EXTRA_CA_CERTS.`,
    );
  if (code === 'ECONNRESET')
    return new CommandError(`What listens at ${url} hung up: check --url, also whether it is http or https.`);
  return new NoAnswer(
    `No service answers at ${url}. Start it (npm start or bun start), or say where it is: --url http://host:port.`,
  );
}
