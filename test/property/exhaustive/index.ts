/**
 * Explores the protocol exhaustively from the command line; see explore.ts.
 *
 *   bun test/property/exhaustive/index.ts [name] [--rooms 3] [--agents 2] [--limit 1] [--episodes 1] [--dispatchers 2]
 *     [--duplicates 1] [--lost 0] [--faults 0] [--kinds silent,dropped,late] [--crashes 1] [--takeovers 0] [--hands 0]
 *     [--pauses 0] [--regroups 0] [--inbox] [--reconcile] [--again yes|exceed] [--most 1000000]
 *
 * `name` takes the bounds of bounds.ts as a start; flags change them. Ends with 0: complete and clean, 1: a promise is
 * broken (its path is printed), 3: clean as far as `--most` worlds, 2: wrong flags.
 */
import { parseArgs } from 'node:util';
import { BOUNDS, CALM } from './bounds';
import { type Exploration, explore } from './explore';
import { openRedis } from './redis';
import { type Bounds, FAULT_KINDS, type FaultKind } from './world';

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;
const NUMBERS = [
  'rooms',
  'agents',
  'limit',
  'episodes',
  'dispatchers',
  'duplicates',
  'lost',
  'faults',
  'crashes',
  'takeovers',
  'hands',
  'pauses',
  'regroups',
] as const;

function readBounds(): { bounds: Bounds; most: number | undefined } {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    allowNegative: true,
    options: {
      ...Object.fromEntries(NUMBERS.map((name) => [name, text])),
      kinds: text,
      again: text,
      most: text,
      inbox: flag,
      reconcile: flag,
    },
  });
  const [name] = positionals;
  const bounds = name ? BOUNDS[name] : CALM;
  if (!bounds) throw new Error(`no bounds named ${name}; there are: ${Object.keys(BOUNDS).join(', ')}`);
  const read: Bounds = { ...bounds };
  const given = new Map(Object.entries(values));
  const number = (flagName: string) => {
    const value = Number(given.get(flagName));
    if (!Number.isInteger(value) || value < 0) throw new Error(`--${flagName} wants a whole number`);
    return value;
  };
  for (const option of NUMBERS) if (given.has(option)) read[option] = number(option);
  if (typeof values.kinds === 'string') {
    read.kinds = values.kinds.split(',').map((kind): FaultKind => {
      const known = FAULT_KINDS.find((each) => each === kind);
      if (!known) throw new Error(`no such fault: ${kind}; there are: ${FAULT_KINDS.join(', ')}`);
      return known;
    });
  }
  if (given.has('inbox')) read.inbox = given.get('inbox') === true;
  if (given.has('reconcile')) read.reconcile = given.get('reconcile') === true;
  if (given.has('again')) read.again = given.get('again') === 'exceed' ? 'exceed' : 'yes';
  return { bounds: read, most: given.has('most') ? number('most') : undefined };
}

/** One line of figures; the path when a promise was broken. */
export function wordsOf(found: Exploration, seconds: number): string {
  const figures =
    `${found.complete ? 'complete' : 'not complete'}: ${found.worlds} states, ${found.transitions} transitions, ` +
    `depth ${found.depth}, ${found.quiet} quiet; ${found.ledgerStates} ledger states, ${found.scripts} scripts run; ` +
    `${seconds.toFixed(1)} s`;
  if (!found.violation) return figures;
  const path = found.violation.path.map((step, i) => `  ${i + 1}. ${step}`);
  return [`BROKEN: ${found.violation.broken.join('; ')}`, ...path, figures].join('\n');
}

if (import.meta.main) {
  let wanted: ReturnType<typeof readBounds>;
  try {
    wanted = readBounds();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exit(2);
  }
  console.log(JSON.stringify(wanted.bounds));
  const redis = await openRedis();
  const begunMs = performance.now();
  const found = await explore(redis.client, wanted.bounds, { mostWorlds: wanted.most, tell: console.log });
  console.log(wordsOf(found, (performance.now() - begunMs) / 1000));
  await redis.stop();
  process.exit(found.violation ? 1 : found.complete ? 0 : 3);
}
