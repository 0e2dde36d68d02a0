/**
 * `npm run journal:export`: the journal as JSON lines on standard output, oldest first.
 *
 * 1. Pages through GET /api/v1/journal of a running service; never faster than its reader takes the lines.
 * 2. Records are chosen by their ids, whose first number is the time of their writing: `--after` the last id goes on exactly
 *    where an earlier export ended, and that id is told when one fails.
 * 3. Progress on standard error, on a terminal only.
 *
 * Ends at the journal's end, at `--until`, or when its reader goes away.
 */
import { once } from 'node:events';
import { STREAM_ID_PATTERN } from '../ids';
import { visible } from '../text';
import { Api, placeOf } from './api';
import { called } from './called';
import { CommandError, wrongUsage } from './errors';
import { readArguments, runCommand, timeOf } from './main';
import { endWithReader } from './screen';
import { JournalPage } from './wire';

const HELP = `The journal as JSON lines on standard output, oldest first: one record of {id, event, at, fields} a line.

  ${called('journal:export')} [options]

  --since <time>   from then on: 2026-11-01, 2026-11-01T08:00:00+07:00, ms since 1970, or 30m, 2h, 7d ago; days are of UTC
  --until <time>   up to then, not including it
  --after <id>     from the record after this one on: goes on with an earlier export
  --app <id>       which of several Qiscus apps
  --url <address>  where the service is; default: HOST and PORT of .env or the environment

The token is ADMIN_TOKEN of .env or the environment. Exit codes: 0 fine, 1 failed, 2 wrong usage.`;

const PAGE = 500;
const LATEST_SEQUENCE = '9999999999999999';
const TELL_EVERY_MS = 200;

/** The id after which records of `ms` and later come; null: after none. */
const idBefore = (ms: number): string | null => (ms < 1 ? null : `${ms - 1}-${LATEST_SEQUENCE}`);

interface Range {
  after: string | null;
  untilMs: number;
}

/** Pages of records, as long as there are any in the range. */
async function* pages(api: Api, { after: first, untilMs }: Range): AsyncGenerator<{ id: string }[]> {
  for (let after = first; ; ) {
    const query = new URLSearchParams({ limit: String(PAGE), ...(after !== null && { after }) });
    const { records, next } = (await api.get(`/journal?${query}`, JournalPage)).json;
    const wanted = records.filter(({ id }) => Number.parseInt(id, 10) < untilMs);
    yield wanted;
    if (next === null || wanted.length < records.length) return;
    after = next;
  }
}

async function main(): Promise<number> {
  const { values } = readArguments({
    options: {
      since: { type: 'string' },
      until: { type: 'string' },
      after: { type: 'string' },
      app: { type: 'string' },
      url: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  if (values.after !== undefined && !new RegExp(`^${STREAM_ID_PATTERN}$`).test(values.after))
    throw wrongUsage('--after must be the id of a record, such as 1763842000001-0.');
  if (values.after !== undefined && values.since !== undefined) throw wrongUsage('Give --since or --after, not both.');
  const range = {
    after: values.after ?? (values.since === undefined ? null : idBefore(timeOf('--since', values.since))),
    untilMs: values.until === undefined ? Number.POSITIVE_INFINITY : timeOf('--until', values.until),
  };
  return write(new Api(placeOf(process.env, values.url, values.app)), range);
}

async function write(api: Api, range: Range): Promise<number> {
  const { stdout, stderr } = process;
  endWithReader(stdout);
  let written = 0;
  let last = range.after;
  let toldMs = 0;
  const tell = (end: string) => {
    if (stderr.isTTY) stderr.write(`\r${written.toLocaleString('en')} records${end}`);
  };
  try {
    for await (const records of pages(api, range)) {
      if (records.length === 0) continue;
      const lines = records.map((record) => `${visible(JSON.stringify(record))}\n`).join('');
      if (!stdout.write(lines)) await once(stdout, 'drain');
      written += records.length;
      last = records.at(-1)?.id ?? last;
      if (performance.now() - toldMs > TELL_EVERY_MS) {
        toldMs = performance.now();
        tell('');
      }
    }
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const resume = last === null ? '' : ` Go on with --after ${last}.`;
    throw new CommandError(
      `${written > 0 ? `After ${written} records: ` : ''}${error.message}${written > 0 ? resume : ''}`,
      error.code,
    );
  } finally {
    if (written > 0) tell('\n');
  }
  return 0;
}

if (import.meta.main) await runCommand('journal:export', main);
