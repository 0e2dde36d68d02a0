/**
 * Processes of the benchmark that talk over IPC: each is asked one thing at a time and answers it.
 *
 * A child ends by `stop`, and by itself when this process goes: its channel closes.
 */
import { join } from 'node:path';

export interface Child<Question, Answer> {
  /** What it said first: that it is ready, or where it listens. */
  hello: unknown;
  ask(question: Question): Promise<Answer>;
  stop(): Promise<void>;
}

/** Starts `bun <file> <args…>` of this folder; resolves with its first message. */
export async function startChild<Question, Answer>(
  file: string,
  args: string[] = [],
): Promise<Child<Question, Answer>> {
  let answer = Promise.withResolvers<unknown>();
  const child = Bun.spawn([process.execPath, join(import.meta.dir, file), ...args], {
    ipc: (message) => answer.resolve(message),
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  void child.exited.then((code) => answer.reject(new Error(`${file} ended with ${code}`)));
  answer.promise.catch(() => undefined);
  const hello = await answer.promise;
  return {
    hello,
    async ask(question) {
      answer = Promise.withResolvers();
      child.send(question);
      return (await answer.promise) as Answer;
    },
    async stop() {
      answer.promise.catch(() => undefined);
      child.kill();
      await child.exited;
    },
  };
}
