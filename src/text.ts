/** Texts of others that people will read. */

const CONTROL = /\p{Cc}/u;
const CONTROLS = /\p{Cc}/gu;
const MOST_TEXT = 64;

/** No control characters, trimmed, at most `most` whole characters; null when nothing is left. */
export function shortText(value: unknown, most = MOST_TEXT): string | null {
  if (typeof value !== 'string') return null;
  if (value.length <= most && !CONTROL.test(value)) return value.trim() || null;
  const text = value
    .slice(0, 4 * most)
    .replace(CONTROLS, '')
    .trim();
  return [...text].slice(0, most).join('').trimEnd() || null;
}

/** What JSON leaves as it is and a terminal does not: commands of it beyond ASCII, line ends, changes of direction. */
const UNSEEN = /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/;
const UNSEEN_ALL = new RegExp(UNSEEN, 'g');
const escaped = (sign: string) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** A JSON text that may be shown in a terminal; the same value. */
export const visible = (json: string): string => (UNSEEN.test(json) ? json.replace(UNSEEN_ALL, escaped) : json);
