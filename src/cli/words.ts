/** Numbers, times and journal records for people. Pure, but for the zone of this machine. */
import { why as english } from '../http/board/page/en-why';
import { tell } from '../http/board/page/reasons';
import type { Recorded } from '../http/board/page/why-words';

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

/** East of UTC, minutes, now. */
const zoneMinutes = -new Date().getTimezoneOffset();
/** `UTC`, `UTC+7`, `UTC-3:30`: the zone of all times here. */
export const ZONE = zoneOf(zoneMinutes);

/** The name of a zone. @param minutes east of UTC */
export function zoneOf(minutes: number): string {
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  return minutes === 0 ? 'UTC' : `UTC${minutes < 0 ? '-' : '+'}${hours}${rest > 0 ? `:${rest}` : ''}`;
}

/** `2026-11-23 09:30:50` of an ISO time, in this machine's zone (`ZONE`). */
export function moment(iso: string): string {
  const ms = Date.parse(iso) + zoneMinutes * MINUTE * 1_000;
  return Number.isNaN(ms) ? iso : new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
}

/** The same for a row: without the year where the terminal is narrow. */
export const rowMoment = (iso: string, width: number): string => moment(iso).slice(width < WIDE ? 5 : 0);

/** Columns of a terminal from which on there is room for what is nice to have. */
export const WIDE = 80;

/**
 * What a journal record says, in the board's sentences: `Given to agent_02 (lowest load, 0 of 2; 2 full, 1 offline)`.
 * @param nameOf what an agent is called
 */
export function sentenceOf(record: Recorded, nameOf: (id: string) => string = (id) => id): string {
  const { what, why } = tell(record, english, nameOf);
  return why ? `${what} (${why})` : what;
}
