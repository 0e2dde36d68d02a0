/**
 * What the commands share at their edges: reading arguments, and ending with the right words and exit code.
 *
 * 0 fine, 1 failed, 2 wrong usage. Who reads us through a pipe and goes away (`| head`) ends us quietly, with 0.
 */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { CommandError, wrongUsage } from './errors';

/** `parseArgs`, strict. @throws CommandError for what is not an option of the command */
export function readArguments<const T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    throw wrongUsage(error instanceof Error ? error.message : String(error));
  }
}

/**
 * Runs a command to its exit code. @param name how it is called, for the hint after a wrong call
 */
export async function runCommand(name: string, command: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await command();
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    console.error(error.message);
    if (error.code === 2) console.error(`\`bun run ${name} --help\` says more.`);
    process.exitCode = error.code;
  }
}
