/**
 * The connection drops after Redis ran the append and before its answer arrived, whole or in part: the sender hears of a
 * failure, and nothing is ever written twice. 1,020 times with PROOF_SIZE=full, 120 times otherwise.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { close, connect, type RedisClient, whenReady } from '../../src/redis/client';
import { FORMAT } from '../../src/redis/format';
import { keysOf } from '../../src/redis/keys';
import { Scripts } from '../../src/redis/scripts';
import { Appends } from '../../src/streams/appends';
import { tried } from '../support/evidence';
import { PROXIED_KINDS, type ProxiedRedis, startProxiedRedis } from '../support/proxied-redis';
import { sized } from '../support/size';
import { until } from '../support/wait';

const LANES = 10;
const ROUNDS = sized(4, 34);
/** Bytes of the answer that still come through: none, a part of the first line, all but the id of the second append. */
const BYTES = [0, 1, 50];
const valuesOf = (room: string) => ['allocation', room, 'request', '', '', '', '', ''];

describe.each(PROXIED_KINDS)('%s', (kind) => {
  let redis: ProxiedRedis;
  let clients: RedisClient[];
  beforeAll(async () => {
    redis = await startProxiedRedis(kind);
    clients = await Promise.all(Array.from({ length: LANES }, () => connect(redis.url, 'ingest')));
  }, 60_000);
  afterAll(async () => {
    clients.forEach(close);
    await redis.stop();
  });

  test('[F01 F04] an append whose answer is lost is refused, and was never made twice', async () => {
    const appends = clients.map((client, n) => new Appends(client, `{app}:inbox:${n}`));
    // Redis has to know the script: the answer that it does not is no append.
    await Promise.all(appends.map((one) => until(() => one.add(valuesOf('first')), { what: 'a first append' })));
    const lane = async (n: number, bytes: number) => {
      const client = clients[n] as RedisClient;
      const key = `{app}:inbox:${n}`;
      for (let round = 1; round <= ROUNDS; ) {
        await whenReady(client, 10_000);
        const before = await redis.node.admin.xlen(key);
        // Two webhooks at once: known together or not at all.
        const both = await Promise.allSettled(['a', 'b'].map((room) => appends[n]?.add(valuesOf(room))));
        const known = both.filter(({ status }) => status === 'fulfilled').length;
        if (known > 0) throw new Error(`${known} answers from ${bytes} bytes`);
        const more = (await redis.node.admin.xlen(key)) - before;
        if (more !== 2 && more !== 0)
          throw new Error(`two appends and a cut after ${bytes} bytes made ${more} entries`);
        // A cluster may still be looking for its node: refused before anything was sent, and nothing cut.
        if (more === 2) round += 1;
      }
    };
    for (const bytes of BYTES) {
      redis.proxy.fail({ kind: 'cut_after', bytes }, { purpose: 'ingest', request: 'evalsha' });
      await Promise.all(clients.map((_, n) => lane(n, bytes)));
    }
    const cuts = LANES * ROUNDS * BYTES.length;
    expect(redis.proxy.cuts).toBe(cuts);
    redis.proxy.heal();
    for (const [n, client] of clients.entries()) {
      await whenReady(client, 10_000);
      const last = await until(() => appends[n]?.add(valuesOf('last')), { what: 'an append after the last cut' });
      expect(last).toMatch(/^\d+-\d+$/);
    }
    tried(cuts, 'F01');
  }, 240_000);

  test('[F01 F41 F42] a script whose reply is lost fails, and was run once', async () => {
    // The one script that is no different from an append: any second run of it shows.
    const lanes = clients.map((client, n) => ({ client, keys: keysOf(`script-${n}`) }));
    const scripts = lanes.map(({ client, keys }) => new Scripts(client, keys));
    const known = (one: Scripts) =>
      until(() => one.run('append_entry', FORMAT, ...valuesOf('first')), { what: 'a first append' });
    await Promise.all(scripts.map(known));
    redis.proxy.fail({ kind: 'cut_after', bytes: 0 }, { purpose: 'ingest', request: 'evalsha' });
    const lane = async ({ client, keys }: (typeof lanes)[number], n: number) => {
      for (let entries = 1; entries <= ROUNDS; ) {
        await whenReady(client, 10_000);
        expect(await scripts[n]?.run('append_entry', FORMAT, ...valuesOf('cut')).catch(() => 'failed')).toBe('failed');
        const now = await redis.node.admin.xlen(keys.inbox);
        expect([entries, entries + 1]).toContain(now);
        entries = now;
      }
    };
    await Promise.all(lanes.map(lane));
    redis.proxy.heal();
    tried(LANES * ROUNDS, 'F42');
  }, 240_000);
});
