/** Times and shares as people of the page's language write them. */
import type { Language } from './words.js';

const localeOf = (language: Language) => (language === 'en' ? 'en-GB' : 'id-ID');

/** A time of day; on another day than today with its date. */
export function momentText(iso: string, language: Language): string {
  const at = new Date(iso);
  const time = at.toLocaleTimeString(localeOf(language));
  if (at.toDateString() === new Date().toDateString()) return time;
  return `${at.toLocaleDateString(localeOf(language), { day: 'numeric', month: 'short' })} ${time}`;
}

/** `14:32`. @param ms since the epoch */
export const minuteText = (ms: number, language: Language): string => MINUTES[language].format(ms);

/** Kept, because making one takes longer than a hundred uses. */
const newMinutes = (language: Language) =>
  new Intl.DateTimeFormat(localeOf(language), { hour: '2-digit', minute: '2-digit' });
const MINUTES = { en: newMinutes('en'), id: newMinutes('id') };

const UNITS = [
  [1, 'millisecond', 0.001],
  [90, 'second', 1],
  [5_400, 'minute', 60],
  [Number.POSITIVE_INFINITY, 'hour', 3_600],
] as const;

/** `40ms`, `3.5s`, `12m`: two digits are enough to compare. @param seconds zero or more */
export function durationText(seconds: number, language: Language): string {
  const [, unit, size] = UNITS.find(([below]) => seconds < below) ?? UNITS[3];
  const value = Number((seconds / size).toPrecision(2));
  const format = {
    style: 'unit',
    unit,
    unitDisplay: 'narrow',
    maximumFractionDigits: value < 10 && size >= 1 ? 1 : 0,
  } as const;
  return new Intl.NumberFormat(localeOf(language), format).format(value);
}

/** `87 %`. @param share 0 to 1 */
export const shareText = (share: number, language: Language): string =>
  new Intl.NumberFormat(localeOf(language), { style: 'percent', maximumFractionDigits: 0 }).format(share);

/** With at most one digit behind the point. */
export const numberText = (value: number, language: Language): string =>
  new Intl.NumberFormat(localeOf(language), { maximumFractionDigits: 1 }).format(value);
