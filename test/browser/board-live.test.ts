/**
 * How the board follows the service: every record once and in order whatever happens to its connection, readings at most
 * once a second, none while nobody looks, and words for what is wrong.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { Page } from 'playwright-core';
import { hasBrowser } from '../support/browser';
import { type FailingProxy, startProxy } from '../support/proxy';
import { ADMIN_TOKEN } from '../support/service';
import { until } from '../support/wait';
import { openScene, type Scene } from './scene';

describe.skipIf(!hasBrowser)('the board and its connection', () => {
  let scene: Scene;
  let proxy: FailingProxy;
  beforeAll(async () => {
    scene = await openScene({ RECONCILE_SECONDS: '3600' });
    proxy = await startProxy(() => Number(new URL(scene.url).port));
  }, 60_000);
  afterAll(async () => {
    await scene?.stop();
    await proxy?.stop();
  }, 30_000);

  /** A page that reaches the service through the proxy. */
  async function open(): Promise<Page> {
    const context = await scene.browser.newContext({
      httpCredentials: { username: 'operator', password: ADMIN_TOKEN },
      locale: 'en-GB',
    });
    const page = await context.newPage();
    await page.goto(`http://127.0.0.1:${proxy.port}/`);
    await page.locator('#top .link', { hasText: 'Live' }).waitFor();
    return page;
  }

  let rooms = 0;
  /** So many chats come and go. */
  async function chats(count: number): Promise<void> {
    for (let i = 0; i < count; i += 1) {
      rooms += 1;
      await scene.api.allocate(`chat-${rooms}`);
      await scene.api.resolve(`chat-${rooms}`);
    }
  }

  /** Ids of the records that the page has, oldest first. */
  const seen = (page: Page) =>
    page.evaluate<string[]>(
      `import('/board/state.js').then(({ state }) => state.records.map(({ id }) => id).reverse())`,
    );
  /** All ids of the journal behind one. */
  async function journal(after: string): Promise<string[]> {
    const ids: string[] = [];
    for (let next: string | null = after; next !== null; ) {
      const { body } = await scene.api.get(`/journal?limit=500&after=${next}`);
      ids.push(...(body.records as { id: string }[]).map(({ id }) => id));
      next = body.next === null ? null : String(body.next);
    }
    return ids;
  }

  test('every record once and in order, though the connection is cut in the middle of records', async () => {
    await chats(3);
    const page = await open();
    for (const bytes of [300, 4_000, 700, 2_500]) {
      const before = proxy.cuts;
      proxy.fail({ kind: 'cut_after', bytes }, { request: 'GET /api/v1/events', times: 1 });
      // What is open goes on: end it, so that the next one is hit.
      await page.evaluate('stop()');
      await chats(12);
      await until(() => proxy.cuts > before, { what: 'the connection is cut', withinMs: 20_000 });
      proxy.heal();
    }
    await chats(2);
    const same = async () => {
      const ids = await seen(page);
      return ids.length > 20 && JSON.stringify(ids.slice(1)) === JSON.stringify(await journal(ids[0] ?? ''));
    };
    await until(same, { what: "the page's records are the journal's", withinMs: 20_000 });
    // All that it ever read: none was pushed out by newer ones.
    expect((await seen(page)).length).toBeLessThan(500);
    await page.context().close();
  }, 90_000);

  test('reads at most once a second however much happens, and not at all while hidden', async () => {
    const page = await open();
    let asked: string[] = [];
    let unanswered = 0;
    page.on('request', (request) => {
      asked.push(new URL(request.url()).pathname);
      unanswered += 1;
    });
    const answered = () => {
      unanswered -= 1;
    };
    page.on('requestfinished', answered).on('requestfailed', answered);
    const readings = () => asked.filter((path) => path === '/api/v1/agents').length;
    const begun = performance.now();
    await chats(20);
    await until(() => readings() >= 3, { what: 'three readings' });
    expect(readings()).toBeLessThanOrEqual((performance.now() - begun) / 1000 + 2);

    const hide = (isHidden: boolean) =>
      page.evaluate(`Object.defineProperty(document, 'hidden', { value: ${isHidden}, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'))`);
    await hide(true);
    const known = (await seen(page)).at(-1) ?? '';
    await until(() => unanswered === 0, { what: 'answers to what was asked before' });
    asked = [];
    await chats(30);
    const last = (await journal(known)).at(-1);
    await until(async () => (await seen(page)).at(-1) === last, { what: 'events while hidden' });
    expect(asked).toEqual([]);
    await hide(false);
    await until(() => readings() > 0, { what: 'a reading' });
    await page.context().close();
  }, 60_000);

  test('says what is wrong, in the language of the page, and takes it back', async () => {
    const page = await open();
    const notice = (text: string) => page.locator('#banner li', { hasText: text });
    proxy.fail({ kind: 'cut_before' });
    await page.evaluate('stop()');
    await notice('The connection to the service is lost').waitFor();
    await page.locator('#top .tongues button[lang=id]').click();
    await notice('Sambungan ke layanan putus').waitFor();
    expect(await page.locator('html').getAttribute('lang')).toBe('id');
    // A hand that cannot reach the service says so, and nothing has changed.
    await page.locator('#glance button').click();
    await page.locator('dialog input[name=limit]').fill('9');
    await page.locator('dialog button.act').click();
    await page.locator('dialog .told.failed', { hasText: 'Layanan tidak menjawab' }).waitFor();
    await page.locator('dialog button.cancel').click();
    proxy.heal();
    await page.locator('#top .link', { hasText: 'Langsung' }).waitFor({ timeout: 20_000 });
    await notice('Sambungan ke layanan putus').waitFor({ state: 'detached' });
    // What the hand could not read is read at once: long before the next reading is due anyway.
    await notice('Pembacaan terakhir gagal').waitFor({ state: 'detached', timeout: 4_000 });
    expect((await scene.api.get('/settings/max_customers')).body.max_customers).toBe(2);
    // The language is remembered.
    await page.reload();
    await page.locator('#top .link', { hasText: 'Langsung' }).waitFor();
    await page.context().close();
  }, 60_000);

  test('a service that takes calls and never answers: said after the limit, and everything goes on when it answers', async () => {
    const page = await open();
    const notice = page.locator('#banner li', { hasText: 'The service took too long to answer.' });
    proxy.fail({ kind: 'half_open' }, { request: 'GET /api/v1/agents' });
    await chats(1);
    await notice.waitFor({ timeout: 30_000 });
    proxy.heal();
    await notice.waitFor({ state: 'detached', timeout: 30_000 });
    await page.context().close();
  }, 90_000);

  test('a reload loads no file of the page anew', async () => {
    // A browser of which Playwright answers the password keeps nothing; so the password is sent unasked.
    const authorization = `Basic ${btoa(`operator:${ADMIN_TOKEN}`)}`;
    const context = await scene.browser.newContext({ extraHTTPHeaders: { authorization } });
    const page = await context.newPage();
    await page.goto(scene.url);
    await page.locator('#agents tbody tr').first().waitFor();
    // What the service answers, not what the browser makes of it.
    const session = await context.newCDPSession(page);
    const files = new Map<string, string>();
    const statuses = new Map<string, number>();
    session.on('Network.requestWillBeSent', ({ requestId, request }) => {
      const { pathname } = new URL(request.url);
      if (pathname === '/' || pathname.startsWith('/board/')) files.set(requestId, pathname);
    });
    session.on('Network.responseReceivedExtraInfo', ({ requestId, statusCode }) => statuses.set(requestId, statusCode));
    await session.send('Network.enable');
    await page.reload();
    await page.locator('#agents tbody tr').first().waitFor();
    const answered = [...files].map(([requestId, path]) => [path, statuses.get(requestId)]);
    expect(answered.length).toBeGreaterThan(30);
    expect(answered.filter(([, status]) => status !== 304)).toEqual([]);
    await context.close();
  }, 60_000);

  test('a limit that is none is refused before it is sent, and the field keeps it', async () => {
    const page = await open();
    await page.locator('#glance button').click();
    for (const wrong of ['0', '1001', '']) {
      await page.locator('dialog input[name=limit]').fill(wrong);
      await page.locator('dialog button.act').click();
      await page.locator('dialog .told', { hasText: 'whole number from 1 to 1000' }).waitFor();
      expect(await page.locator('dialog input[name=limit]').inputValue()).toBe(wrong);
    }
    await page.locator('dialog input[name=limit]').fill('77');
    await page.keyboard.press('Escape');
    await page.locator('dialog').waitFor({ state: 'hidden' });
    // Nothing of it stands in the next hand.
    await page.locator('#agents .do button').first().click();
    expect(await page.locator('dialog input[name=limit]').inputValue()).toBe('2');
    expect(await page.locator('dialog .told').textContent()).toBe('');
    await page.keyboard.press('Escape');
    expect((await scene.api.get('/settings/max_customers')).body.max_customers).toBe(2);
    await page.context().close();
  }, 60_000);

  test('nothing sticks out at 360 px, in either language, not even a long name', async () => {
    const name = 'Raden Mas Soewardi Soerjaningrat '.repeat(4);
    scene.sandbox.agents.create({ id: 'a'.repeat(60), name, available: true, channelIds: ['1'.repeat(40)] });
    const page = await open();
    await page.setViewportSize({ width: 360, height: 740 });
    await page.locator('#agents tbody tr', { hasText: 'Soewardi' }).waitFor({ timeout: 20_000 });
    await scene.api.allocate('r'.repeat(64));
    await page.locator('#decisions li').first().waitFor();
    for (const language of ['en', 'id']) {
      await page.locator(`#top .tongues button[lang=${language}]`).click();
      await page.locator(`html[lang=${language}]`).waitFor();
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
    }
    await page.context().close();
  }, 60_000);
});
