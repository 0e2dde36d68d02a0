/**
 * The board's notices in a real browser, with a whole service in the sandbox whose clock runs ahead: many alerts leave room
 * for the page, the worst stays in sight, and what is folded is reached by keyboard and named to a screen reader.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { Browser, Page } from 'playwright-core';
import type { Service } from '../../src/service';
import { hasBrowser, launchBrowser } from '../support/browser';
import { startTestRedis, type TestRedis } from '../support/redis';
import { ADMIN_TOKEN, type Caller, caller, startTestService, WEBHOOK_TOKEN } from '../support/service';
import { until } from '../support/wait';
import { seriousFindings } from './axe';
import { type Scheme, SIZES, type Size } from './scene';

describe.skipIf(!hasBrowser)('the notices in a browser', () => {
  let redis: TestRedis;
  let browser: Browser;
  let service: Service;
  let api: Caller;
  let aheadMs = 0;

  const change = (available: boolean) => {
    for (const { id } of service.sandbox?.agents.list() ?? []) service.sandbox?.agents.change(id, { available });
  };
  const ready = async () => {
    const answer = await fetch(`${service.url}/health/ready`, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
    return (await answer.json()) as { alerts: { code: string }[]; details: { roster_age_ms: number } };
  };

  beforeAll(async () => {
    [redis, browser] = [await startTestRedis(), await launchBrowser()];
    const env = { REDIS_URL: redis.url, WEBHOOK_TOKEN, ADMIN_TOKEN, ALERT_WAIT_MINUTES: '2' };
    service = await startTestService(
      env,
      (config) => {
        config.rosterSyncSeconds = 2;
      },
      () => Date.now() + aheadMs,
    );
    api = caller(service.url ?? '');
    change(true);
    await service.sandbox?.faults.add({
      ...{ on: 'assign_agent', roomId: 'refused', effect: 'status', status: 422, times: null },
    });
    await api.allocate('refused');
    await until(async () => (await api.room('refused')).state === 'parked', { what: 'a parked room' });
    change(false);
    await until(async () => ((await api.get('/agents')).body.agents as { online: boolean }[]).every((a) => !a.online), {
      what: 'nobody online',
    });
    for (const room of ['first', 'second']) await api.allocate(room);
    await until(
      async () => {
        const { alerts, details } = await ready();
        // Never so far that the list of agents is old.
        if (details.roster_age_ms < 2_000) aheadMs += 8_000;
        return alerts.length === 3;
      },
      { what: 'three alerts', withinMs: 20_000 },
    );
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await service?.stop();
    await redis?.stop();
  });

  async function open(size: Size, language: 'en' | 'id', scheme: Scheme): Promise<Page> {
    const context = await browser.newContext({
      httpCredentials: { username: 'operator', password: ADMIN_TOKEN },
      viewport: SIZES[size],
      colorScheme: scheme,
      locale: language === 'en' ? 'en-GB' : 'id-ID',
      timezoneId: 'Asia/Jakarta',
    });
    const page = await context.newPage();
    await page.goto(service.url ?? '');
    await page.locator('#banner details').waitFor();
    return page;
  }
  const seen = (page: Page) => page.locator('#banner li:visible').allInnerTexts();

  test.each<[string, string, 'en' | 'id', Scheme]>([
    ['Everybody is offline or paused, and 2 rooms wait.', '3 more notices · Sandbox', 'en', 'light'],
    ['Semua offline atau dijeda, dan 2 room menunggu.', '3 pemberitahuan lagi · Sandbox', 'id', 'dark'],
  ])(
    'on a phone: %s, then %s',
    async (worst, more, language, scheme) => {
      const page = await open('phone', language, scheme);
      expect(await seen(page)).toEqual([expect.stringContaining(worst)]);
      const banner = page.locator('#banner');
      expect((await banner.boundingBox())?.height).toBeLessThan(SIZES.phone.height / 6);
      expect(await seriousFindings(page)).toEqual([]);

      const summary = page.getByText(more);
      expect(await summary.getAttribute('tabindex')).toBe(null);
      await summary.focus();
      await page.keyboard.press('Enter');
      await until(async () => (await seen(page)).length === 4, { what: 'all notices' });
      expect(await seriousFindings(page)).toEqual([]);
      // It is drawn anew every second, and stays as it is.
      const line = () => page.locator('#line').textContent();
      const before = await line();
      await until(async () => (await line()) !== before, { what: 'the ages in line to tick' });
      expect(await seen(page)).toHaveLength(4);
      await summary.focus();
      await page.keyboard.press('Enter');
      await until(async () => (await seen(page)).length === 1, { what: 'one notice' });
      await page.context().close();
    },
    30_000,
  );

  test('on a wide screen all are seen, each with its room and its times', async () => {
    const page = await open('desktop', 'en', 'dark');
    const [worst, ...others] = await seen(page);
    expect(worst).toMatch(/^Everybody is offline or paused, and 2 rooms wait\. first since \S+ · alert since \S+$/);
    expect(others.sort()).toEqual([
      expect.stringMatching(/^1 room is parked and waits for a person\. refused since \S+ · alert since \S+$/),
      expect.stringMatching(/waited for very long; 2 rooms are in line\. first since \S+ · alert since \S+$/),
      expect.stringContaining('Sandbox'),
    ]);
    expect(await seriousFindings(page)).toEqual([]);
    await page.context().close();
  }, 30_000);

  test('what is over is gone from the page at once', async () => {
    const page = await open('desktop', 'en', 'light');
    change(true);
    await until(async () => (await seen(page)).length === 2, { what: 'nobody waits any more', withinMs: 20_000 });
    expect((await ready()).alerts.map(({ code }) => code)).toEqual(['room_parked']);
    await page.context().close();
  }, 30_000);
});
