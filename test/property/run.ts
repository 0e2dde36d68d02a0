/**
 * Runs the property suites: `bun run test:property`, or with a name (`lives`, `ledger`) only those.
 *
 *   --runs 5000   random lives of each suite (default: what each says, a size for every build)
 *   --seed 42     the same lives again (default: new ones each time; a plain `npm test` lives the same ones in every build,
 *                 so that it fails by a change and not by luck); --path 12:3:0 only the one that failed, as its story says
 *
 * Ends with the code of `bun test`.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const text = { type: 'string' } as const;
function refuse(words: string): never {
  console.error(words);
  process.exit(2);
}

function readFlags() {
  try {
    return parseArgs({ allowPositionals: true, options: { runs: text, seed: text, path: text } });
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}

const { values, positionals } = readFlags();
if (!/^[1-9]\d*$/.test(values.runs ?? '1')) refuse('--runs takes a whole number from 1.');
if (!/^-?\d+$/.test(values.seed ?? '1')) refuse('--seed takes a whole number.');

const here = 'test/property';
const known = readdirSync(import.meta.dir).flatMap((file) => (file.endsWith('.test.ts') ? [file.slice(0, -8)] : []));
const unknown = positionals.filter((name) => !known.includes(name));
if (unknown.length > 0) refuse(`No such suite: ${unknown.join(', ')}. There are: ${known.join(', ')}.`);
const suites = positionals.length > 0 ? positionals.map((name) => `./${here}/${name}.test.ts`) : [`./${here}/`];
const child = Bun.spawn([process.execPath, 'test', '--timeout=60000', ...suites], {
  cwd: join(import.meta.dir, '../..'),
  stdio: ['inherit', 'inherit', 'inherit'],
  env: {
    ...process.env,
    NODE_ENV: 'test',
    ...(values.runs && { PROPERTY_RUNS: values.runs }),
    PROPERTY_SEED: values.seed ?? String(Math.floor(Math.random() * 2 ** 31)),
    ...(values.path && { PROPERTY_PATH: values.path }),
  },
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
process.exit(await child.exited);
