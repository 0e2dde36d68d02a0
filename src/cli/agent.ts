/** `agent <id>`: how an agent stands, and why decisions since a time were or were not for this one. */
import type { ChosenEnd, DecisionVerdict } from '../ledger/verdicts';
import type { Api } from './api';
import { CommandError } from './errors';
import { timeOf } from './main';
import { type Cell, clean, facts, type Screen, table, wrap } from './screen';
import { readLimit, stateOf } from './tables';
import { Agent, AgentDecisions, Agents } from './wire';
import { age, count, moment, rowMoment, ZONE } from './words';

/**
 * @param since as `timeOf` reads it; default: an hour ago
 * @param limit how many decisions are listed, see `readLimit`; all are counted
 * @throws CommandError
 */
export async function agent(api: Api, id: string, since = '1h', limit?: string) {
  const path = `/agents/${encodeURIComponent(await idOf(api, id))}`;
  const query = `since=${timeOf('--since', since)}&limit=${readLimit(limit)}`;
  const one = await api.get(path, Agent);
  const decisions = await api.find(`${path}/decisions?${query}`, AgentDecisions);
  if (!decisions)
    throw new CommandError('This service is older than the command: it cannot list decisions. Update it.');
  return {
    json: { agent: one.json, decisions: decisions.json },
    code: 0,
    lines: (screen: Screen) => linesOf(one.value, decisions.value, screen),
  };
}

/** The id of whom people call so: by id, else by a name that one agent alone has. @throws CommandError */
async function idOf(api: Api, called: string): Promise<string> {
  const { agents } = (await api.get('/agents', Agents)).value;
  if (agents.some(({ id }) => id === called)) return called;
  const named = agents.filter(({ name }) => name.toLowerCase() === called.toLowerCase());
  if (named.length === 1 && named[0]) return named[0].id;
  throw new CommandError(
    named.length > 1
      ? `Several agents are called ${clean(called)}: say which by id, ${named.map(({ id }) => id).join(' or ')}.`
      : `Qiscus has named no agent ${clean(called)}: \`agents\` lists their ids and names.`,
  );
}

function linesOf(one: Agent, found: AgentDecisions, screen: Screen): string[] {
  const { paint } = screen;
  const state = stateOf(one);
  const shown = typeof state === 'string' ? state : paint(state.style, state.text);
  const own = one.max_customers === null ? '' : ', a limit of its own';
  const title = one.name === one.id ? one.id : `${one.id}  ${one.name}`;
  return [
    `${paint('bold', `Agent ${title}`)}  ${shown}`,
    ...facts(
      [
        ['load', `${one.load} of ${one.limit}${own}: ${heldOf(one)}`],
        ['channels', one.channels === null ? 'all' : one.channels.join(', ') || 'none'],
        ['last got one', one.last_assigned_at ? `${moment(one.last_assigned_at)} ${ZONE}` : 'never'],
      ],
      screen,
    ),
    '',
    ...wrap(tally(found), screen.width).map((line) => paint('bold', line)),
    ...reach(found).flatMap((text) => wrap(text, screen.width)),
    ...(found.decisions.length > 0 ? ['', ...decisionLines(found, screen)] : []),
  ];
}

const heldOf = ({ reserved, assigned, outside, outside_known: isKnown }: Agent): string =>
  `${reserved} reserved, ${assigned} assigned, ${outside} outside${isKnown ? '' : ' (Qiscus did not say lately)'}`;

/** How many it did not get, and why; and the same of one room. */
interface Said {
  tally: string;
  row: Cell;
}

const VERDICTS: Record<string, Said> = {
  chosen: { tally: 'chosen', row: { text: 'chosen', style: 'green' } },
  offline: { tally: 'while offline', row: { text: 'was offline', style: 'dim' } },
  paused: { tally: 'while paused', row: { text: 'was paused', style: 'yellow' } },
  aside: { tally: 'while set aside (Qiscus refused)', row: { text: 'was set aside', style: 'yellow' } },
  full: { tally: 'while at the limit', row: { text: 'was full', style: 'yellow' } },
  off_channel: { tally: 'of other channels', row: { text: 'other channel', style: 'dim' } },
  load: { tally: 'while it held more', row: 'held more' },
  last_assigned: { tally: 'as it had got one more lately', row: 'got one later' },
  id: { tally: 'as it comes later by id', row: 'later by id' },
  removed: { tally: 'taken from it by an operator', row: 'taken from it' },
  not_joined: { tally: 'while it was no agent here', row: { text: 'no agent here', style: 'dim' } },
  unknown: { tally: 'for reasons that the journal does not tell', row: 'not told' },
} satisfies Record<DecisionVerdict, Said>;

/** What came of a choice. */
const ENDS: Record<string, Said> = {
  got: { tally: 'got', row: { text: 'got it', style: 'green' } },
  refused: { tally: 'refused by Qiscus', row: { text: 'Qiscus refused', style: 'red' } },
  dropped: { tally: 'over before Qiscus gave it', row: { text: 'came to nothing', style: 'yellow' } },
  reserved: { tally: 'Qiscus is being asked', row: { text: 'being asked', style: 'cyan' } },
} satisfies Record<ChosenEnd, Said>;

const decided = ({ got, refused = 0, dropped = 0, reserved = 0, passed_over }: AgentDecisions): number =>
  Object.values(passed_over).reduce((sum, many) => sum + many, got + refused + dropped + reserved);

/** `Got one chat; chosen 2 more times, refused by Qiscus` */
function chosen({ got, refused = 0, dropped = 0, reserved = 0 }: AgentDecisions): string {
  const tries = Object.entries({ refused, dropped, reserved }).filter(([, many]) => many > 0);
  const all = refused + dropped + reserved;
  const first = `Got ${count(got, 'chat')}`;
  if (all === 0) return first;
  const times = `chosen ${all}${got > 0 ? ' more' : ''} ${all === 1 ? 'time' : 'times'}`;
  const said = tries.map(([end, many]) => `${tries.length > 1 ? `${many} ` : ''}${ENDS[end]?.tally ?? end}`);
  return `${first}; ${times}, ${said.join(', ')}`;
}

/** `Got 3 chats; chosen 1 more time, refused by Qiscus; of 12 decisions since …. The others: 5 while at the limit, …` */
function tally(found: AgentDecisions): string {
  const all = decided(found);
  const since = `since ${moment(found.counted_from)} ${ZONE} (${age(found.counted_from, Date.now())})`;
  if (all === 0) return `Nothing was decided ${since}.`;
  const why = Object.entries(found.passed_over)
    .filter(([, many]) => many > 0)
    .sort(([, a], [, b]) => b - a)
    .map(([verdict, many]) => `${many} ${VERDICTS[verdict]?.tally ?? verdict}`);
  return `${chosen(found)}; of ${count(all, 'decision')} ${since}.${why.length > 0 ? ` The others: ${why.join(', ')}.` : ''}`;
}

/** Where the counts end before the time that was asked for. */
const reach = ({ since, counted_from }: AgentDecisions): string[] =>
  Date.parse(counted_from) > Date.parse(since)
    ? ['Nothing before that is counted: the journal begins there, or one look goes no further back.']
    : [];

function decisionLines(found: AgentDecisions, screen: Screen): string[] {
  const rows = found.decisions.map((one) => [
    rowMoment(one.at, screen.width),
    one.room_id,
    ENDS[one.outcome ?? '']?.row ?? VERDICTS[one.verdict]?.row ?? one.verdict,
    one.load === null ? '' : `${one.load}/${one.limit}`,
    one.verdict === 'chosen' ? '' : `${one.agent_id} with ${one.chosen_load}`,
  ]);
  const columns = [
    { title: `TIME (${ZONE})`, least: 8 },
    { title: 'ROOM', least: 8 },
    { title: 'THIS AGENT', least: 10 },
    { title: 'LOAD', right: true },
    { title: 'CHOSEN', least: 8 },
  ];
  const rest = decided(found) - found.decisions.length;
  return [...table(columns, rows, screen), ...(rest > 0 ? [`… and ${count(rest, 'decision')} more.`] : [])];
}
