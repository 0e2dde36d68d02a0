/**
 * `doctor`: looks at everything that the service stands on, and says what to do. Needs no running service; changes nothing.
 *
 * 1. Configuration, tokens, public address, disk, Redis, Qiscus (each app), and the running service where one answers.
 * 2. Every finding passes the log's redactor: no secret leaves it, whatever a server puts into an error.
 * 3. Exit code 1 when something is broken; warnings are none of that.
 */
import { appsOf, type Config, type Environment } from '../../config';
import { createRedactor, secretsIn } from '../../redact';
import { Api, placeOf } from '../api';
import { wrongUsage } from '../errors';
import { clean, type Screen, type Style, wrap } from '../screen';
import { count } from '../words';
import { checkPublicUrl, checkTokens, readSettings } from './configuration';
import { type Finding, type Level, ok } from './finding';
import { checkDisk, checkService } from './place';
import { checkQiscus } from './qiscus';
import { checkRedis } from './redis';

export interface DoctorOptions {
  url?: string;
  app?: string;
  /** Default: this machine's clock. */
  nowMs?: () => number;
}

/** Everything that was found, in the order in which to mend it. @throws CommandError for a wrong `url` or `app` */
export async function examine(
  env: Environment,
  { url, app, nowMs = Date.now }: DoctorOptions = {},
): Promise<Finding[]> {
  const { config, findings } = readSettings(env);
  if (config === null) return findings;
  const apps = appsOf(config).filter(({ qiscus }) => app === undefined || qiscus.appId === app);
  if (apps.length === 0) {
    const known = appsOf(config).map(({ qiscus }) => qiscus.appId);
    throw wrongUsage(`--app is none of these settings: ${known.join(', ')}.`);
  }
  const [disk, redis, service, ...qiscus] = await Promise.all([
    checkDisk(config),
    checkRedis(config, nowMs),
    url === undefined && config.http.port === 0
      ? [ok('service', 'PORT is 0, any free one: say with --url where it runs')]
      : checkService(new Api(placeOf(env, url, app)), config),
    ...apps.map((one) => checkQiscus(one, config.apps !== null, nowMs)),
  ]);
  const all = [
    ...findings,
    ...checkTokens(config),
    checkPublicUrl(config),
    ...disk,
    ...redis,
    ...qiscus.flat(),
    ...service,
  ];
  return all.map((finding) => ({ ...finding, what: withoutSecrets(config, finding.what) }));
}

function withoutSecrets(config: Config, text: string): string {
  const shown = createRedactor(secretsIn(config))(text);
  return typeof shown === 'string' ? clean(shown) : '';
}

const STYLES: Record<Level, Style> = { ok: 'green', warning: 'yellow', broken: 'red' };

/** As a command. @throws CommandError */
export async function doctor(env: Environment, options: DoctorOptions) {
  const findings = await examine(env, options);
  const many = (level: Level) => findings.filter((finding) => finding.level === level).length;
  return {
    json: { status: many('broken') > 0 ? 'broken' : many('warning') > 0 ? 'warning' : 'ok', findings },
    code: many('broken') > 0 ? 1 : 0,
    lines: (screen: Screen) => [
      ...findings.flatMap((finding) => spell(finding, screen)),
      '',
      many('broken') > 0
        ? screen.paint(
            'red',
            `${count(many('broken'), 'thing')} must be mended${many('warning') > 0 ? `, ${count(many('warning'), 'warning')}` : ''}.`,
          )
        : screen.paint(
            'green',
            many('warning') > 0 ? `Nothing must be mended; ${count(many('warning'), 'warning')}.` : 'All is well.',
          ),
    ],
  };
}

const LEVEL_WIDTH = 'warning'.length;

function spell({ area, level, what, mend }: Finding, { width, paint }: Screen): string[] {
  const [first = '', ...more] = wrap(`${area}: ${what}`, width - LEVEL_WIDTH - 2);
  const indent = ' '.repeat(LEVEL_WIDTH + 2);
  const todo = mend === null ? [] : wrap(`→ ${mend}`, width - LEVEL_WIDTH - 2);
  return [
    `${paint(STYLES[level], level.padEnd(LEVEL_WIDTH))}  ${first}`,
    ...more.map((line) => indent + line),
    ...todo.map((line) => indent + paint('dim', line)),
  ];
}
