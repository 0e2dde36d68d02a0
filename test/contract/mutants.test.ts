/** The table of mutants goes with the code: a text that stands there no more, or twice, would break `bun run prove` only. */
import { expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MUTANTS } from '../mutants/table';

test.each(MUTANTS.map(({ name, edits }) => [name, edits] as const))(
  '%s: its text stands once in its file',
  (_, edits) => {
    for (const { file, find } of edits) {
      const text = readFileSync(join(import.meta.dir, '../..', file), 'utf8');
      expect([file, find, text.split(find).length - 1]).toEqual([file, find, 1]);
    }
  },
);
