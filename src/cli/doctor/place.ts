/** Where the service runs: the disk below its data folder, and the running service itself when it answers. */
import { access, constants, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Config } from '../../config';
import { alertWords } from '../../reconcile/alerts';
import type { Api } from '../api';
import { called } from '../called';
import { CommandError, NoAnswer, TokenRefused } from '../errors';
import { Health } from '../wire';
import { moment, ZONE } from '../words';
import { broken, type Finding, ok, warning } from './finding';
import { SET_RESOLVE } from './qiscus';

const GB = 2 ** 30;
const LITTLE_GB = 1;
const NOTHING_GB = 0.1;

/** Is there room in DATA_DIR, and may we write there? */
export async function checkDisk({ dataDir, redis, log }: Config): Promise<Finding[]> {
  const area = 'disk';
  if (redis.url !== null && !log.stack.includes('single'))
    return [ok(area, 'nothing is kept on it: REDIS_URL is set, and no log file')];
  const folder = await existing(dataDir);
  if (
    !(await access(folder, constants.W_OK | constants.X_OK).then(
      () => true,
      () => false,
    ))
  )
    return [
      broken(area, `${folder} cannot be written`, 'Give it to the user of the service, or set another DATA_DIR.'),
    ];
  const { bavail, bsize } = await statfs(folder);
  const free = (bavail * bsize) / GB;
  const what = `${free.toFixed(1)} GB are free for ${dataDir}`;
  const mend = 'Make room: the private Redis stops taking webhooks when it cannot write.';
  if (free < NOTHING_GB) return [broken(area, what, mend)];
  return [free < LITTLE_GB ? warning(area, what, mend) : ok(area, what)];
}

/** The folder, or the nearest one above it that is there: it is made at the first start. */
async function existing(folder: string): Promise<string> {
  const isThere = await access(folder).then(
    () => true,
    () => false,
  );
  return isThere || dirname(folder) === folder ? folder : existing(dirname(folder));
}

const MENDS: Record<string, string> = {
  redis: 'See Redis above.',
  format: 'A newer version works on this ledger: update this one.',
  inbox: 'Webhooks are not worked on: is a worker running? Its log says more.',
  outbox: 'Calls do not get through: see Qiscus above.',
  roster: 'The agents could not be read lately: see Qiscus above.',
  qiscus: 'Qiscus refuses us or does not answer: see Qiscus above.',
  start: 'An app could not be started; the log says why.',
  stopping: 'It is stopping: ask again when it has started.',
};

function warningMend(code: string): string {
  if (code === 'redis_memory') return MENDS.redis ?? '';
  if (code === 'apps') return `\`${called('allocation')} status\` names the apps that fail, and what fails of each.`;
  return code.startsWith('resolve_webhook_') ? SET_RESOLVE : 'README.md#runbook says what it means.';
}

const SAME_SETTINGS =
  'Ask with the .env or environment that it was started with. If that was changed since, restart it: it reads it then.';

/** What the running service says of itself. */
export async function checkService(api: Api, config: Config): Promise<Finding[]> {
  const area = 'service';
  if (config.role === 'worker') return [ok(area, 'a worker does not listen: ask an api process')];
  const { url } = api.place;
  try {
    const { failing = [], warnings = [], alerts = [], sandbox } = (await api.health(Health)).value;
    const found = [
      ...failing.map((part) => broken(area, `not ready: ${part}`, MENDS[part] ?? 'Its log says more.')),
      ...alerts.map(({ code, since }) =>
        warning(
          area,
          `alert ${code}${since ? ` since ${moment(since)} ${ZONE}` : ''}: ${alertWords(code)[0]}`,
          `README.md#alert-${code} says what to do.`,
        ),
      ),
      ...warnings.map((code) => warning(area, `warns: ${code}`, warningMend(code))),
    ];
    if (sandbox !== config.sandbox)
      found.push(
        broken(area, `runs ${sandbox ? 'in the sandbox' : 'live'}, and these settings say otherwise`, SAME_SETTINGS),
      );
    return failing.length > 0 ? found : [ok(area, `ready at ${url}`), ...found];
  } catch (error) {
    if (error instanceof NoAnswer) return [ok(area, `none answers at ${url}: all else was checked without it`)];
    if (error instanceof TokenRefused) return [broken(area, error.message, SAME_SETTINGS)];
    if (error instanceof CommandError) return [broken(area, error.message, 'Ask again when that is mended.')];
    throw error;
  }
}
