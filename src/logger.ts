/**
 * The log: one JSON object a line, to standard output and/or a file. Events are `noun.verbed`:
 * `logger.info({ event: 'room.assigned', request, room, agent, entry }, 'Room assigned')`.
 *
 * 1. Everything passes the redactor (redact.ts) before pino sees it: objects, errors, texts, child bindings.
 * 2. Lines leave without waiting: a slow disk or pipe never holds a request up.
 * 3. `reopen` (on SIGHUP) lets logrotate move the file away; `flush`, the last step of a stop, writes what is pending.
 */
import { join } from 'node:path';
import pino, { type Logger } from 'pino';
import type { Config } from './config';
import { createRedactor } from './redact';

export type { Logger };

export const LOG_FILE = 'agent-allocation.log';

/** Opens the sinks of LOG_STACK; the file is `logs/agent-allocation.log` in the data folder. */
export function createLogger(config: Config): { logger: Logger; reopen(): void; flush(): void } {
  const { level, stack } = config.log;
  const wantsFile = stack.includes('single');
  const destinations = [
    // With nothing but Slack, which comes later, the lines would be lost: then they go to standard output as well.
    ...(stack.includes('stdout') || !wantsFile ? [open(1)] : []),
    ...(wantsFile ? [open(join(config.dataDir, 'logs', LOG_FILE))] : []),
  ];
  const redact = createRedactor(config);
  const logger = pino(
    {
      level,
      base: { service: 'agent-allocation', role: config.role, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      // The redactor has turned errors into plain objects already.
      serializers: { err: (value: unknown) => value },
      formatters: { level: (label) => ({ level: label }) },
      hooks: {
        logMethod(args, method) {
          const [first, text] = args;
          const fields = first instanceof Error ? { err: first } : first;
          // Without a text pino would take an error's own message, past the redactor.
          const isBareError = text === undefined && first instanceof Error;
          const rest = isBareError ? [first.message] : args.slice(1);
          Reflect.apply(method, this, [redact(fields), ...rest.map(redact)]);
        },
      },
    },
    pino.multistream(
      destinations.map((stream) => ({ level: 'trace', stream })),
      { dedupe: false },
    ),
  );
  const { child } = logger;
  // Children inherit this one; pino itself offers no hook for their bindings.
  logger.child = function (this: Logger, bindings: object, options?: object) {
    return Reflect.apply(child, this, [redact(bindings), options]);
  } as typeof child;
  if (stack.includes('slack')) {
    logger.warn(
      { event: 'log.slack_pending' },
      'LOG_STACK has slack: alerts to Slack are not sent yet by this version',
    );
  }
  return {
    logger,
    reopen: () => destinations.forEach((destination) => void destination.reopen()),
    flush: () => destinations.forEach(flushQuietly),
  };
}

type Destination = ReturnType<typeof pino.destination>;

function open(dest: number | string): Destination {
  const destination = pino.destination({ dest, sync: false, mkdir: true, append: true, mode: 0o640 });
  // A full disk must not end the service; the operator sees it on standard error.
  destination.on('error', (error: Error) => console.error(`The log could not be written: ${error.message}`));
  return destination;
}

function flushQuietly(destination: Destination): void {
  try {
    destination.flushSync();
  } catch {
    // Not open yet, or closed already: nothing of ours is pending.
  }
}
