/** PROOF_SIZE=full runs the slow tests in their full size; otherwise a reduced one that fits into every build. */
export const isFullSize = process.env.PROOF_SIZE === 'full';

/** @returns how often to try, by the size that was asked for */
export function sized(reduced: number, full: number): number {
  return isFullSize ? full : reduced;
}
