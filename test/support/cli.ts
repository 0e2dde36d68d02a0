/** Runs the commands of the terminal as a person would: processes of their own, with an environment of their own. */
import { join } from 'node:path';

const ROOT = join(import.meta.dir, '../..');

export interface Said {
  code: number;
  out: string;
  err: string;
}

/** `bun <file> <args>`, without a terminal. @param cwd where a `.env` would be looked for */
export async function runFile(file: string, args: string[], env: Record<string, string>, cwd = ROOT): Promise<Said> {
  const child = Bun.spawn([process.execPath, join(ROOT, file), ...args], {
    cwd,
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, out, err };
}

/** `bun run allocation <args>`. */
export const allocation = (args: string[], env: Record<string, string>): Promise<Said> =>
  runFile('src/cli/index.ts', args, env);
