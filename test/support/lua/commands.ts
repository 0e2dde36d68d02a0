/** The Redis commands that scripts may use, where each has its key, and which of them write. */
import type { LuaFunction } from './code';
import { is, listAt, type Token } from './tokens';

/** Position of the key among a command's arguments (after the command's name; null: it takes none), and whether it writes. */
export const COMMANDS: Record<string, { key: number | 'STREAMS' | null; writes: boolean }> = {
  ...Object.fromEntries(
    [
      'GET HGET HMGET HKEYS HEXISTS HSCAN HLEN ZRANGE ZRANGEBYLEX ZRANGEBYSCORE ZLEXCOUNT ZCARD ZSCORE ZCOUNT',
      'XRANGE XREVRANGE XLEN XPENDING PTTL EXISTS',
    ]
      .join(' ')
      .split(' ')
      .map((name) => [name, { key: 1, writes: false }]),
  ),
  ...Object.fromEntries(
    'SET DEL PEXPIRE HSET HDEL HINCRBY ZADD ZREM ZREMRANGEBYLEX XADD XACK XDEL XTRIM XAUTOCLAIM XCLAIM'
      .split(' ')
      .map((name) => [name, { key: 1, writes: true }]),
  ),
  XREADGROUP: { key: 'STREAMS', writes: true },
  XREAD: { key: 'STREAMS', writes: false },
  XGROUP: { key: 2, writes: true },
  XINFO: { key: 2, writes: false },
  INFO: { key: null, writes: false },
  // Rings follow from changes only.
  PUBLISH: { key: null, writes: true },
};

export function callsOf(tokens: Token[]): { command: string; args: Token[][] }[] {
  return tokens.flatMap((token, i) => {
    const isCall = is(token, 'redis') && is(tokens[i + 1], '.') && /^p?call$/.test(tokens[i + 2]?.text ?? '');
    if (!isCall) return [];
    const [command = [], ...args] = listAt(tokens, i + 3);
    const literal = command.length === 1 && command[0]?.kind === 'string' ? command[0].text : '(computed)';
    return [{ command: literal, args }];
  });
}

/** Names of functions that write, by themselves or through others. */
export function writersOf(functions: LuaFunction[]): Set<string> {
  const writers = new Set<string>();
  const writes = ({ body }: LuaFunction) =>
    callsOf(body).some(({ command }) => COMMANDS[command]?.writes) ||
    body.some((token, i) => token.kind === 'name' && is(body[i + 1], '(') && writers.has(token.text));
  for (let before = -1; before !== writers.size; ) {
    before = writers.size;
    for (const each of functions) if (writes(each)) writers.add(each.name);
  }
  return writers;
}
