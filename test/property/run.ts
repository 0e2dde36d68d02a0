/**
 * Runs the property suites: `bun run test:property`, or with a name (`lives`, `ledger`) only those.
 *
 *   --runs 5000   random lives of each suite (default: what each says, a size for every build)
 *   --seed 42     the same lives again; --path 12:3:0 only the one that failed, as its story says
 *
 * Ends with the code of `bun test`.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const text = { type: 'string' } as const;
const { values, positionals } = parseArgs({ allowPositionals: true, options: { runs: text, seed: text, path: text } });
for (const name of ['runs', 'seed'] as const) {
  const value = values[name];
  if (value === undefined || /^-?\d+$/.test(value)) continue;
  console.error(`--${name} takes a whole number.`);
  process.exit(2);
}

const here = 'test/property';
const suites = positionals.length > 0 ? positionals.map((name) => `./${here}/${name}.test.ts`) : [`./${here}/`];
const child = Bun.spawn([process.execPath, 'test', '--timeout=60000', ...suites], {
  cwd: join(import.meta.dir, '../..'),
  stdio: ['inherit', 'inherit', 'inherit'],
  env: {
    ...process.env,
    NODE_ENV: 'test',
    ...(values.runs && { PROPERTY_RUNS: values.runs }),
    ...(values.seed && { PROPERTY_SEED: values.seed }),
    ...(values.path && { PROPERTY_PATH: values.path }),
  },
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
process.exit(await child.exited);
