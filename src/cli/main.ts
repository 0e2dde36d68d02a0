/**
 * What the commands share at their edges: reading arguments, and ending with the right words and exit code.
 *
 * 0 fine, 1 failed, 2 wrong usage. Who reads us through a pipe and goes away (`| head`) ends us quietly, with 0.
 */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { called } from './called';
import { CommandError, wrongUsage } from './errors';

/** `parseArgs`, strict. @throws CommandError for what is not an option of the command */
export function readArguments<const T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    throw wrongUsage(error instanceof Error ? error.message : String(error));
  }
}

const AGO = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * ms since 1970 of a time as people write it: `2026-11-01`, `2026-11-01T08:00:00+07:00`, ms since 1970, or how long ago:
 * `30m`, `2h`, `7d`. @throws CommandError
 */
export function timeOf(option: string, text: string): number {
  const [, many, unit] = /^(\d{1,5})([mhd])$/.exec(text) ?? [];
  const ago = unit === 'm' || unit === 'h' || unit === 'd' ? Number(many) * AGO[unit] : null;
  const ms = ago !== null ? Date.now() - ago : /^\d{10,14}$/.test(text) ? Number(text) : Date.parse(text);
  if (Number.isNaN(ms) || ms < 0)
    throw wrongUsage(`${option} must be a time such as 2026-11-01 or 2026-11-01T08:00:00Z, or 30m, 2h, 7d ago.`);
  return ms;
}

/**
 * Runs a command to its exit code. @param name of its script, for the hint after a wrong call
 */
export async function runCommand(name: string, command: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await command();
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    console.error(error.message);
    if (error.code === 2) console.error(`\`${called(name)} --help\` says more.`);
    process.exitCode = error.code;
  }
}
