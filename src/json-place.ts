/** Where a text stops being JSON: JSON.parse of this runtime does not say. */

const token = (source: string) => new RegExp(String.raw`[ \t\n\r]*${source}`, 'y');
const STRING = token(String.raw`"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"`);
const PLAIN = token(String.raw`(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?)(?![\w.+-])`);
const [COMMA, COLON, BLANK] = [token(','), token(':'), token('')];
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [token('\\['), token('\\]'), token('\\{'), token('\\}')];

/** The first place of `text` that cannot be JSON, as `line 3, column 12`, both from 1; the end of it where something lacks. */
export function brokenPlace(text: string): string {
  const before = text.slice(0, brokenOffset(text)).split('\n');
  return `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
}

function brokenOffset(text: string): number {
  let at = 0;
  const take = (expected: RegExp): boolean => {
    expected.lastIndex = at;
    const found = expected.exec(text);
    if (found) at = expected.lastIndex;
    return found !== null;
  };
  const several = (one: () => boolean, end: RegExp): boolean => {
    if (take(end)) return true;
    do if (!one()) return false;
    while (take(COMMA));
    return take(end);
  };
  const value = (): boolean => {
    if (take(STRING) || take(PLAIN)) return true;
    return take(OPEN_LIST) ? several(value, CLOSE_LIST) : take(OPEN_OBJECT) && several(field, CLOSE_OBJECT);
  };
  const field = () => take(STRING) && take(COLON) && value();
  value();
  take(BLANK);
  return at;
}
