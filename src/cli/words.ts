/** Numbers, times and journal records for people. Pure. */

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Seconds as people say them: `0.4 s`, `45 s`, `3 min 10 s`, `2 h 5 min`, `3 d 4 h`. Below 0 counts as 0. */
export function duration(seconds: number): string {
  const whole = Math.round(Math.max(0, seconds));
  if (whole < 10 && !Number.isInteger(seconds)) return `${Math.max(0, seconds).toFixed(1)} s`;
  const pair = (big: number, unit: string, small: number, rest: string) => {
    const left = Math.floor((whole % big) / small);
    return `${Math.floor(whole / big)} ${unit}${left > 0 ? ` ${left} ${rest}` : ''}`;
  };
  if (whole < MINUTE) return `${whole} s`;
  if (whole < HOUR) return pair(MINUTE, 'min', 1, 's');
  if (whole < DAY) return pair(HOUR, 'h', MINUTE, 'min');
  return pair(DAY, 'd', HOUR, 'h');
}

/** How long ago an ISO time was; '' for what is no time. */
export function age(iso: string | null, nowMs: number): string {
  const ms = Date.parse(iso ?? '');
  return Number.isNaN(ms) ? '' : duration(Math.round((nowMs - ms) / 1_000));
}

/** `one room`, `3 rooms`; `no rooms`. */
export const count = (many: number, what: string): string =>
  many === 1 ? `one ${what}` : `${many === 0 ? 'no' : many.toLocaleString('en')} ${what}s`;

/** `2026-11-23 09:30:50` of an ISO time, in UTC as everywhere in the journal. */
export const moment = (iso: string): string => iso.slice(0, 19).replace('T', ' ');

/** The same for a row: without the year where the terminal is narrow. */
export const rowMoment = (iso: string, width: number): string => moment(iso).slice(width < WIDE ? 5 : 0);

/** Columns of a terminal from which on there is room for what is nice to have. */
export const WIDE = 80;

export interface WireRecord {
  id: string;
  event: string;
  at: string;
  fields: Record<string, string>;
}

/** They say which webhook and which call it was, or what the event says already: not why. */
const TECHNICAL = ['entry', 'request', 'cause', 'room', 'token', 'place', 'prev', 'agent', 'state', 'last', 'service'];
/** Times, ms. */
const TOOK = ['waited', 'took'];

/** What a record says, in one line. */
export function reasonOf({ event, fields }: WireRecord): string {
  if (event === 'room.reserved') return choice(fields);
  const rest = Object.entries(fields).filter(([name, value]) => value !== '' && !TECHNICAL.includes(name));
  const said = rest.map(([name, value]) => `${name} ${TOOK.includes(name) ? duration(Number(value) / 1_000) : value}`);
  return [...(fields.agent ? [fields.agent] : []), ...said].join(', ');
}

/** Why this agent: `agent_02 with 0 of 2, before agent_03 with 1; 2 full, 1 offline`. */
function choice({ agent, load, limit, runner_up, reason, removed, ...counts }: Record<string, string>): string {
  const [, second, theirs] = /^(.*):(-?\d+)$/.exec(runner_up ?? '') ?? [];
  const passed = (['full', 'offline', 'paused', 'off_channel'] as const).flatMap((name) =>
    Number(counts[name] ?? 0) > 0 ? [`${counts[name]} ${name.replace('_', ' ')}`] : [],
  );
  return [
    `${agent} with ${load} of ${limit}${second === undefined ? '' : `, before ${second} with ${theirs}`}`,
    ...(reason ? [removed ? `${reason} (${removed})` : reason] : []),
    ...(passed.length > 0 ? [passed.join(', ')] : []),
  ].join('; ');
}
