/**
 * Customers that never give up: each webhook is sent until it is acknowledged, to the next process on a 503 or a refused
 * connection, as any load balancer does. Goes on until `end`; `abort` gives up at once.
 */
import type { Sandbox } from '../../src/qiscus/sandbox';
import { WEBHOOK_TOKEN } from './service';
import { until } from './wait';

/** What a client met, by word: `200`, `503 STOPPING`, `ECONNREFUSED`, … */
type Met = Map<string, number>;

/**
 * Sends a webhook until it is acknowledged: to the same process as long as that takes it, else to the next.
 * @throws what `signal` says, when that ends it
 */
function clientOf(urls: readonly string[], first: number, met: Met, signal: AbortSignal, token: () => string) {
  let at = first;
  const barredUntilMs = urls.map(() => 0);
  const note = (what: string) => met.set(what, (met.get(what) ?? 0) + 1);
  const moveOn = (retryAfter: string | null) => {
    barredUntilMs[at] = performance.now() + 1_000 * Number(retryAfter ?? 1);
    at = urls.map((_, i) => i).reduce((a, b) => ((barredUntilMs[b] ?? 0) < (barredUntilMs[a] ?? 0) ? b : a));
  };
  return async (path: string, body: object): Promise<Record<string, unknown>> => {
    for (;;) {
      try {
        const headers = { 'Content-Type': 'application/json', 'X-Webhook-Token': token() };
        const options = { method: 'POST', headers, body: JSON.stringify(body), signal };
        const reply = await fetch(`${urls[at]}/api/v1/webhook/${path}`, options);
        const answer = (await reply.json()) as Record<string, unknown>;
        note(reply.ok ? String(reply.status) : `${reply.status} ${answer.code}`);
        if (reply.ok) return answer;
        moveOn(reply.headers.get('retry-after'));
      } catch (error) {
        signal.throwIfAborted();
        note(error instanceof Error && 'code' in error ? String(error.code) : String(error));
        moveOn(null);
      }
    }
  };
}

export interface Load {
  /** Rooms whose allocation was acknowledged. */
  readonly rooms: readonly string[];
  readonly met: ReadonlyMap<string, number>;
  /** Resolves when so many more rooms were acknowledged. */
  more(rooms: number): Promise<void>;
  /** Lets every customer finish what it is about. */
  end(): Promise<void>;
  abort(): void;
}

/**
 * @param urls the processes; there may be fewer or more behind them at any time
 * @param token what each webhook carries, asked every time
 */
export function startLoad(
  urls: readonly string[],
  sandbox: Sandbox,
  clients: number,
  token: () => string = () => WEBHOOK_TOKEN,
): Load {
  const met: Met = new Map();
  const rooms: string[] = [];
  const over = new AbortController();
  let ended = false;
  const all = Promise.all(
    Array.from({ length: clients }, async (_, n) => {
      const send = clientOf(urls, n % urls.length, met, over.signal, token);
      for (let i = 0; !ended; i++) {
        const roomId = `${n}-${i}`;
        const { state } = await send('agent_allocation', { room_id: roomId });
        rooms.push(roomId);
        // Every tenth chat goes on; the others are over as soon as somebody is in.
        if (state !== 'assigned' || i % 10 === 0) continue;
        await sandbox.rooms.resolve(roomId, { copies: 0 });
        await send('mark_as_resolved', { room_id: roomId, agent_id: 'agent_01' });
      }
    }),
  );
  // Until they are awaited in `end`, what ends them early is the failure of something else.
  all.catch(() => undefined);
  return {
    rooms,
    met,
    async more(count) {
      const before = rooms.length;
      await until(() => rooms.length >= before + count, { what: `${count} more rooms taken in`, withinMs: 30_000 });
    },
    async end() {
      ended = true;
      await all;
    },
    abort: () => over.abort(),
  };
}
