/** Cuts Lua source into tokens, and tokens into lists. Comments are left out: they are the header. */

export interface Token {
  kind: 'name' | 'string' | 'number' | 'symbol';
  text: string;
}

export function tokensOf(source: string): Token[] {
  const tokens: Token[] = [];
  const pattern =
    /--[^\n]*|^#![^\n]*|\s+|'((?:\\.|[^'\\])*)'|"((?:\\.|[^"\\])*)"|([A-Za-z_]\w*)|(\d[\w.]*)|(\.\.\.|\.\.|[=~<>]=|.)/gs;
  for (const [, single, double, name, number, symbol] of source.matchAll(pattern)) {
    const string = single ?? double;
    if (string !== undefined) tokens.push({ kind: 'string', text: string });
    else if (name) tokens.push({ kind: 'name', text: name });
    else if (number) tokens.push({ kind: 'number', text: number });
    else if (symbol) tokens.push({ kind: 'symbol', text: symbol });
  }
  return tokens;
}

const OPENS = new Set(['(', '{', '[']);
const CLOSES = new Set([')', '}', ']']);

/** The expressions between the bracket at `open` and its end, cut at commas. */
export function listAt(tokens: Token[], open: number): Token[][] {
  const items: Token[][] = [[]];
  let depth = 0;
  for (const token of tokens.slice(open)) {
    if (token.kind === 'symbol' && CLOSES.has(token.text) && --depth === 0) break;
    if (depth === 1 && token.text === ',' && token.kind === 'symbol') items.push([]);
    else if (depth > 0) items.at(-1)?.push(token);
    if (token.kind === 'symbol' && OPENS.has(token.text)) depth += 1;
  }
  return items.filter((item) => item.length > 0);
}

export const is = (token: Token | undefined, text: string) => token?.text === text && token.kind !== 'string';
