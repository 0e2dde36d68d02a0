/**
 * Ordered misbehaviour: which call goes wrong, how often, and how.
 *
 * 1. An order hits calls by name or path, and by room or agent when it names one; the first that fits is taken.
 * 2. `apply_then_…` does the work first: the caller cannot know that it was done.
 * 3. Costs nothing while no order stands.
 */
import type { Fault } from './settings';

/** What a well-behaved call answers. */
export interface Answer {
  status: number;
  body: unknown;
}

interface Order extends Fault {
  hits: number;
  passed: number;
}

export class Faults {
  private orders: Order[] = [];
  private readonly random: () => number;

  constructor(random: () => number) {
    this.random = random;
  }

  add(faults: Fault[]): void {
    this.orders.push(...faults.map((fault) => ({ ...fault, hits: 0, passed: 0 })));
  }

  clear(): void {
    this.orders = [];
  }

  list(): Order[] {
    return this.orders.map((order) => ({ ...order }));
  }

  /** The order that this call runs into, if any; counts the hit. */
  take(call: string, path: string, ids: Record<string, string>): Fault | null {
    for (const order of this.orders) {
      const { on, roomId, agentId, skip = 0, times = 1, ratio = 1 } = order;
      if (on !== call && on !== path) continue;
      if (roomId !== undefined && roomId !== ids.room_id) continue;
      if (agentId !== undefined && agentId !== ids.agent_id) continue;
      if (times !== null && order.hits >= times) continue;
      if (order.passed < skip) {
        order.passed++;
        continue;
      }
      if (ratio < 1 && this.random() >= ratio) continue;
      order.hits++;
      return order;
    }
    return null;
  }
}

export const appliesFirst = (fault: Fault): boolean => fault.effect.startsWith('apply_then_');

/** The answer that the fault makes of the good one. `stopped` ends what would hang for ever. */
export function misbehave(fault: Fault, good: string, stopped: Promise<unknown>): Response | Promise<Response> {
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  if (fault.retryAfter !== undefined) headers['retry-after'] = String(fault.retryAfter);
  switch (fault.effect.replace('apply_then_', '')) {
    case 'hang':
      return stopped.then(() => new Response(null, { status: 503 }));
    case 'reset':
      return new Response(cutStream(''));
    case 'truncate':
      return new Response(cutStream(good.slice(0, good.length / 2)), { headers });
    case 'garbage':
      return new Response('<html><body>Bad gateway</body></html>', { headers: { 'content-type': 'text/html' } });
    case 'trickle':
      return new Response(trickle(good, stopped), { headers });
    case 'redirect':
      return new Response(null, { status: 307, headers: { location: fault.location ?? '/' } });
    case '500':
      return new Response('{"errors":{"message":"Internal server error"}}', { status: 500, headers });
    default: {
      const { status = 500, body = { errors: { message: `status ${status}` } } } = fault;
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      return new Response(text, { status, headers });
    }
  }
}

/** Sends the text, then drops the connection; without text not even a status goes out. */
function cutStream(text: string): ReadableStream<string> {
  return new ReadableStream({
    async start(controller) {
      if (text !== '') {
        controller.enqueue(text);
        await Bun.sleep(1);
      }
      controller.error();
    },
  });
}

/** A byte every 50 ms, and a blank for ever after: a client that only watches for silence never ends. */
function trickle(text: string, stopped: Promise<unknown>): ReadableStream<string> {
  let timer: Timer | undefined;
  return new ReadableStream({
    start(controller) {
      let at = 0;
      timer = setInterval(() => controller.enqueue(text[at++] ?? ' '), 50);
      stopped.then(() => clearInterval(timer));
    },
    cancel: () => clearInterval(timer),
  });
}
