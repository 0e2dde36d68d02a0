/** How to call our commands, in the words of whoever started this one: npm, Bun, or neither (in a container). */
import { relative } from 'node:path';

/** @param script of package.json; more words follow it as they are */
export function called(script: string): string {
  const { npm_config_user_agent: starter = '' } = process.env;
  if (starter === '') return `bun ${relative(process.cwd(), Bun.main)}`;
  // npm prints two lines of its own, which spoil --json.
  return starter.startsWith('bun/') ? `bun run ${script}` : `npm run --silent ${script} --`;
}
