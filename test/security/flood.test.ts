/** Too much of everything: webhooks, wrong tokens, callers with forged addresses. What is right goes on; memory stays bounded. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { ServiceError } from '../../src/errors';
import { FailureCount } from '../../src/http/auth';
import { tried } from '../support/evidence';
import { ADMIN_TOKEN, WEBHOOK_TOKEN } from '../support/service';
import { until } from '../support/wait';
import { startTarget, type Target } from './target';
import { type Wire, webhookHead, wire } from './wire';

const FLOOD = 4_000;
const SOCKETS = 400;

describe('on the whole service', () => {
  let target: Target;
  beforeAll(async () => {
    target = await startTarget({
      env: { WEBHOOK_WAIT_MS: '100', ALLOW_WEAK_DURABILITY: 'true' },
      redis: { appendfsync: 'everysec' },
    });
  }, 60_000);
  afterAll(() => target.stop());

  test(`[S38] ${FLOOD} webhooks at once on ${SOCKETS} connections: what is acknowledged is stored, memory bounded`, async () => {
    const before = await target.residentMb();
    const stored = await target.appended();
    const lines: Wire[] = await Promise.all(Array.from({ length: SOCKETS }, () => wire(target.port)));
    const each = FLOOD / SOCKETS;
    const sending = lines.map(async (line, socket) => {
      for (let i = 0; i < each; i += 1) {
        const body = `{"room_id":"flood-${socket}-${i}"}`;
        line.send(`${webhookHead(WEBHOOK_TOKEN)}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
        while (line.statuses().length <= i && !line.isClosed()) await line.news();
      }
    });
    await Promise.all(sending);
    expect(lines.flatMap((line) => line.statuses())).toHaveLength(FLOOD);
    const refused = lines.flatMap((line) => line.statuses()).filter((status) => status !== 200 && status !== 202);
    for (const line of lines) line.end();
    // Too much for the machine is said, at once; never a 2xx that was not stored.
    expect(refused.filter((status) => status !== 503)).toEqual([]);
    // Nor is refusing nearly everything the way through a flood.
    expect(refused.length).toBeLessThan(FLOOD / 2);
    expect((await target.appended()) - stored).toBeGreaterThanOrEqual(FLOOD - refused.length);
    expect((await target.residentMb()) - before).toBeLessThan(150);
    await until(async () => (await target.client.xlen(target.keys.inbox)) === 0, {
      what: 'all looked at',
      withinMs: 30_000,
    });
    expect(await target.client.hlen(target.keys.rooms)).toBeGreaterThanOrEqual(FLOOD - refused.length);
    tried(FLOOD, 'S38');
  }, 120_000);

  test('[S07 S38] no header lends another address: the 101st wrong token is 429, a right one never', async () => {
    const statuses: number[] = [];
    for (let i = 0; i < 150; i += 1) {
      const address = `203.0.113.${i}`;
      const reply = await fetch(`${target.service.url}/api/v1/agents`, {
        headers: {
          authorization: `Bearer wrong-${i}`,
          'x-forwarded-for': address,
          'x-real-ip': address,
          forwarded: `for=${address}`,
          'cf-connecting-ip': address,
          'true-client-ip': address,
          'x-client-ip': address,
        },
      });
      statuses.push(reply.status);
    }
    expect(statuses).toEqual([...Array(100).fill(401), ...Array(50).fill(429)]);
    const right = await fetch(`${target.service.url}/api/v1/agents`, {
      headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
    });
    expect(right.status).toBe(200);
    expect((await target.api.allocate('while-guessed')).status).toBeLessThan(300);
  });

  test('[S40] health tells words to strangers, numbers to operators', async () => {
    const keysOf = async (path: string, headers = {}) => {
      const body = (await (await fetch(target.service.url + path, { headers })).json()) as object;
      return Object.keys(body).filter((key) => !['message', 'failing'].includes(key));
    };
    expect(await keysOf('/health/live')).toEqual(['status']);
    expect(await keysOf('/health/ready')).toEqual(['status', 'sandbox']);
    expect(await keysOf('/health/ready', { authorization: `Bearer ${ADMIN_TOKEN}` })).toEqual([
      'status',
      'sandbox',
      'details',
      'alerts',
    ]);
    expect((await fetch(`${target.service.url}/metrics`)).status).toBe(401);
  });
});

test('[S38] the table of wrong tokens is bounded, and full it still counts', () => {
  const count = new FailureCount(() => 1_000);
  const codeFor = (address: string) => {
    try {
      return count.fail(address);
    } catch (error) {
      return error instanceof ServiceError ? error.code : error;
    }
  };
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < 10_000; i += 1) expect(codeFor(`first-${i}`)).toBe('UNAUTHORIZED');
  // From here on all that are new share one count.
  const later = Array.from({ length: 200_000 }, (_, i) => codeFor(`later-${i}`));
  expect(later.filter((code) => code === 'UNAUTHORIZED')).toHaveLength(100);
  expect(codeFor('first-1')).toBe('UNAUTHORIZED');
  Bun.gc(true);
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(30e6);
});
