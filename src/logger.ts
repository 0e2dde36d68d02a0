/**
 * The log: one JSON object a line, to standard output and/or a file; warnings and errors to Slack, too. Events are `noun.verbed`:
 * `logger.info({ event: 'room.assigned', request, room, agent, entry }, 'Room assigned')`.
 *
 * 1. Everything passes the redactor (redact.ts) before pino sees it: objects, errors, texts, child bindings.
 * 2. The lines of one turn of the event loop leave together, in one write after it: cheap, in order, and never lost at exit.
 * 3. `reopen` (on SIGHUP) lets logrotate move the file away; `flush`, the last step of a stop, writes what is pending, and
 *    `settle`, before it, gives Slack a moment.
 */
import { hostname } from 'node:os';
import { join } from 'node:path';
import pino, { type Logger } from 'pino';
import { appsOf, type Config } from './config';
import { SlackLog } from './log-slack';
import { createRedactor, secretsIn } from './redact';
import { visible } from './text';

export type { Logger };

export const LOG_FILE = 'agent-allocation.log';

/** Opens the sinks of LOG_STACK; the file is `logs/agent-allocation.log` in the data folder. */
export function createLogger(config: Config): {
  logger: Logger;
  /** Knows the secrets of this configuration too from now on; an app that could not be changed still has its old ones. */
  learn(config: Config): void;
  reopen(): void;
  flush(): void;
  /** Sends what Slack has not got yet; null: there is no Slack. Never rejects, and takes no longer than `limitMs`. */
  settle: ((limitMs: number) => Promise<void>) | null;
} {
  const { level, stack, slackWebhookUrl } = config.log;
  const file = stack.includes('single') ? open(join(config.dataDir, 'logs', LOG_FILE)) : null;
  // Slack gets warnings and errors, and not always: with nothing else the lines go to standard output as well.
  const stdout = stack.includes('stdout') || !file ? open(1) : null;

  const slack =
    stack.includes('slack') && slackWebhookUrl !== null
      ? new SlackLog(slackWebhookUrl, report, { heading: headingOf(config) })
      : null;
  /** What Slack's part says about itself. */
  function report(event: string, fields: Record<string, unknown>): void {
    const what =
      event === 'slack.unsent' ? 'Slack did not take a message; it is tried again' : 'Slack takes messages again';
    logger.warn({ event, ...fields }, what);
  }

  let pending = '';
  function flush(): void {
    const lines = pending;
    pending = '';
    if (lines === '') return;
    stdout?.write(lines);
    file?.write(lines);
  }
  // The last words of a process that fails are the ones that count.
  process.on('exit', flush);

  const secrets = new Set(secretsIn(config));
  let redact = createRedactor(secrets);
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
    {
      write(line) {
        if (pending === '') setImmediate(flush);
        slack?.add(line);
        pending += visible(line);
      },
    },
  );
  const { child } = logger;
  // Children inherit this one; pino itself offers no hook for their bindings.
  logger.child = function (this: Logger, bindings: object, options?: object) {
    return Reflect.apply(child, this, [redact(bindings), options]);
  } as typeof child;
  return {
    logger,
    learn: (next) => {
      for (const secret of secretsIn(next)) secrets.add(secret);
      redact = createRedactor(secrets);
    },
    reopen: () => file?.reopen(),
    flush,
    settle: slack === null ? null : (limitMs) => slack.settle(limitMs),
  };
}

/** Which installation speaks in a channel that others may share, and where its board is. */
function headingOf(config: Config): string {
  const apps = appsOf(config);
  const which = [...(apps.length === 1 ? apps.map((app) => app.qiscus.appId) : []), `on ${hostname()}`].join(' ');
  return ['Agent Allocation', which, config.http.publicBaseUrl].filter((part) => part !== null).join(' · ');
}

function open(dest: number | string): ReturnType<typeof pino.destination> {
  const destination = pino.destination({ dest, sync: true, mkdir: true, mode: 0o640 });
  // A full disk must not end the service; the operator sees it on standard error.
  destination.on('error', (error: Error) => console.error(`The log could not be written: ${error.message}`));
  return destination;
}
