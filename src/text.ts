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
