/** Reads what a dry run found out, out of the counts that lua/compare_room.lua keeps. */
import { text } from '../redis/reply';
import type { Reply } from '../redis/scripts';
import type { DryRunFindings } from './model';

/** @param readPart runs lua/read_compared.lua from a cursor on */
export async function readFindings(readPart: (cursor: string) => Promise<Reply[]>): Promise<DryRunFindings> {
  const fields = new Map<string, string>();
  let cursor = '0';
  do {
    const reply = await readPart(cursor);
    cursor = text(reply[1]);
    for (let i = 2; i < reply.length; i += 2) fields.set(text(reply[i]), text(reply[i + 1]));
  } while (cursor !== '0');
  const count = (name: string) => Number(fields.get(name) ?? 0);
  const byAgent = (prefix: string) =>
    new Map(
      [...fields].flatMap(([name, n]): [string, number][] =>
        name.startsWith(prefix) ? [[name.slice(prefix.length), Number(n)]] : [],
      ),
    );
  const loads: Record<string, unknown> = JSON.parse(fields.get('loads') ?? '{}');
  return {
    sources: { reading: count('by:reading'), resolver: count('by:resolver'), candidate: count('by:candidate') },
    agreed: count('agreed'),
    unknown: count('by:none'),
    given: { ours: byAgent('ours:'), theirs: byAgent('theirs:') },
    loads: new Map(
      Object.entries(loads).flatMap(([id, load]): [string, number][] => (typeof load === 'number' ? [[id, load]] : [])),
    ),
  };
}
