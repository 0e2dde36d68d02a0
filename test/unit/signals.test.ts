/** What of a signal that comes again is a second one, and what only its echo. */
import { expect, test } from 'bun:test';
import { echoes } from '../../src/signals';

test('the same signal within half a second is an echo, however often; later, or another one, it is meant', () => {
  let ms = 0;
  const isEcho = echoes(() => ms);
  const after = (passedMs: number, signal: NodeJS.Signals) => {
    ms += passedMs;
    return isEcho(signal);
  };
  expect([after(0, 'SIGINT'), after(1, 'SIGINT'), after(400, 'SIGINT')]).toEqual([false, true, true]);
  expect(after(0, 'SIGTERM')).toBe(false);
  // Half a second counts from the one that was meant: who goes on pressing is heard.
  expect([after(99, 'SIGINT'), after(1, 'SIGINT')]).toEqual([false, true]);
});
