/**
 * `npm run sandbox:traffic`: a busy quarter of an hour on a service of its own, to watch on the board, and a summary that
 * the invariant checker signs. Nothing of yours is touched: no `.env`, no Redis, no Qiscus.
 *
 * Ctrl-C ends it early and still judges; a second one ends it at once. Exit codes: 0 nothing broken, 1 something is, 2 wrong usage.
 */
import { called } from '../../src/cli/called';
import { CommandError, wrongUsage } from '../../src/cli/errors';
import { readArguments, runCommand } from '../../src/cli/main';
import { cut, screenOf } from '../../src/cli/screen';
import { duration } from '../../src/cli/words';
import { ServiceError } from '../../src/errors';
import { echoes } from '../../src/signals';
import { play } from './play';
import { summary } from './summary';

const HELP = `A busy time on a service of its own, to watch on the board.

  ${called('sandbox:traffic')} [options]

  --minutes <n>   how long chats come, in the people's time; 0.1 to 1440, default 15
  --speed <n>     how many times as fast as ours that runs; 1 to 60, default 1: at 10 the 15 minutes pass in 90 s.
                  The board counts by your clock; the summary tells waits in the people's time
  --seed <n>      another seed, other people; default 1
  --port <n>      of the board; default 3000

Ctrl-C ends it early; what is open is still ended, and judged. Exit codes: 0 nothing broken, 1 something is, 2 wrong usage.`;

/** Where nobody sees a line rewritten. */
const LINE_EVERY = 10;

async function main(): Promise<number> {
  const { values } = readArguments({
    options: {
      minutes: { type: 'string', default: '15' },
      speed: { type: 'string', default: '1' },
      seed: { type: 'string', default: '1' },
      port: { type: 'string', default: '3000' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const screen = screenOf(process.stdout, process.env);
  if (values.help) {
    screen.print(HELP);
    return 0;
  }
  const number = (name: 'minutes' | 'speed' | 'seed' | 'port', least: number, most: number, whole: boolean) => {
    const value = Number(values[name]);
    if (!(value >= least && value <= most) || (whole && !Number.isInteger(value)))
      throw wrongUsage(`--${name} must be a ${whole ? 'whole ' : ''}number from ${least} to ${most}.`);
    return value;
  };
  const minutes = number('minutes', 0.1, 1_440, false);
  const speed = number('speed', 1, 60, false);
  const stop = new AbortController();
  const isEcho = echoes();
  const end = (signal: NodeJS.Signals) => {
    if (isEcho(signal)) return;
    if (stop.signal.aborted) process.exit(130);
    stop.abort();
  };
  process.on('SIGINT', end);
  process.on('SIGTERM', end);

  const { isTTY } = process.stdout;
  let told = 0;
  const tell = (line: string) => {
    if (isTTY) process.stdout.write(`\r\u001b[K${cut(line, screen.width - 1)}`);
    else if (told++ % LINE_EVERY === 0) screen.print(line);
  };
  const played = await play({
    minutes,
    speed,
    seed: number('seed', 0, 2 ** 31, true),
    port: number('port', 0, 65_535, true),
    stop: stop.signal,
    opened: (url) =>
      screen.print(
        `Watch it: ${url.replace('//127.0.0.1:', '//localhost:')}/   for ${duration((minutes * 60) / speed)}, and a little for the end (Ctrl-C ends it early)`,
      ),
    tell,
  }).catch((error) => {
    throw error instanceof ServiceError ? new CommandError(error.message.replace('with PORT.', 'with --port.')) : error;
  });
  if (isTTY) process.stdout.write('\r\u001b[K');
  screen.print(summary(played, screen).join('\n'));
  return played.broken.length === 0 ? 0 : 1;
}

await runCommand('sandbox:traffic', main);
// A service that was stopped may leave a timer behind: nobody waits for it.
process.stdout.write('', () => process.exit());
