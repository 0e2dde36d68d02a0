/**
 * Rolling restarts under load: processes on one Redis are stopped by SIGTERM and started again, one after another, while
 * clients go to the next process on a 503 or a refused connection, as any load balancer does.
 *
 * PROOF_SIZE=full: 100 restarts, else 10; CHAOS_RESTARTS says another number.
 */
import { expect, test } from 'bun:test';
import { Redis } from 'ioredis';
import { keysOf } from '../../src/redis/keys';
import { tried } from '../support/evidence';
import { type Load, startLoad } from '../support/load';
import { startTestRedis } from '../support/redis';
import { APP_ID, environment, freePort, type ServiceProcess, spawnService, startTestSandbox } from '../support/service';
import { sized } from '../support/size';
import { until } from '../support/wait';
import { differences } from './books';

const RESTARTS = sized(10, 100, 'CHAOS_RESTARTS');
const PROCESSES = 3;
const CLIENTS = 24;

test(
  `[F58] ${RESTARTS} rolling restarts under load: no request ends in an error, nothing is lost or left behind`,
  async () => {
    const redis = await startTestRedis({ kind: 'standalone' });
    const sandbox = await startTestSandbox({ cap: 1000, latencyMs: 60 });
    const urls: string[] = [];
    const running: ServiceProcess[] = [];
    let load: Load | null = null;
    try {
      const ports = await Promise.all(Array.from({ length: PROCESSES }, freePort));
      urls.push(...ports.map((port) => `http://127.0.0.1:${port}`));
      const env = environment(redis.url, sandbox.url, { QISCUS_MAX_CUSTOMER: '1000', QISCUS_CONCURRENCY: '64' });
      const launch = (at: number) => spawnService({ ...env, PORT: String(ports[at]) }, 'all');
      running.push(...(await Promise.all(ports.map((_, at) => launch(at)))));

      load = startLoad(urls, sandbox, CLIENTS);
      const { rooms, met } = load;
      const begunMs = performance.now();
      for (let restart = 0; restart < RESTARTS; restart++) {
        const at = restart % PROCESSES;
        await load.more(50);
        expect([restart, await running[at]?.kill('SIGTERM')]).toEqual([restart, 0]);
        running[at] = await launch(at);
        if (restart % 10 === 9) console.log(`rolling: ${restart + 1} restarts, ${rooms.length} chats`);
      }
      await load.end();
      const seconds = (performance.now() - begunMs) / 1_000;
      console.log(
        JSON.stringify({
          test: 'rolling',
          restarts: RESTARTS,
          seconds,
          chats: rooms.length,
          met: Object.fromEntries(met),
        }),
      );

      // On a machine that stands still for a moment an append takes too long; that is refused in time as well.
      const allowed = ['200', '202', '503 STOPPING', '503 STORE_UNAVAILABLE', 'ECONNREFUSED', 'ConnectionRefused'];
      expect([...met.keys()].filter((what) => !allowed.includes(what))).toEqual([]);
      expect(met.get('503 STOPPING')).toBeGreaterThan(0);
      expect(met.get('503 STORE_UNAVAILABLE') ?? 0).toBeLessThan(rooms.length / 20);

      // A call that was left in hand would stay pending for OUTBOX_CLAIM_MS, 45 s.
      const client = new Redis(redis.url);
      await until(async () => (await differences(client, sandbox, rooms)).length === 0, {
        what: 'our books and those of Qiscus equal',
        withinMs: 20_000,
      });
      const { journal } = keysOf(APP_ID);
      const records = (await client.xrange(journal, '-', '+')).map(([, fields]) => fields);
      client.disconnect();
      expect(records.filter((fields) => fields.includes('call.reclaimed') || fields.includes('room.parked'))).toEqual(
        [],
      );
      expect(sandbox.state().violations).toEqual([]);
      expect(new Set(sandbox.state().assigns.map(({ roomId }) => roomId)).size).toBe(rooms.length);
      expect(sandbox.state().assigns.length).toBe(rooms.length);
      for (const service of running) expect(await service.kill('SIGTERM')).toBe(0);
      tried(RESTARTS, 'F58');
    } finally {
      // After a failure clients and processes must not go on beside the next test.
      load?.abort();
      await Promise.all(running.map((service) => service.kill('SIGKILL')));
      await sandbox.stop();
      await redis.stop();
    }
  },
  60_000 + RESTARTS * 10_000,
);
