/**
 * From a webhook to the call of `assign_agent` that it leads to, at 500 webhooks a second, against a bare relay.
 *
 * 1. From before the webhook is sent to the moment in which the sandbox makes the assignment; both sides alike.
 * 2. Two kinds: a new chat for which a slot is free, and an ended chat whose slot goes to the next room in line.
 */
import type { CityOrder } from './city';
import type { FigureId } from './figures';
import { alternate, type Reading, reading } from './measure';
import { openScenes } from './scene';

const AGENTS = 100;
const SLOTS_EACH = 2;
const WEBHOOKS_PER_SECOND = 500;

type Kind = Extract<CityOrder, { do: 'pace' }>['kind'];

export async function measureLatency(quick: boolean): Promise<Reading[]> {
  const options = { agents: AGENTS, limit: SLOTS_EACH };
  const { scenes, stop } = await openScenes({
    service: { serve: 'service', ...options },
    relay: { serve: 'relay', ...options },
  });
  const measure = async (kind: Kind, p50: FigureId, p99: FigureId, calls: number, note: string) => {
    const p50s: Record<string, number[]> = { service: [], relay: [] };
    const side = (name: 'service' | 'relay') => async () => {
      const order = { do: 'pace', kind, calls, webhooksPerSecond: WEBHOOKS_PER_SECOND, slotsEach: SLOTS_EACH } as const;
      const { p50Ms, p99Ms, violations } = await scenes[name].city.ask(order);
      if (violations > 0) throw new Error(`${name}: ${violations} rooms with two agents, or agents above the limit`);
      p50s[name]?.push(p50Ms);
      return p99Ms;
    };
    const sides = { service: side('service'), relay: side('relay') };
    await alternate(1, sides); // warm up
    for (const list of Object.values(p50s)) list.length = 0;
    const p99s = await alternate(quick ? 3 : 5, sides);
    return [
      reading(p50, p50s.service ?? [], p50s.relay ?? [], note),
      reading(p99, p99s.service, p99s.relay, `${calls} calls a round`),
    ];
  };
  try {
    const [chats, ends] = quick ? [400, 800] : [750, 1_500];
    return [
      ...(await measure('chats', 'latency.chat.p50', 'latency.chat.p99', chats, 'half begin a chat, half end one')),
      ...(await measure('ends', 'latency.slot.p50', 'latency.slot.p99', ends, 'no slot is free, rooms are in line')),
    ];
  } finally {
    await stop();
  }
}
