/**
 * The file of QISCUS_APPS_FILE: many Qiscus apps for one deployment, as JSON:
 *
 *   { "apps": [{ "QISCUS_APP_ID": "shop-1", "QISCUS_SECRET": { "env": "SHOP_1_SECRET" }, "QISCUS_MAX_CUSTOMER": 3 }] }
 *
 * 1. An app's settings have the names that they have in the environment; what an app does not set is the environment's.
 * 2. A value is a text, a number, true or false, or where to find it: `{ "env": "NAME" }` or `{ "file": "/path" }`. Secrets only so.
 * 3. Every problem is reported, with the app's id or its place in the list, and never with a value.
 */
import type { Environment } from './config';
import { ID } from './ids';
import { brokenPlace } from './json-place';

/** One app's own settings, by name, as text. */
export interface AppEntry {
  appId: string;
  settings: Record<string, string>;
}

const SECRETS = ['QISCUS_SECRET', 'QISCUS_PASSWORD', 'WEBHOOK_TOKEN', 'ADMIN_TOKEN'];

/** What may differ from app to app; the rest belongs to the process. */
export const APP_SETTINGS: readonly string[] = [
  ...SECRETS,
  ...['DRY_RUN', 'QISCUS_APP_ID', 'QISCUS_BASE_URL', 'QISCUS_EMAIL', 'QISCUS_MAX_CUSTOMER', 'QISCUS_AGENT_ID'],
  ...['QISCUS_TIMEOUT_MS', 'QISCUS_CONCURRENCY', 'QISCUS_RATE_PER_SECOND', 'WEBHOOKS_PER_SECOND'],
  ...['FALLBACK_AFTER_SECONDS', 'WAIT_MAX_HOURS', 'SWEEP_MAX_AGE_HOURS', 'ROSTER_SYNC_SECONDS', 'RECONCILE_SECONDS'],
  ...['COUNT_LAG_SECONDS', 'JOURNAL_DAYS', 'JOURNAL_MAX_ENTRIES'],
  ...['ALERT_WAIT_MINUTES', 'ALERT_DRIFT', 'ALERT_SILENCE_MINUTES', 'ALERT_REPEAT_MINUTES'],
];

const FILE = 'QISCUS_APPS_FILE';

/** Reads the file's apps; those with a problem in their form are left out and reported. */
export function readAppsFile(
  path: string,
  env: Environment,
  readText: (path: string) => string,
  report: (problem: string) => void,
): AppEntry[] {
  const list = listIn(path, readText);
  if (typeof list === 'string') {
    report(`${FILE} ${list}`);
    return [];
  }
  const apps = list.flatMap((entry, index): AppEntry[] => {
    const named = isFields(entry) ? entry.QISCUS_APP_ID : undefined;
    if (!isFields(entry) || typeof named !== 'string' || !ID.test(named)) {
      report(`${FILE}, app number ${index + 1}: it needs a QISCUS_APP_ID of 1 to 64 letters, digits, - and _`);
      return [];
    }
    const complain = (problem: string) => report(`${FILE}, app ${named}: ${problem}`);
    if (entry.QISCUS_SECRET === undefined) complain('QISCUS_SECRET is missing');
    return [{ appId: named, settings: settingsOf(entry, env, readText, complain) }];
  });
  const seen = new Set<string>();
  for (const { appId } of apps) {
    if (seen.has(appId)) report(`${FILE} names the app ${appId} twice`);
    seen.add(appId);
  }
  return apps;
}

function listIn(path: string, readText: (path: string) => string): unknown[] | string {
  let text: string;
  try {
    text = readText(path);
  } catch {
    return 'cannot be read: check the path and its rights';
  }
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    return `is not valid JSON: ${brokenPlace(text)}`;
  }
  const list = isFields(content) ? content.apps : undefined;
  const other = Object.keys(isFields(content) ? content : {}).find((name) => name !== 'apps');
  if (other !== undefined) return `holds more than "apps": ${known(other)}`;
  return Array.isArray(list) && list.length > 0 ? list : 'must hold {"apps": […]} with one app at least';
}

function settingsOf(
  entry: Record<string, unknown>,
  env: Environment,
  readText: (path: string) => string,
  complain: (problem: string) => void,
): Record<string, string> {
  const settings: Record<string, string> = {};
  for (const [name, value] of Object.entries(entry)) {
    if (!APP_SETTINGS.includes(name)) complain(`a setting in it is not one that an app may have: ${known(name)}`);
    else if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
      if (SECRETS.includes(name))
        complain(`${name} must be {"env": "NAME"} or {"file": "/path"}: no secrets in this file`);
      settings[name] = String(value);
    } else {
      const text = referred(value, env, readText);
      if (text === null) complain(`${name} ${problemOf(value)}`);
      else settings[name] = text;
    }
  }
  return settings;
}

/** Why nothing was found behind a reference. */
function problemOf(value: unknown): string {
  if (isFields(value) && 'env' in value) return 'refers to a name that the environment does not set';
  if (isFields(value) && 'file' in value) return 'refers to a file that is empty or cannot be read';
  return 'must be a text, a number, true, false, {"env": "NAME"} or {"file": "/path"}';
}

/** A name is shown only where it looks like one: it may be a secret in the wrong place. */
const known = (name: string) => (/^[A-Z][A-Z_]{2,40}$/.test(name) ? name : 'its name is no name of a setting');

function referred(value: unknown, env: Environment, readText: (path: string) => string): string | null {
  if (!isFields(value) || Object.keys(value).length !== 1) return null;
  if (typeof value.env === 'string') return env[value.env]?.trim() || null;
  if (typeof value.file !== 'string') return null;
  try {
    return readText(value.file).trim() || null;
  } catch {
    return null;
  }
}

function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
