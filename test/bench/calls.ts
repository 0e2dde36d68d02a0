/**
 * The whole way, with a Qiscus sandbox, the service and Redis as processes of their own.
 *
 * 1. Calls to Qiscus per assigned room while more rooms wait than can be served, and every webhook comes twice.
 * 2. Time from a freed slot to the next call for it, against a bare relay that only forwards.
 */
import { startTestRedis } from '../support/redis';
import { APP_ID, caller, environment, freePort, QISCUS_SECRET, spawnService } from '../support/service';
import { until } from '../support/wait';
import type { CityOrder, CityReport } from './city';
import { alternate, type Figure, median, ratioOf } from './measure';
import { startChild } from './processes';

const AGENTS = 100;
const SLOTS_EACH = 2;
const EVERY_MS = 5;

export async function measureCalls(quick: boolean): Promise<Figure[]> {
  const redis = await startTestRedis();
  const city = await startChild<CityOrder, CityReport>('city.ts');
  const otherCity = await startChild<CityOrder, CityReport>('city.ts');
  const relay = await startChild<never, never>('relay.ts', [String(otherCity.hello), APP_ID, QISCUS_SECRET]);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  await city.ask({ do: 'open', agents: AGENTS, deliverTo: url });
  await otherCity.ask({ do: 'open', agents: AGENTS, deliverTo: `http://127.0.0.1:${relay.hello}` });
  const service = await spawnService(
    environment(redis.url, String(city.hello), {
      PORT: String(port),
      QISCUS_CONCURRENCY: '64',
      QISCUS_MAX_CUSTOMER: String(SLOTS_EACH),
      ROSTER_SYNC_SECONDS: '10',
    }),
  );
  try {
    const api = caller(url);
    const online = async () => (await api.get('/agents')).body.agents as { online: boolean }[];
    await until(async () => (await online()).filter((agent) => agent.online).length === AGENTS, {
      what: `${AGENTS} agents online`,
    });
    const pace = { do: 'pace', ends: quick ? 400 : 1_000, everyMs: EVERY_MS, slotsEach: SLOTS_EACH } as const;
    const p50s: Record<string, number[]> = { service: [], relay: [] };
    const timed = (name: 'service' | 'relay', where: typeof city) => async () => {
      const { p50Ms, p99Ms } = await where.ask({ ...pace, byHand: name === 'relay' });
      p50s[name]?.push(p50Ms);
      return p99Ms;
    };
    const sides = { service: timed('service', city), relay: timed('relay', otherCity) };
    await alternate(1, sides); // warm up
    for (const list of Object.values(p50s)) list.length = 0;
    const p99s = await alternate(quick ? 2 : 5, sides);

    await city.ask({ do: 'rush', rooms: 500, slots: AGENTS * SLOTS_EACH });
    const rush = await city.ask({ do: 'rush', rooms: quick ? 3_000 : 15_000, slots: AGENTS * SLOTS_EACH });
    if (rush.violations > 0) throw new Error(`${rush.violations} rooms got two agents, or an agent too many rooms`);

    const latency = (what: string, mine: number[], bare: number[], target: Figure['target']): Figure => ({
      suite: 'calls',
      what,
      measured: median(mine),
      baseline: median(bare),
      unit: 'ms',
      ratio: ratioOf(mine, bare),
      target,
      note: `role all, AOF everysec; ${1_000 / EVERY_MS} chats end per second`,
    });
    return [
      {
        suite: 'calls',
        what: 'calls to Qiscus, against rooms assigned',
        measured: rush.calls,
        baseline: rush.assigned,
        unit: 'calls',
        ratio: rush.calls / rush.assigned,
        target: { atMost: 1.05 },
        note: `every webhook twice, ${AGENTS} agents; ${Math.round((rush.assigned * 1_000) / rush.tookMs)} rooms/s, all on the same cores`,
      },
      latency('slot freed to next call, median, against a relay', p50s.service ?? [], p50s.relay ?? [], null),
      latency('slot freed to next call, p99, against a relay', p99s.service, p99s.relay, { atMost: 3 }),
    ];
  } finally {
    await service.kill('SIGTERM');
    await Promise.all([relay, city, otherCity].map((child) => child.stop()));
    await redis.stop();
  }
}
