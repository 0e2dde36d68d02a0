/**
 * A busy day at Qiscus for tests that break Redis: customers open chats, agents end them, and nobody gives up.
 *
 * 1. Each lane opens one chat after another; its webhook is sent again until it is acknowledged, as a patient sender does.
 * 2. Chats that Qiscus gave to an agent are ended there, and the resolve webhook is sent until it is acknowledged.
 * 3. Every answer must be a success or a 503 in time; anything else is an oddity, by name.
 * 4. `end` stops the opening, waits until all chats were served and ended, and names whatever is not as it must be.
 */
import type { Sandbox } from '../../src/qiscus/sandbox';
import { ADMIN_TOKEN, type Answer, type Caller, caller } from './service';
import { until } from './wait';

/** A call that takes longer hangs: the service promises an answer within a fraction of this. */
const HANGS_AFTER_MS = 3_000;
const BETWEEN_CHATS_MS = 4;

export interface Customers {
  /** Chats whose allocation webhook was acknowledged, in order. */
  readonly acknowledged: readonly string[];
  /** Answers by HTTP status. */
  readonly answers: ReadonlyMap<number, number>;
  /** What must never be: by text, each once. */
  readonly oddities: ReadonlySet<string>;
  /** The longest time without an acknowledged allocation since then, ms. @param sinceMs as `performance.now()` tells */
  longestGapMs(sinceMs: number): number;
  /** Resolves when so many more chats were acknowledged. */
  more(chats: number, withinMs?: number): Promise<void>;
  /** Opens no more chats; resolves when every webhook sent was acknowledged. */
  stop(): Promise<void>;
  /** Stops, lets agents end all chats, and resolves to what is wrong then; empty when nothing is. */
  end(withinMs?: number): Promise<string[]>;
}

export interface CustomersOptions {
  /** Chats opened at the same time. Default 4. */
  lanes?: number;
  /** Are chats ended? Default true. */
  endChats?: boolean;
  /** Between two chats of a lane, ms. Default 4. */
  pauseMs?: number;
  /** Which of several apps it is. */
  appId?: string;
}

/**
 * @param url of the service
 * @param sandbox the app's Qiscus
 * @param name distinguishes the rooms of several days on one sandbox
 */
export function openChats(
  url: string,
  sandbox: Pick<Sandbox, 'rooms' | 'state'>,
  name: string,
  options: CustomersOptions = {},
): Customers {
  const { lanes = 4, endChats = true, pauseMs = BETWEEN_CHATS_MS, appId } = options;
  const api = caller(url, appId);
  const acknowledged: string[] = [];
  const answers = new Map<number, number>();
  const oddities = new Set<string>();
  const open = new Set<string>();
  let opening = true;
  let ending = endChats;
  const atMs: number[] = [];

  /** Sends until it is acknowledged. */
  async function insist(call: () => Promise<Answer>, what: string): Promise<void> {
    for (;;) {
      const begunMs = performance.now();
      const status = await call().then(
        ({ status: given }) => given,
        () => 0,
      );
      if (performance.now() - begunMs > HANGS_AFTER_MS) oddities.add(`${what} took over ${HANGS_AFTER_MS} ms`);
      answers.set(status, (answers.get(status) ?? 0) + 1);
      if (status >= 200 && status < 300) return;
      // 0: no connection, as when the service itself is away.
      if (status !== 503 && status !== 0) oddities.add(`${what} was answered with ${status}`);
      await Bun.sleep(20);
    }
  }

  async function customer(lane: number): Promise<void> {
    for (let n = 0; opening; n++) {
      const roomId = `${name}-${lane}-${n}`;
      await sandbox.rooms.create({ roomId, copies: 0 });
      await insist(() => api.allocate(roomId), 'an allocation');
      atMs.push(performance.now());
      acknowledged.push(roomId);
      open.add(roomId);
      await Bun.sleep(pauseMs);
    }
  }

  async function endOne(roomId: string): Promise<void> {
    await sandbox.rooms.resolve(roomId, { copies: 0 });
    await insist(() => api.resolve(roomId), 'a resolve');
  }

  /** Ends whatever has an agent, oldest first. */
  async function agents(): Promise<void> {
    while (ending) {
      const served = [...open].filter((roomId) => sandbox.rooms.read(roomId).agents.length > 0).slice(0, 16);
      for (const roomId of served) open.delete(roomId);
      await Promise.all(served.map(endOne));
      await Bun.sleep(5);
    }
  }

  const customers = Promise.all(Array.from({ length: lanes }, (_, lane) => customer(lane)));
  let working = agents();

  const stop = async () => {
    opening = false;
    await customers;
  };

  async function wrongWhenQuiet(): Promise<string[]> {
    const wrong = [...oddities];
    const { assigns, violations } = sandbox.state();
    for (const { kind, roomId } of violations) wrong.push(`${kind}: ${roomId}`);
    const times = Map.groupBy(
      assigns.filter(({ roomId }) => roomId.startsWith(`${name}-`)),
      ({ roomId }) => roomId,
    );
    for (const roomId of acknowledged) {
      const given = times.get(roomId)?.length ?? 0;
      if (given !== 1) wrong.push(`${roomId} was given to an agent ${given} times`);
    }
    const loads = (await api.get('/agents')).body.agents as { id: string; load: number }[];
    for (const { id, load } of loads) if (load !== 0) wrong.push(`${id} still has load ${load}`);
    return wrong;
  }

  return {
    acknowledged,
    answers,
    oddities,
    longestGapMs(sinceMs) {
      const moments = [sinceMs, ...atMs.filter((ms) => ms > sinceMs)];
      return Math.max(...moments.slice(1).map((ms, i) => ms - (moments[i] ?? 0)));
    },
    async more(chats, withinMs = 20_000) {
      const goal = acknowledged.length + chats;
      await until(() => acknowledged.length >= goal, { what: `${chats} more chats acknowledged`, withinMs });
    },
    stop,
    async end(withinMs = 30_000) {
      await stop();
      if (!ending) {
        ending = true;
        working = agents();
      }
      const wrong: string[] = [];
      await until(() => open.size === 0, { what: 'every chat served and ended', withinMs }).catch(() => {
        wrong.push(`${open.size} chats never got an agent: ${[...open].slice(0, 5).join(', ')} …`);
      });
      ending = false;
      await working;
      await until(() => idle(url, api, appId === undefined), { what: 'nothing on its way', withinMs: 10_000 }).catch(
        (error) => {
          wrong.push(String(error));
        },
      );
      return [...wrong, ...(await wrongWhenQuiet())];
    },
  };
}

/** Nothing in line, nothing on its way, nobody holds anything. Of one of several apps the service does not tell what is on its way. */
async function idle(url: string, api: Caller, alone: boolean): Promise<boolean> {
  const health = await fetch(`${url}/health/ready`, { headers: { Authorization: `Bearer ${ADMIN_TOKEN}` } });
  const { details } = (await health.json()) as { details?: Record<string, number> };
  const loads = (await api.get('/agents')).body.agents as { load: number }[];
  const { total } = (await api.get('/queue')).body;
  const isStill = !alone || (details?.inbox_length === 0 && details.outbox_length === 0);
  return isStill && total === 0 && loads.every(({ load }) => load === 0);
}
