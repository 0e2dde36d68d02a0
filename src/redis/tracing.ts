/**
 * Says whether anybody listens to a tracing channel, which Bun 1.4 does not (Node 20 does).
 *
 * ioredis takes "unknown" for yes, and then builds a trace of every command for nobody: a third of the time that the
 * process spends on a webhook. Import it before ioredis is used; a runtime that knows the answer keeps its own.
 */
import { type TracingChannel, tracingChannel } from 'node:diagnostics_channel';

const shared: object = Object.getPrototypeOf(tracingChannel('agent-allocation'));
if (!('hasSubscribers' in shared)) {
  Object.defineProperty(shared, 'hasSubscribers', {
    get(this: TracingChannel) {
      const { start, end, asyncStart, asyncEnd, error } = this;
      return [start, end, asyncStart, asyncEnd, error].some((channel) => channel.hasSubscribers);
    },
  });
}
