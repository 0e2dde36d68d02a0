/**
 * Starts a role (`all`, `api`, `worker`), and chooses the exit code: 0 stopped as asked, 1 failed, 2 wrongly configured.
 *
 * 1. The first line printed is the address to open.
 * 2. SIGTERM and SIGINT drain, then stop in order, also while it starts; a second one ends at once (signals.ts). SIGHUP
 *    reopens the log file and reads QISCUS_APPS_FILE again; in a terminal with neither of them it stops, too.
 * 3. Whatever nobody caught ends the process, so that a supervisor starts it again. It works no more from then on, though
 *    Slack may still be told for a moment.
 */
import { ready, starting } from './banner';
import { ConfigError, findMisspellings, readConfig } from './config';
import { ServiceError } from './errors';
import { createLogger } from './logger';
import { startService } from './service';
import { echoes } from './signals';

function readOrExit() {
  try {
    return readConfig(process.env, process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(error.message);
    process.exit(2);
  }
}

const config = readOrExit();
const { logger, learn, reopen, flush, settle } = createLogger(config);
/** For the last words to Slack, ms. */
const SETTLE_MS = 2_000;
let signals = 0;
const isEcho = echoes();
process.on('SIGTERM', () => void stopOn('SIGTERM'));
process.on('SIGINT', () => void stopOn('SIGINT'));
// A terminal that is closed says so with the same signal: nobody is left who could stop the service otherwise.
const ofTerminal = process.stdin.isTTY && config.apps === null && !config.log.stack.includes('single');
process.on('SIGHUP', () => {
  if (ofTerminal) return void stopOn('SIGHUP');
  reopen();
  void readAppsAgain();
});
console.log(starting(config));
for (const warning of findMisspellings(process.env)) logger.warn({ event: 'config.unknown' }, warning);

function exit(code: number): never {
  flush();
  process.exit(code);
}

/** Ends when Slack has the last words, or has had time enough. */
async function leave(code: number): Promise<never> {
  await settle?.(SETTLE_MS);
  return exit(code);
}

function fail(error: unknown): Promise<never> {
  // Also where it has not started yet.
  starts.then((service) => service.abandon()).catch(() => undefined);
  if (error instanceof ConfigError) {
    console.error(error.message);
    return leave(2);
  }
  if (error instanceof ServiceError) {
    // What was planned for is told in words; its trace helps nobody.
    logger.fatal({ event: 'service.failed', code: error.code }, error.message);
    console.error(error.message);
  } else {
    logger.fatal({ event: 'service.failed', err: error }, 'the service failed');
  }
  return leave(1);
}

process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);

const starts = startService(config, logger, (line) => console.log(line)).catch(fail);

/** A file with a mistake changes nothing. */
async function readAppsAgain(): Promise<void> {
  if (config.apps === null) return;
  try {
    const next = readConfig(process.env, process.argv.slice(2));
    learn(next);
    await (await starts).reload(next);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const what = 'QISCUS_APPS_FILE was read again and has mistakes: the apps stay as they are';
    logger.error({ event: 'config.refused', problems: error.problems }, what);
  }
}

async function stopOn(signal: NodeJS.Signals): Promise<void> {
  if (isEcho(signal)) return;
  signals += 1;
  if (signals > 1) exit(1);
  logger.info({ event: 'service.stopping', signal }, 'stopping');
  // The parts keep to the deadline themselves; this is the net below them.
  const net = setTimeout(() => exit(1), config.shutdownSeconds * 1_000 + 5_000);
  // Asked while it starts: workers may have calls under way before the start is through.
  const service = await starts;
  await service.drain();
  await service.stop();
  clearTimeout(net);
  logger.info({ event: 'service.stopped' }, 'stopped');
  await leave(0);
}

const service = await starts;
console.log(ready(config, service));
service.failed.catch(async (error) => {
  await service.stop();
  await fail(error);
});
