/** What ends a command: words for the person at the terminal, and the exit code. */

/** 1: it failed; 2: it was called wrongly. */
export type ExitCode = 1 | 2;

/** Says what is wrong and what to do; never holds a secret. */
export class CommandError extends Error {
  constructor(
    message: string,
    readonly code: ExitCode = 1,
  ) {
    super(message);
    this.name = 'CommandError';
  }
}

export const wrongUsage = (message: string): CommandError => new CommandError(message, 2);

/** The service wants a token, or another one. */
export class TokenRefused extends CommandError {}

/** Nobody answers there. */
export class NoAnswer extends CommandError {}
