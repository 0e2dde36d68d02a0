/** Times, durations, shares and numbers as people of the page's language write them. */
import type { Language } from './words.js';

const localeOf = (language: Language) => (language === 'en' ? 'en-GB' : 'id-ID');

/** The time of day of an ISO time, in this browser's zone. */
export const timeText = (iso: string, language: Language): string => CLOCKS[language].format(new Date(iso));

/** The same; on another day than today with its date. */
export function momentText(iso: string, language: Language): string {
  const at = new Date(iso);
  const time = timeText(iso, language);
  if (at.toDateString() === new Date().toDateString()) return time;
  return `${at.toLocaleDateString(localeOf(language), { day: 'numeric', month: 'short' })} ${time}`;
}

/** `14:32`. @param ms since the epoch */
export const minuteText = (ms: number, language: Language): string => MINUTES[language].format(ms);

/** Kept, because making one takes longer than a hundred uses. */
const formats = (how: Intl.DateTimeFormatOptions): Record<Language, Intl.DateTimeFormat> => ({
  en: new Intl.DateTimeFormat(localeOf('en'), how),
  id: new Intl.DateTimeFormat(localeOf('id'), how),
});
const CLOCKS = formats({ timeStyle: 'medium' });
const MINUTES = formats({ hour: '2-digit', minute: '2-digit' });

/** `0:42`, `12:05`, `1:02:33`: short enough for a column, and it ticks. @param ms zero or more */
export function clockText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const [hours = 0, minutes = 0, rest = 0] = parts;
  const two = (n: number) => String(n).padStart(2, '0');
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** Below so many seconds: a unit of so many, as people write it. Intl shortens some of them as nobody does. */
const UNITS = [
  [1, 0.001, { en: 'ms', id: 'ms' }],
  [90, 1, { en: 's', id: 'dtk' }],
  [5_400, 60, { en: 'min', id: 'mnt' }],
  [Number.POSITIVE_INFINITY, 3_600, { en: 'h', id: 'jam' }],
] as const;

/** `40 ms`, `3.5 s`, `12 min`: two digits are enough to compare. @param seconds zero or more */
export function durationText(seconds: number, language: Language): string {
  const [, size, unit] = UNITS.find(([below]) => seconds > 0 && seconds < below) ?? UNITS[1];
  const value = Number((seconds / size).toPrecision(2));
  const digits = { maximumFractionDigits: value < 10 && size >= 1 ? 1 : 0 };
  return `${new Intl.NumberFormat(localeOf(language), digits).format(value)} ${unit[language]}`;
}

/** `87%`. @param share 0 to 1 */
export const shareText = (share: number, language: Language): string =>
  new Intl.NumberFormat(localeOf(language), { style: 'percent', maximumFractionDigits: 0 }).format(share);

/** With at most one digit behind the point. */
export const numberText = (value: number, language: Language): string =>
  new Intl.NumberFormat(localeOf(language), { maximumFractionDigits: 1 }).format(value);
