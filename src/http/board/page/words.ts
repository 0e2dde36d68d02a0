/**
 * The page's languages.
 *
 * 1. A text is a value of `en` (en.ts); `id` (id.ts) has its type, so that a missing text does not compile.
 * 2. What was chosen is remembered in this browser; else the browser's own languages decide, else English.
 */
import { en } from './en.js';
import { id } from './id.js';

export type Language = 'en' | 'id';
export type Words = typeof en;

const LANGUAGES: Record<Language, Words> = { en, id };
const REMEMBERED = 'board.language';

export const wordsIn = (language: Language): Words => LANGUAGES[language];

/** What was chosen here, or what the browser speaks. */
export function preferredLanguage(): Language {
  const chosen = recall(REMEMBERED);
  if (chosen === 'en' || chosen === 'id') return chosen;
  // Old browsers call Indonesian `in`.
  const spoken = navigator.languages.find((tag) => /^(en|id|in)\b/i.test(tag)) ?? 'en';
  return /^en/i.test(spoken) ? 'en' : 'id';
}

export const rememberLanguage = (language: Language): void => remember(REMEMBERED, language);

/** A browser may forbid to keep things. */
export function remember(name: string, value: string): void {
  try {
    localStorage.setItem(name, value);
  } catch {}
}

/** What was remembered in this browser; null: nothing. */
export function recall(name: string): string | null {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

/** The text for a word of the API; undefined: the page has none for it. */
export const textFor = (texts: Readonly<Record<string, string>>, word: string): string | undefined =>
  Object.hasOwn(texts, word) ? texts[word] : undefined;

/** `0:42`, `12:05`, `1:02:33`: short enough for a column, and it ticks. @param ms zero or more */
export function clockText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const [hours = 0, minutes = 0, rest = 0] = parts;
  const two = (n: number) => String(n).padStart(2, '0');
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** The time of day of an ISO time, in this browser's zone. */
export const timeText = (iso: string, language: Language): string => CLOCKS[language].format(new Date(iso));

/** Kept, because making one takes longer than a hundred uses. */
const CLOCKS = {
  en: new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' }),
  id: new Intl.DateTimeFormat('id-ID', { timeStyle: 'medium' }),
};
