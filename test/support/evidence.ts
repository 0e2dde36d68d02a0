/**
 * How often a test tried its claim. `bun run prove` names a file in PROOF_FILE and prints the sum beside each hazard, or the
 * number of its tests where that is more.
 */
import { appendFileSync } from 'node:fs';

/**
 * Says that the running test tried the claim of a hazard `runs` times: crashes, cuts, payloads, lives, or steps of an
 * exhaustive search.
 * @param hazard its id, as the test's title names it: `F01`
 */
export function tried(runs: number, hazard: string): void {
  const file = process.env.PROOF_FILE;
  if (file) appendFileSync(file, `${JSON.stringify({ hazard, runs })}\n`);
}
