/**
 * `npm run allocation -- <command>`: the service from a terminal.
 *
 * 1. Every command but `doctor` asks a running service over its HTTP API; nothing here changes anything.
 * 2. Tables for people, or with `--json` the API's own JSON, as one document.
 * 3. Exit codes: 0 fine, 1 failed (or `status` not ready, `doctor` something to mend), 2 wrong usage.
 *
 * Ends by itself.
 */
import { visible } from '../text';
import { agent } from './agent';
import { Api, placeOf } from './api';
import { called } from './called';
import { doctor } from './doctor';
import { wrongUsage } from './errors';
import { readArguments, runCommand } from './main';
import { type Screen, screenOf } from './screen';
import { status } from './status';
import { agents, queue, room } from './tables';
import { why } from './why';

const HELP = `Agent Allocation in a terminal.

  ${called('allocation')} <command> [options]

  status           is it healthy, who waits, who is there, how fast it goes
  queue            the line, oldest first (--limit 100)
  room <id>        where a room is, and what was decided about it
  why <id>         why it waits or who would get it, candidate by candidate
  agents           all agents and what they hold
  agent <id>       (or name) why it got rooms or did not, decision by decision (--since 1h, --limit 100)
  doctor           checks configuration, Redis, Qiscus, webhooks, clocks, tokens, disk; needs no running service

  --url <address>  where the service is; default: HOST and PORT of .env or the environment
  --app <id>       which of several Qiscus apps
  --since <time>   30m, 2h, 7d ago, or a time such as 2026-11-01T08:00:00+07:00
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
  since: { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

const read = (args: string[]) => readArguments({ args, options: OPTIONS, allowPositionals: true });

type Values = ReturnType<typeof read>['values'];

interface Command {
  /** The one word after it; null: none. */
  takes: string | null;
  run(api: () => Api, values: Values, id: string): Promise<Finding>;
}

const COMMANDS = new Map<string, Command>([
  ['status', { takes: null, run: (api) => status(api()) }],
  ['queue', { takes: null, run: (api, { limit }) => queue(api(), limit) }],
  ['room', { takes: 'room id', run: (api, _, id) => room(api(), id) }],
  ['why', { takes: 'room id', run: (api, _, id) => why(api(), id) }],
  ['agents', { takes: null, run: (api) => agents(api()) }],
  ['agent', { takes: 'agent id', run: (api, { since, limit }, id) => agent(api(), id, since, limit) }],
  ['doctor', { takes: null, run: (_, { url, app }) => doctor(process.env, { url, app }) }],
]);

function run(name: string, rest: string[], values: Values): Promise<Finding> {
  const command = COMMANDS.get(name);
  if (!command) throw wrongUsage(`There is no command ${name}: ${[...COMMANDS.keys()].join(', ')}.`);
  if (command.takes === null && rest.length > 0) throw wrongUsage(`${name} takes no further words.`);
  if (command.takes !== null && (rest.length !== 1 || !rest[0]))
    throw wrongUsage(`${name} needs one ${command.takes}.`);
  if (values.limit !== undefined && name !== 'queue' && name !== 'agent')
    throw wrongUsage('--limit is for queue and agent only.');
  if (values.since !== undefined && name !== 'agent') throw wrongUsage('--since is for agent only.');
  return command.run(() => new Api(placeOf(process.env, values.url, values.app)), values, rest[0] ?? '');
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
