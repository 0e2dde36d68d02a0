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
import { startTestRedis } from '../support/redis';
import {
  APP_ID,
  environment,
  freePort,
  type ServiceProcess,
  spawnService,
  startTestSandbox,
  WEBHOOK_TOKEN,
} from '../support/service';
import { sized } from '../support/size';
import { until } from '../support/wait';
import { differences } from './books';

const RESTARTS = sized(10, 100, 'CHAOS_RESTARTS');
const PROCESSES = 3;
const CLIENTS = 24;
const HEADERS = { 'Content-Type': 'application/json', 'X-Webhook-Token': WEBHOOK_TOKEN };

/** What a client met, by word: `200`, `503 STOPPING`, `ECONNREFUSED`, … */
type Met = Map<string, number>;

/**
 * Sends a webhook until it is acknowledged: to the same process as long as that takes it, else to the next.
 * @throws what `signal` says, when that ends it
 */
function clientOf(urls: string[], first: number, met: Met, signal: AbortSignal) {
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
        const options = { method: 'POST', headers: HEADERS, body: JSON.stringify(body), signal };
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

test(
  `[F58] ${RESTARTS} rolling restarts under load: no request ends in an error, nothing is lost or left behind`,
  async () => {
    const redis = await startTestRedis({ kind: 'standalone' });
    const sandbox = await startTestSandbox({ cap: 1000, latencyMs: 60 });
    const urls: string[] = [];
    const running: ServiceProcess[] = [];
    const over = new AbortController();
    try {
      const ports = await Promise.all(Array.from({ length: PROCESSES }, freePort));
      urls.push(...ports.map((port) => `http://127.0.0.1:${port}`));
      const env = environment(redis.url, sandbox.url, { QISCUS_MAX_CUSTOMER: '1000', QISCUS_CONCURRENCY: '64' });
      const launch = (at: number) => spawnService({ ...env, PORT: String(ports[at]) }, 'all');
      running.push(...(await Promise.all(ports.map((_, at) => launch(at)))));

      const met: Met = new Map();
      const rooms: string[] = [];
      let ended = false;
      const clients = Promise.all(
        Array.from({ length: CLIENTS }, async (_, n) => {
          const send = clientOf(urls, n % PROCESSES, met, over.signal);
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
      // Until they are awaited below, what ends them early is the failure of something else.
      clients.catch(() => undefined);
      const begunMs = performance.now();
      for (let restart = 0; restart < RESTARTS; restart++) {
        const at = restart % PROCESSES;
        const before = rooms.length;
        await until(() => rooms.length > before + 50, { what: 'the load under way', withinMs: 30_000 });
        expect([restart, await running[at]?.kill('SIGTERM')]).toEqual([restart, 0]);
        running[at] = await launch(at);
        if (restart % 10 === 9) console.log(`rolling: ${restart + 1} restarts, ${rooms.length} chats`);
      }
      ended = true;
      await clients;
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
      over.abort();
      await Promise.all(running.map((service) => service.kill('SIGKILL')));
      await sandbox.stop();
      await redis.stop();
    }
  },
  60_000 + RESTARTS * 10_000,
);
