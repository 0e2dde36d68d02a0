/**
 * Says whether anybody listens to a tracing channel, which Bun 1.4 does not (Node 20 does).
 *
 * ioredis takes "unknown" for yes, and then builds a trace of every command for nobody (measured on 6.0.0: without, a
 * process takes in a seventh more webhooks). Import it before ioredis is used; a runtime that knows keeps its own answer.
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
