/** Calls to Qiscus per assigned room, while more rooms wait than can be served and every webhook comes twice. */
import type { Reading } from './measure';
import { openScene } from './scene';

const AGENTS = 100;
const LIMIT = 2;

export async function measureCalls(quick: boolean): Promise<Reading[]> {
  const { city, stop } = await openScene({ serve: 'service', agents: AGENTS, limit: LIMIT });
  try {
    const slots = AGENTS * LIMIT;
    await city.ask({ do: 'rush', rooms: 500, slots });
    const { assigned, calls, tookMs, violations } = await city.ask({
      do: 'rush',
      rooms: quick ? 3_000 : 15_000,
      slots,
    });
    if (violations > 0) throw new Error(`${violations} rooms with two agents, or agents above the limit`);
    const note = `every webhook twice, ${AGENTS} agents, all full; ${Math.round((assigned * 1_000) / tookMs)} rooms/s`;
    return [{ id: 'calls.room', measured: calls, baseline: assigned, ratio: calls / assigned, note }];
  } finally {
    await stop();
  }
}
