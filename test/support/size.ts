/**
 * How much slow tests try: PROOF_SIZE=full runs all of them in their full size, otherwise a reduced one that fits into every
 * build. What a test is sized by may also be set alone, by the variable that its opening comment names.
 */
export const isFullSize = process.env.PROOF_SIZE === 'full';

/**
 * @param variable the environment variable that sets this size alone
 * @returns how often to try, by the size that was asked for
 * @throws Error when the variable holds no whole number above 0
 */
export function sized(reduced: number, full: number, variable = ''): number {
  const given = process.env[variable];
  if (!given) return isFullSize ? full : reduced;
  if (!/^[1-9]\d*$/.test(given)) throw new Error(`${variable} takes a whole number above 0, not ${given}`);
  return Number(given);
}
