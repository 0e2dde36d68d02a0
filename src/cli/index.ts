/**
 * `bun run allocation <command>`: the service from a terminal.
 *
 * 1. Every command but `doctor` asks a running service over its HTTP API; nothing here changes anything.
 * 2. Tables for people, or with `--json` the API's own JSON, as one document.
 * 3. Exit codes: 0 fine, 1 failed (or `status` not ready, `doctor` something to mend), 2 wrong usage.
 *
 * Ends by itself.
 */
import { visible } from '../text';
import { Api, placeOf } from './api';
import { doctor } from './doctor';
import { wrongUsage } from './errors';
import { readArguments, runCommand } from './main';
import { type Screen, screenOf } from './screen';
import { status } from './status';
import { agents, queue, room } from './tables';
import { why } from './why';

const HELP = `Agent Allocation in a terminal.

  bun run allocation <command> [options]        npm run allocation -- <command> [options]

  status           is it healthy, who waits, who is there, how fast it goes
  queue            the line, oldest first (--limit 100)
  room <id>        where a room is, and what was decided about it
  why <id>         why it waits or who would get it, candidate by candidate
  agents           all agents and what they hold
  doctor           checks configuration, Redis, Qiscus, webhooks, clocks, tokens, disk; needs no running service

  --url <address>  where the service is; default: HOST and PORT of .env or the environment
  --app <id>       which of several Qiscus apps
  --json           the API's JSON, for programs
  --help           this

The token is ADMIN_TOKEN of .env or the environment. Colours only on a terminal, never with NO_COLOR.
Exit codes: 0 fine, 1 failed or something must be mended, 2 wrong usage.`;

/** What a command found: for programs, for people, and the exit code. */
interface Finding {
  json: unknown;
  code: number;
  lines(screen: Screen): string[];
}

const OPTIONS = {
  url: { type: 'string' },
  app: { type: 'string' },
  limit: { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

const read = (args: string[]) => readArguments({ args, options: OPTIONS, allowPositionals: true });

type Values = ReturnType<typeof read>['values'];

function run(command: string, rest: string[], values: Values): Promise<Finding> {
  const takesRoom = command === 'room' || command === 'why';
  if (rest.length !== (takesRoom ? 1 : 0))
    throw wrongUsage(takesRoom ? `${command} needs one room id.` : `${command} takes no further words.`);
  if (values.limit !== undefined && command !== 'queue') throw wrongUsage('--limit is for queue only.');
  const api = () => new Api(placeOf(process.env, values.url, values.app));
  const [id = ''] = rest;
  switch (command) {
    case 'status':
      return status(api());
    case 'queue':
      return queue(api(), values.limit ?? '100');
    case 'room':
      return room(api(), id);
    case 'why':
      return why(api(), id);
    case 'agents':
      return agents(api());
    case 'doctor':
      return doctor(process.env, { url: values.url, app: values.app });
    default:
      throw wrongUsage(`There is no command ${command}.`);
  }
}

async function main(args: string[]): Promise<number> {
  const { values, positionals } = read(args);
  const [command, ...rest] = positionals;
  const screen = screenOf(process.stdout, process.env);
  if (values.help) {
    screen.print(HELP);
    return 0;
  }
  if (command === undefined) throw wrongUsage('Which command?');
  const { json, lines, code } = await run(command, rest, values);
  screen.print(values.json ? visible(JSON.stringify(json, null, 2)) : lines(screen).join('\n'));
  return code;
}

await runCommand('allocation', () => main(process.argv.slice(2)));
