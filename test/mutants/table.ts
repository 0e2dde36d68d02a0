/**
 * The table of mutants: each takes one rule out of the code, and names the quickest suite that must then fail.
 *
 * `find` stands exactly once in its file; the runner stops when it does not, so that the table cannot rot unseen.
 */
import { CALLS } from './calls';
import { LINE } from './line';
import type { Mutant } from './mutant';
import { WEBHOOKS } from './webhooks';

export const MUTANTS: Mutant[] = [...LINE, ...WEBHOOKS, ...CALLS];
