/**
 * The Swagger settings console in a real browser: it loads nothing from elsewhere, breaks no rule of its own policy, and
 * an operator sets max customers with it.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { LISTEN } from '../../src/app';
import { hasBrowser, launchBrowser } from '../support/browser';
import { ADMIN, closedTokens } from '../support/config';
import { memoryApp } from '../support/memory-app';
import { until } from '../support/wait';

const SHOTS = join(import.meta.dir, 'screenshots');

describe.skipIf(!hasBrowser)('in a browser', () => {
  const { app, desk } = memoryApp(closedTokens);
  let browser: Browser;
  let base: string;

  beforeAll(async () => {
    app.listen({ ...LISTEN, hostname: '127.0.0.1', port: 0 });
    base = `http://127.0.0.1:${app.server?.port}`;
    browser = await launchBrowser();
  }, 30_000);
  afterAll(async () => {
    await browser?.close();
    await app.stop(true);
  });

  /** Opens a page and keeps account of what it asks for and complains about. */
  async function open(path: string, password?: string) {
    const httpCredentials = password === undefined ? undefined : { username: 'operator', password };
    const context = await browser.newContext({ httpCredentials, viewport: { width: 1200, height: 900 } });
    const page = await context.newPage();
    const requested: string[] = [];
    const complaints: string[] = [];
    page.on('request', (request) => requested.push(request.url()));
    page.on('requestfailed', (request) => complaints.push(`failed: ${request.url()}`));
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(base + path);
    const elsewhere = () => requested.filter((url) => !url.startsWith(`${base}/`) && !url.startsWith('data:'));
    return { context, page, requested, complaints, elsewhere };
  }

  async function setMaxCustomers(page: Page, value: number, appId = '') {
    const operation = page.locator('.opblock-post', {
      has: page.locator('[data-path="/api/v1/settings/max_customers"]'),
    });
    await operation.locator('.opblock-summary-control').click();
    await operation.getByText('Try it out').click();
    await operation.locator('textarea.body-param__text').fill(JSON.stringify({ max_customers: value }));
    await operation.locator('[data-param-name="X-App-Id"] input').fill(appId);
    await operation.locator('button.execute').click();
    await operation.locator('.live-responses-table .response-col_status').first().waitFor();
    const status = await operation.locator('.live-responses-table tbody .response-col_status').first().textContent();
    await operation.scrollIntoViewIfNeeded();
    return (status ?? '').trim().slice(0, 3);
  }

  test('the console: own files only, no complaint, and max customers is set', async () => {
    const { context, page, requested, complaints, elsewhere } = await open('/docs');
    await page.locator('.opblock').first().waitFor();
    await page.screenshot({ path: join(SHOTS, 'docs.png') });
    expect(complaints).toEqual([]);
    expect(requested.filter((url) => url.startsWith(base)).length).toBeGreaterThanOrEqual(5);

    await page.locator('button.authorize').first().click();
    const bearer = page.locator('.auth-container', { hasText: 'bearer' }).first();
    await bearer.locator('input').fill(ADMIN);
    await bearer.locator('button.authorize').click();
    await page.screenshot({ path: join(SHOTS, 'docs-authorized.png') });
    await page.locator('.modal-ux button.btn-done').first().click();

    expect(await setMaxCustomers(page, 5)).toBe('200');
    await page.screenshot({ path: join(SHOTS, 'docs-executed.png') });
    const headers = { authorization: `Bearer ${ADMIN}` };
    const read = await fetch(`${base}/api/v1/settings/max_customers`, { headers });
    expect(await read.json()).toEqual({ status: 'success', max_customers: 5 });

    expect(complaints).toEqual([]);
    expect(elsewhere()).toEqual([]);
    expect(await page.evaluate(() => Object.values({ ...localStorage, ...sessionStorage }).join())).not.toContain(
      ADMIN,
    );
    await context.close();
  }, 60_000);

  test('the console without a token: the reply says what is missing, nothing is set', async () => {
    const { context, page, elsewhere } = await open('/docs');
    desk.maxCustomers = 2;
    expect(await setMaxCustomers(page, 7)).toBe('401');
    expect(desk.maxCustomers).toBe(2);
    expect(elsewhere()).toEqual([]);
    await context.close();
  }, 60_000);

  test('the console names the app where one is given, and none else', async () => {
    const sent: (string | null)[] = [];
    for (const appId of ['shop-1', '']) {
      const { context, page } = await open('/docs');
      page.on('request', async (request) => {
        if (request.method() === 'POST') sent.push(await request.headerValue('x-app-id'));
      });
      await setMaxCustomers(page, 7, appId);
      await context.close();
    }
    await until(() => sent.length === 2, { what: 'two requests' });
    expect(sent).toEqual(['shop-1', null]);
  }, 60_000);
});
