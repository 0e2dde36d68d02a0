/** One Ctrl-C may come twice: npm hands on to us the signal that the terminal has given us already. */

const ECHO_MS = 500;

/**
 * @param now the process's own time, ms
 * @returns whether a signal only repeats the same one of just before
 */
export function echoes(now = () => performance.now()): (signal: NodeJS.Signals) => boolean {
  const meantMs = new Map<NodeJS.Signals, number>();
  return (signal) => {
    const nowMs = now();
    const isEcho = nowMs - (meantMs.get(signal) ?? Number.NEGATIVE_INFINITY) < ECHO_MS;
    if (!isEcho) meantMs.set(signal, nowMs);
    return isEcho;
  };
}
