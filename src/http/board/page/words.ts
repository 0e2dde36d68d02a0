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
