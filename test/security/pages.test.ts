/**
 * Board and console in a real browser, with hostile names in everything that they show: no script runs, no rule of the
 * policy is broken, and no other host is asked for anything.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { Browser } from 'playwright-core';
import { hasBrowser, launchBrowser } from '../support/browser';
import { ADMIN_TOKEN, WEBHOOK_TOKEN } from '../support/service';
import { until } from '../support/wait';
import { HOSTILE, startHostileTarget } from './hostile';
import type { Target } from './target';

describe.skipIf(!hasBrowser)('in a browser', () => {
  let target: Target;
  let browser: Browser;
  beforeAll(async () => {
    target = await startHostileTarget();
    browser = await launchBrowser();
  }, 90_000);
  afterAll(async () => {
    await browser?.close();
    await target?.stop();
  });

  /** Opens a page, and keeps account of what it asks for, complains about, and runs. */
  async function open(path: string, password?: string) {
    const httpCredentials = password === undefined ? undefined : { username: 'operator', password };
    const context = await browser.newContext({ httpCredentials });
    const page = await context.newPage();
    const requested: string[] = [];
    const complaints: string[] = [];
    page.on('request', (request) => requested.push(request.url()));
    page.on('console', (message) => {
      const told = `${message.text()} ${message.location().url}`;
      // On a busy machine Redis may take longer than readiness waits; the browser then notes the 503.
      if (!['error', 'warning'].includes(message.type()) || /503 .*\/health\/ready$/.test(told)) return;
      complaints.push(told);
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('dialog', (dialog) => {
      complaints.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    // Before any script of the page: what breaks the policy is told even where it is not printed.
    await page.addInitScript({
      content: `document.addEventListener('securitypolicyviolation', (event) =>
        console.error('policy: ' + event.violatedDirective + ' ' + event.blockedURI))`,
    });
    await page.goto(target.service.url + path);
    const elsewhere = () =>
      requested.filter((url) => !url.startsWith(`${target.service.url}/`) && !url.startsWith('data:'));
    const owned = () => page.evaluate('window.owned');
    return { context, page, complaints, elsewhere, owned };
  }

  test('[S23 S25 S39] the board shows hostile names as text', async () => {
    const { context, page, complaints, elsewhere, owned } = await open('/', ADMIN_TOKEN);
    await page.locator('#agents tr', { hasText: '<img src=x onerror' }).first().waitFor();
    await page.locator('#agents tr', { hasText: '<script>' }).first().waitFor();
    // More rooms than there is room for.
    await target.api.post('/settings/max_customers', { max_customers: 1 });
    for (let i = 0; i < 60; i += 1) await target.sandbox.rooms.create({ roomId: `waiting-${i}` });
    await page.locator('#line [role=grid]').press('End');
    await page.locator('#line [role=row]', { hasText: 'waiting-' }).first().waitFor();
    const seen = async () =>
      String(await page.evaluate("import('/board/state.js').then(({ state }) => JSON.stringify(state.records))"));
    await until(async () => (await seen()).includes('waiting-'), { what: 'events' });
    // Live ones too.
    for (const name of Object.values(HOSTILE)) {
      await target.api.post('/webhook/agent_allocation', {
        room_id: `live-${Math.random().toString(36).slice(2)}`,
        name,
        source: name,
      });
    }
    await until(async () => (await seen()).includes('live-'), { what: 'live events' });
    await page.hover('#agents tbody tr:first-child td');
    const tables = page.locator('table, [role=grid]');
    expect(
      await tables.locator('img, script, svg, a, link, style, iframe, [onmouseover], [onload], [onerror]').count(),
    ).toBe(0);
    expect(await page.locator('script').count()).toBe(1);
    expect(await owned()).toBeUndefined();
    expect(complaints).toEqual([]);
    expect(elsewhere()).toEqual([]);
    expect(await context.cookies()).toEqual([]);
    await context.close();
  }, 60_000);

  test('[S22 S25] the console shows hostile replies as text, and keeps no token', async () => {
    const { context, page, complaints, elsewhere, owned } = await open('/docs');
    await page.locator('button.authorize').first().click();
    const bearer = page.locator('.auth-container', { hasText: 'bearer' }).first();
    await bearer.locator('input').fill(ADMIN_TOKEN);
    await bearer.locator('button.authorize').click();
    await page.locator('.modal-ux button.btn-done').first().click();
    const operation = page.locator('.opblock-get', { has: page.locator('[data-path="/api/v1/agents"]') });
    await operation.locator('.opblock-summary-control').click();
    await operation.getByText('Try it out').click();
    await operation.locator('button.execute').click();
    const shown = operation.locator('.live-responses-table .response-col_description');
    await shown.getByText('onerror', { exact: false }).first().waitFor();
    expect(await shown.locator('img, iframe, svg:not([class]), [onerror], [onmouseover]').count()).toBe(0);
    expect(await owned()).toBeUndefined();
    expect(complaints).toEqual([]);
    expect(elsewhere()).toEqual([]);
    const kept: unknown = await page.evaluate(
      'JSON.stringify({ ...localStorage, ...sessionStorage }) + document.cookie',
    );
    expect(String(kept)).not.toContain(ADMIN_TOKEN);
    await context.close();
  }, 60_000);

  test('[S22 S41] an address with a script or another host in it changes nothing in the console', async () => {
    for (const path of [
      '/docs?url=https://elsewhere.example/openapi.json',
      '/docs?configUrl=https://elsewhere.example/config.json',
      '/docs?<script>window.owned=1</script>#/<img src=x onerror=window.owned=1>',
    ]) {
      const { context, page, complaints, elsewhere, owned } = await open(path);
      await page.locator('.opblock').first().waitFor();
      expect([path, await owned(), complaints, elsewhere()]).toEqual([path, undefined, [], []]);
      await context.close();
    }
  }, 60_000);

  test('[S23 S24] a page of another site reads nothing, presses nothing and frames nothing', async () => {
    const { url } = target.service;
    const evil = Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      fetch: () =>
        new Response('<!doctype html><title>evil</title><body>', { headers: { 'content-type': 'text/html' } }),
    });
    const context = await browser.newContext({ httpCredentials: { username: 'operator', password: ADMIN_TOKEN } });
    const page = await context.newPage();
    const told: string[] = [];
    page.on('console', (message) => told.push(message.text()));
    try {
      const before = (await target.api.get('/settings/max_customers')).body.max_customers;
      const appended = await target.appended();
      // The other site has another name: another site, not only another origin.
      await page.goto(`http://localhost:${evil.port}/`);
      const attempts = await page.evaluate(
        async ([base, token]) => {
          const attempt = async (path: string, init: RequestInit) => {
            try {
              const reply = await fetch(base + path, { credentials: 'include', ...init });
              return `${reply.type} ${await reply.text()}`;
            } catch (error) {
              return String(error);
            }
          };
          const setting = '/api/v1/settings/max_customers';
          const json = {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: '{"max_customers":999}',
          };
          return [
            await attempt('/api/v1/agents', {}),
            await attempt('/docs/json', {}),
            await attempt(setting, json),
            await attempt(setting, { ...json, headers: { 'content-type': 'text/plain' } }),
            await attempt(setting, { ...json, mode: 'no-cors', headers: {} }),
            await attempt(`/api/v1/webhook/agent_allocation?token=${token}x`, {
              ...json,
              mode: 'no-cors',
              headers: {},
            }),
          ];
        },
        [url, WEBHOOK_TOKEN] as const,
      );
      expect(attempts.slice(0, 4).filter((told) => !told.startsWith('TypeError'))).toEqual([]);
      expect(attempts.slice(4)).toEqual(['opaque ', 'opaque ']);
      // A form, which needs no leave to be sent.
      await page.setContent(
        `<form method=post enctype=text/plain action="${url}/api/v1/settings/max_customers"><input name='{"max_customers":999,"x":"' value='"}'></form>`,
      );
      await Promise.all([page.waitForNavigation(), page.evaluate("document.querySelector('form').submit()")]);
      expect((await target.api.get('/settings/max_customers')).body.max_customers).toBe(before ?? null);
      expect(await target.appended()).toBe(appended);
      await page.goto(`http://localhost:${evil.port}/`);
      for (const path of ['/', '/docs']) {
        told.length = 0;
        await page.setContent(`<iframe src="${url}${path}"></iframe>`);
        await until(() => told.some((line) => line.includes('frame-ancestors')), {
          what: `${path} is refused in a frame`,
        });
      }
    } finally {
      await context.close();
      await evil.stop(true);
    }
  }, 60_000);
});
