/**
 * The settings URL as a way into the network: every refused spelling over HTTP on the whole service. Where the system lets
 * us, in a network of its own, in which the kernel counts what was tried; elsewhere only that Qiscus was not asked.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { tried } from '../support/evidence';
import type { Counted } from './closed-network';
import { REFUSED } from './refused-urls';
import { startTarget, type Target } from './target';

const ALLOWED = ['https://example.org/hook', 'https://sub.example.co.id/api/v1/webhook/mark_as_resolved'];

describe('over HTTP', () => {
  let target: Target;
  beforeAll(async () => {
    target = await startTarget();
  }, 60_000);
  afterAll(() => target.stop());
  const set = (url: unknown) => target.api.post('/settings/set_mark_as_resolved', { url });

  test('[S18] every refused spelling is 422, Qiscus is not asked, and nothing is stored', async () => {
    for (const url of REFUSED) {
      const { status, body } = await set(url);
      expect([url, status, body.code]).toEqual([url, 422, 'INVALID_BODY']);
    }
    for (const odd of [null, 1, true, [], {}, ['https://example.org'], { href: 'https://example.org' }])
      expect((await set(odd)).status).toBe(422);
    expect(target.sandbox.state().calls.set_webhook).toBeUndefined();
    expect((await target.api.get('/settings/set_mark_as_resolved')).body.url).toBeNull();
    tried(REFUSED.length, 'S18');
  });

  test('[S20] the token in the URL reaches Qiscus, and nobody else', async () => {
    const base = 'https://example.org/api/v1/webhook/mark_as_resolved';
    for (const [given, shown] of [
      [`${base}/${target.env.WEBHOOK_TOKEN}`, `${base}/***`],
      [`${base}?token=${target.env.WEBHOOK_TOKEN}&a=1`, `${base}?token=***&a=1`],
      [`https://example.org/${target.env.WEBHOOK_TOKEN}/hook`, 'https://example.org/***/hook'],
    ] as const) {
      expect((await set(given)).body).toEqual({ status: 'success', url: shown, enabled: true });
      expect(target.sandbox.state().registered?.url).toBe(given);
      expect((await target.api.get('/settings/set_mark_as_resolved')).body.url).toBe(shown);
      expect(JSON.stringify(await target.client.hgetall(target.keys.meta))).not.toContain(target.env.WEBHOOK_TOKEN);
    }
  });
});

/** Can this system give a process a network of its own? */
const hasNetworks = Bun.which('unshare') !== null && Bun.spawnSync(['unshare', '-rn', 'true']).exitCode === 0;
if (!hasNetworks) console.log('SKIPPED: `unshare -rn` is not permitted here, so packets cannot be counted.');

test.skipIf(!hasNetworks)(
  '[S18 S19] no packet leaves for any of them, and one connection to Qiscus for each that is allowed',
  async () => {
    const child = Bun.spawn(['unshare', '-rn', process.execPath, join(import.meta.dir, 'closed-network.ts')], {
      env: { ...process.env, URLS: JSON.stringify({ refused: REFUSED, allowed: ALLOWED }) },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const told = await new Response(child.stdout).text();
    expect(await child.exited).toBe(0);
    const counted = JSON.parse(told.trim().split('\n').at(-1) ?? '') as {
      statuses: number[];
      whileRefused: Counted;
      whileAllowed: Counted;
      control: Counted;
      callsBefore: object;
      calls: object;
    };
    expect(counted.statuses).toEqual([...REFUSED.map(() => 422), ...ALLOWED.map(() => 200)]);
    expect(counted.whileRefused).toEqual({ connections: 0, datagrams: 0, unroutable: 0 });
    expect(counted.callsBefore).toEqual({});
    // The connection to Qiscus may be used again.
    expect(counted.whileAllowed.connections).toBeLessThanOrEqual(ALLOWED.length);
    expect(counted.whileAllowed).toMatchObject({ datagrams: 0, unroutable: 0 });
    expect(counted.calls).toEqual({ set_webhook: ALLOWED.length });
    // The counters do count.
    expect(counted.control.connections).toBeGreaterThanOrEqual(1);
    expect(counted.control.unroutable).toBeGreaterThanOrEqual(1);
    tried(REFUSED.length, 'S18');
  },
  60_000,
);
