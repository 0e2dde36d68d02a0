/** Reads the header of a script: what it says of its keys, arguments, answers, replay and cost. */

export interface Header {
  sentence: string;
  preludes: string[];
  keys: Map<number, string[]>;
  args: Map<number, string[]>;
  /** The arguments from here on repeat. */
  argsFrom: number | null;
  tags: Set<string>;
  words: Set<string>;
}

export function headerOf(source: string): Header {
  const lines = source.replace(/^#!.*\n/, '').split('\n');
  const comment = lines.slice(
    0,
    lines.findIndex((line) => !line.startsWith('--')),
  );
  const text = comment.map((line) => line.slice(3));
  const header: Header = {
    sentence: text[0] ?? '',
    preludes: [],
    keys: new Map(),
    args: new Map(),
    argsFrom: null,
    tags: new Set(),
    words: new Set(),
  };
  let tag = '';
  for (const line of text) {
    const slot = /^(KEYS|ARGV)\[(\d+)(…?)\]\s+(.*)$/.exec(line);
    const named = /^(Prelude:|Returns|Replay|Cost)\s+(.*)$/.exec(line);
    tag = slot ? (slot[1] ?? '') : named ? (named[1] ?? '') : tag;
    if (slot) {
      const words = (slot[4] ?? '').split(/\s+/);
      (slot[1] === 'KEYS' ? header.keys : header.args).set(Number(slot[2]), words);
      if (slot[3]) header.argsFrom = Number(slot[2]);
    } else if (named) {
      header.tags.add(tag);
      if (tag === 'Prelude:') header.preludes = (named[2] ?? '').split(/\s+/);
    }
    if (tag === 'Returns') for (const [, word] of line.matchAll(/\{'(\w+)'/g)) header.words.add(word ?? '');
  }
  return header;
}
