/** What a dry run found out: reads the counts that lua/compare_room.lua keeps, and says how evenly rooms lie on agents. */
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
    deviations: readDeviations(fields.get('deviations') ?? ''),
  };
}

/** @param text as `JSON.stringify` made it; '': none yet */
export function readDeviations(text: string): DryRunFindings['deviations'] {
  return text === '' ? { readings: 0, ours: 0, theirs: 0 } : JSON.parse(text);
}

export interface Spread {
  least: number;
  most: number;
  mean: number;
  /** The standard deviation: 0 where all hold the same. */
  deviation: number;
}

/** How evenly rooms lie on agents; all 0 without agents. */
export function spreadOf(loads: readonly number[]): Spread {
  if (loads.length === 0) return { least: 0, most: 0, mean: 0, deviation: 0 };
  const mean = loads.reduce((sum, load) => sum + load, 0) / loads.length;
  const variance = loads.reduce((sum, load) => sum + (load - mean) ** 2, 0) / loads.length;
  return { least: Math.min(...loads), most: Math.max(...loads), mean, deviation: Math.sqrt(variance) };
}
