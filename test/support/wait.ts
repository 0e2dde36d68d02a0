/**
 * Waiting in tests: for a condition, with a limit. Never a guess of how long something takes.
 */

export interface WaitLimits {
  /** Default 10,000 ms. */
  withinMs?: number;
  /** What is waited for, as the failing test should say it. */
  what: string;
}

/**
 * Resolves with the first truthy value of `condition`, asked again every few ms.
 * Throws when there is none in time, naming `what`, and with the last error that the condition threw as its cause.
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  { withinMs = 10_000, what }: WaitLimits,
): Promise<NonNullable<T>> {
  const deadline = performance.now() + withinMs;
  let cause: unknown;
  for (;;) {
    try {
      const value = await condition();
      if (value) return value;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() >= deadline) throw new Error(`Not within ${withinMs} ms: ${what}`, { cause });
    await Bun.sleep(5);
  }
}
