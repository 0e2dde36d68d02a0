/**
 * From the start of the process to ready: `bun src/index.ts` as a person would start it, with its own Redis on the data of
 * a former run and its own sandbox. Warm: the files are in the machine's cache, and nothing has to be fetched.
 */
import { freePort, launchService, temporaryFolder } from '../support/service';
import { until } from '../support/wait';
import { median, type Reading } from './measure';

const MOST_MS = 1_000;
const ROOMS = 500;

export async function measureStart(quick: boolean): Promise<Reading[]> {
  const port = String(await freePort());
  const env = { DATA_DIR: temporaryFolder('bench-start'), LOG_LEVEL: 'error' };
  const url = `http://127.0.0.1:${port}`;

  /** One life of the service; ms until it was ready. */
  async function live(work: () => Promise<unknown>): Promise<number> {
    const startMs = performance.now();
    const service = launchService(env, 'all', port);
    try {
      await until(
        async () => {
          if (service.hasEnded()) throw new Error(`it ended: ${service.output()}`);
          return (await fetch(`${url}/health/ready`)).ok;
        },
        { what: 'the service to be ready', withinMs: 60_000 },
      );
      const tookMs = performance.now() - startMs;
      await work();
      return tookMs;
    } finally {
      await service.kill('SIGTERM');
    }
  }

  const post = async (_: unknown, nth: number) => {
    const reply = await fetch(`${url}/api/v1/webhook/agent_allocation`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ room_id: String(500_000 + nth), message: 'Hello', customer_id: '67890' }),
    });
    if (!reply.ok) throw new Error(`a webhook got ${reply.status}`);
  };
  await live(() => Promise.all(Array.from({ length: ROOMS }, post)));
  const times: number[] = [];
  for (let round = 0; round < (quick ? 3 : 7); round++) times.push(await live(async () => undefined));
  const measured = median(times);
  const range = `${Math.round(Math.min(...times))} to ${Math.round(Math.max(...times))} ms`;
  const note = `role all, embedded Redis with ${ROOMS} rooms, sandbox; ${range} in ${times.length} starts`;
  return [{ id: 'start.warm', measured, baseline: MOST_MS, ratio: measured / MOST_MS, note }];
}
