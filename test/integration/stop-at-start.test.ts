/** SIGTERM while the service starts: a deploy that is undone at once, a supervisor that changes its mind. */
import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { temporaryFolder } from '../support/service';

/** Starts the service with its own Redis and ends it when `word` is printed. @returns exit code and what it printed */
async function stopAt(word: string): Promise<{ code: number; text: string }> {
  const child = Bun.spawn([process.execPath, 'src/index.ts'], {
    cwd: join(import.meta.dir, '../..'),
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', PORT: '0', DATA_DIR: temporaryFolder('data') },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const decoder = new TextDecoder();
  let text = '';
  let asked = false;
  for await (const chunk of child.stdout) {
    text += decoder.decode(chunk, { stream: true });
    if (asked || !text.includes(word)) continue;
    asked = true;
    child.kill('SIGTERM');
  }
  return { code: await child.exited, text };
}

test.each(['Agent Allocation', '/health/ready'])(
  '[F58] a SIGTERM right after "%s" is printed stops in order',
  async (word) => {
    const { code, text } = await stopAt(word);
    expect(text).toContain('"event":"service.stopped"');
    expect(code).toBe(0);
  },
);
