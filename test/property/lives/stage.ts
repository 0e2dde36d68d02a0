/** What all lives of a test file share: one Redis, one sandbox, and time that does not run by itself. */
import { afterAll, beforeAll } from 'bun:test';
import { startSandbox } from '../../../src/qiscus/sandbox';
import { connect } from '../../../src/redis/client';
import { startTestRedis } from '../../support/redis';
import { APP_ID, QISCUS_SECRET } from '../../support/service';
import { catchLetters } from './air';
import { simulateTime } from './time';
import type { Stage } from './world';

/** Call once at the top of a test file; the function that it returns gives its tests the stage. */
export function stages(): () => Stage {
  let stage: Stage | null = null;
  const undo: (() => unknown)[] = [];
  beforeAll(async () => {
    // A crash of a process loses nothing that Redis has; its own crash is another test's.
    const server = await startTestRedis({ appendfsync: 'no' });
    undo.push(() => server.stop());
    const redis = await connect(server.url, 'command');
    undo.push(() => redis.disconnect());
    const sandbox = await startSandbox({ appId: APP_ID, secret: QISCUS_SECRET, agentIds: 'named' });
    undo.push(() => sandbox.stop());
    const own: Stage = { redis, sandbox, post: { letters: [] } };
    const post = catchLetters(sandbox, (letter) => own.post.letters.push(letter));
    undo.push(() => post.stop());
    undo.push(simulateTime());
    stage = own;
  });
  afterAll(async () => {
    for (let step = undo.pop(); step; step = undo.pop()) await step();
  });
  return () => {
    if (!stage) throw new Error('the stage is not ready');
    return stage;
  };
}
