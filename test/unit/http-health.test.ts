/** Health and metrics: what a probe, an operator and Prometheus are told. */
import { describe, expect, test } from 'bun:test';
import { Drain } from '../../src/http/drain';
import type { LedgerHealth } from '../../src/ledger/model';
import { FORMAT, NewerFormat } from '../../src/redis/format';
import { ADMIN, closedTokens } from '../support/config';
import { healthy, record } from '../support/desk';
import { memoryApp } from '../support/memory-app';

/** A reply's body as the fields that a test looks into. */
interface Body {
  details?: Record<string, unknown>;
}
const bodyOf = async (reply: Response) => (await reply.json()) as Body;

describe('health', () => {
  const unhealthy: [string, Partial<LedgerHealth>, string[]][] = [
    ['inbox', { inboxAgeMs: 30_001 }, ['inbox']],
    ['outbox', { outboxAgeMs: 90_001 }, ['outbox']],
    ['no roster yet', { rosterAgeMs: null }, ['roster']],
    ['old roster', { rosterAgeMs: 60_001 }, ['roster']],
    ['Qiscus denies', { qiscus: { state: 'denied', untilMs: 1, failures: 1 } }, ['qiscus']],
    ['Qiscus is down', { qiscus: { state: 'open', untilMs: 1, failures: 9 } }, ['qiscus']],
    ['several', { inboxAgeMs: 99_999, rosterAgeMs: null }, ['inbox', 'roster']],
    ['just in time', { inboxAgeMs: 30_000, outboxAgeMs: 90_000, rosterAgeMs: 60_000 }, []],
    ['Qiscus slows us', { qiscus: { state: 'slowed', untilMs: 1, failures: 0 } }, []],
  ];
  test.each(unhealthy)('%s', async (_, change, failing) => {
    const { desk, send } = memoryApp(closedTokens);
    desk.health = async () => ({ ...healthy, ...change });
    const reply = await send('GET', '/health/ready');
    expect(reply.status).toBe(failing.length === 0 ? 200 : 503);
    expect(await reply.json()).toEqual(
      failing.length === 0
        ? { status: 'success', sandbox: true }
        : {
            status: 'error',
            code: 'NOT_READY',
            message: `Not ready: ${failing.join(', ')}.`,
            request_id: reply.headers.get('x-request-id'),
            failing,
            sandbox: true,
          },
    );
    expect(reply.headers.get('retry-after')).toBe(failing.length === 0 ? null : '1');
  });

  test('Redis that fails or is silent is not waited for', async () => {
    for (const health of [() => Promise.reject(new Error('down')), () => new Promise<LedgerHealth>(() => {})]) {
      const { desk, send } = memoryApp();
      desk.health = health;
      const startedMs = performance.now();
      const reply = await send('GET', '/health/ready');
      expect(performance.now() - startedMs).toBeLessThan(1_000);
      expect([reply.status, await reply.json()]).toEqual([503, expect.objectContaining({ failing: ['redis'] })]);
    }
  });

  test('[F65] a newer version on the ledger is a part of its own', async () => {
    const { desk, send } = memoryApp();
    desk.health = () => Promise.reject(new NewerFormat(FORMAT + 1));
    const reply = await send('GET', '/health/ready');
    expect([reply.status, await reply.json()]).toEqual([503, expect.objectContaining({ failing: ['format'] })]);
  });

  test('probes that come together share one reading', async () => {
    const { desk, send } = memoryApp();
    let readings = 0;
    desk.health = async () => {
      readings += 1;
      return healthy;
    };
    await Promise.all(Array.from({ length: 50 }, () => send('GET', '/health/ready')));
    expect(readings).toBe(1);
    await send('GET', '/health/ready');
    expect(readings).toBe(2);
  });

  test('details only for an operator', async () => {
    const open = await bodyOf(await memoryApp().send('GET', '/health/ready'));
    expect(open.details).toMatchObject({ inbox_length: 0, qiscus: 'ok' });
    const { send } = memoryApp(closedTokens);
    expect(await (await send('GET', '/health/ready')).json()).toEqual({ status: 'success', sandbox: true });
    const headers = { authorization: `Bearer ${ADMIN}` };
    expect((await bodyOf(await send('GET', '/health/ready', { headers }))).details).toBeDefined();
    // A header that holds no token proves nothing.
    for (const authorization of ['x', 'Bearer', 'Basic !!!', 'Digest abc', ADMIN]) {
      const reply = await bodyOf(await send('GET', '/health/ready', { headers: { authorization } }));
      expect(reply.details).toBeUndefined();
    }
  });

  test('a service that stops is alive, but not ready', async () => {
    const drain = new Drain();
    const { send } = memoryApp(undefined, { drain });
    expect((await send('GET', '/health/ready')).status).toBe(200);
    drain.begin();
    expect((await send('GET', '/health/ready')).status).toBe(503);
    expect((await send('GET', '/health/live')).status).toBe(200);
    // Everybody else is sent elsewhere, whatever they ask and whoever they are.
    for (const path of ['/api/v1/agents', '/metrics', '/', '/docs', '/nowhere']) {
      const reply = await send('GET', path);
      expect(reply.status).toBe(503);
      expect(await bodyOf(reply)).toMatchObject({ status: 'error', code: 'STOPPING' });
      expect([reply.headers.get('retry-after'), reply.headers.get('connection')]).toEqual(['1', 'close']);
    }
  });
});

describe('metrics', () => {
  test('counts the journal and the errors, reads the gauges', async () => {
    const { feed, send } = memoryApp();
    feed.add(record(1));
    feed.add(record(2));
    feed.add({ ...record(3), event: 'room.parked' });
    await send('GET', '/nothing');
    const text = await (await send('GET', '/metrics')).text();
    for (const line of [
      'caa_journal_records_total{event="room.reserved"} 2',
      'caa_journal_records_total{event="room.parked"} 1',
      'caa_http_errors_total{code="NOT_FOUND"} 1',
      'caa_waiting_rooms 1',
      'caa_oldest_waiting_seconds 5',
      'caa_roster_age_seconds 1',
      'caa_qiscus_state{state="closed"} 1',
      'caa_qiscus_state{state="denied"} 0',
      'caa_store_up 1',
    ]) {
      expect(text.split('\n')).toContain(line);
    }
  });

  test('while Redis is down', async () => {
    const { desk, send } = memoryApp();
    desk.health = () => Promise.reject(new Error('down'));
    const reply = await send('GET', '/metrics');
    expect(reply.status).toBe(200);
    const lines = (await reply.text()).split('\n');
    expect(lines).toContain('caa_store_up 0');
    expect(lines).toContain('caa_waiting_rooms Nan');
  });
});
