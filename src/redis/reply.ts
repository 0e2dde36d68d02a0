/** Reads the replies of scripts: a status word, then plain values. Anything else is a fault of ours, not an outcome. */
import type { Reply } from './scripts';

export function text(value: Reply | undefined): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  throw new Error('a script answered no text where text was due');
}

export function number(value: Reply | undefined): number {
  const read = typeof value === 'number' ? value : Number(text(value));
  if (!Number.isFinite(read)) throw new Error('a script answered no number where a number was due');
  return read;
}

export function list(value: Reply | undefined): Reply[] {
  if (Array.isArray(value)) return value;
  throw new Error('a script answered no list where a list was due');
}

/** '' is how scripts say "none". */
export function textOrNull(value: Reply | undefined): string | null {
  return text(value) || null;
}

/** Field and value in turn, as streams answer. */
export function fieldsOf(value: Reply | undefined): Record<string, string> {
  const flat = list(value);
  const fields: Record<string, string> = {};
  for (let i = 0; i + 1 < flat.length; i += 2) fields[text(flat[i])] = text(flat[i + 1]);
  return fields;
}

export function unexpected(script: string, reply: Reply[]): Error {
  return new Error(`${script} answered an unknown word: ${String(reply[0])}`);
}
