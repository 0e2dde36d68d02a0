/**
 * The ledger on a real Redis with a clock that the test moves: no loops, no HTTP, every step is the test's own.
 */
import { Desk } from '../../src/ledger/desk';
import { Ledger } from '../../src/ledger/index';
import type { Webhook } from '../../src/ledger/model';
import type { RedisClient } from '../../src/redis/client';
import { type Keys, keysOf } from '../../src/redis/keys';
import { Scripts } from '../../src/redis/scripts';
import { ensureGroups } from '../../src/streams/groups';
import { entryOf } from './entry';

export interface TestLedger {
  client: RedisClient;
  keys: Keys;
  ledger: Ledger;
  desk: Desk;
  clock: { ms: number };
  /** Appends a webhook to the inbox; returns its entry id. */
  append(webhook: Webhook): Promise<string>;
  /** Applies all of the inbox. */
  applyAll(): Promise<void>;
  /** One reading of agents, all of them. */
  roster(
    agents: { id: string; online?: boolean; channels?: readonly string[] | null; count?: number | null }[],
  ): Promise<void>;
}

let apps = 0;

/** A ledger of its own (a new app id) on the given connection. @param scriptsOf other scripts than the service's own */
export async function openTestLedger(
  client: RedisClient,
  limit = 2,
  scriptsOf = (keys: Keys) => new Scripts(client, keys),
): Promise<TestLedger> {
  apps += 1;
  const keys = keysOf(`app-${process.pid}-${apps}`);
  const clock = { ms: Date.now() };
  const scripts = scriptsOf(keys);
  const ledger = new Ledger(scripts, () => clock.ms);
  const desk = new Desk(scripts, () => clock.ms);
  await ensureGroups(client, keys);
  await ledger.setInitialLimit(limit);
  let requests = 0;
  return {
    client,
    keys,
    ledger,
    desk,
    clock,
    async append(webhook) {
      requests += 1;
      return (await client.xadd(keys.inbox, '*', ...entryOf(webhook, `r${requests}`))) as string;
    },
    async applyAll() {
      for (;;) {
        const taken = await ledger.takeEntries('new');
        if (taken.kind === 'pending') throw new Error('an entry is pending');
        if (taken.kind === 'taken' && taken.count === 0) return;
      }
    },
    async roster(agents) {
      const shown = new Set(agents.map(({ id }) => id));
      const absent = (await desk.listAgents()).filter(({ id }) => !shown.has(id));
      const entries = [
        ...agents.map(({ id, online = true, channels = null, count = null }) => ({
          id,
          name: id,
          presence: online ? ('online' as const) : ('offline' as const),
          channels: channels === null ? '*' : channels.join(','),
          customerCount: count,
        })),
        ...absent.map(({ id }) => ({
          id,
          name: '',
          presence: 'absent' as const,
          channels: '',
          customerCount: null,
        })),
      ];
      await ledger.applyRoster(entries, { begunMs: clock.ms, endedMs: clock.ms, lagMs: 10_000, last: true });
    },
  };
}

export function allocation(roomId: string, more: Partial<Extract<Webhook, { kind: 'allocation' }>> = {}): Webhook {
  return {
    kind: 'allocation',
    roomId,
    channelId: null,
    source: null,
    customerName: null,
    finishedService: null,
    ...more,
  };
}

export function resolved(roomId: string, finishedService: number | null = null): Webhook {
  return { kind: 'resolved', roomId, finishedService, claimedAgentId: null };
}
