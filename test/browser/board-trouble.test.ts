/**
 * The board when Qiscus does not take our secret any more, and of a room that no agent may serve: the cause before what
 * comes of it, in words that say the next step, at a phone's width too.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { hasBrowser } from '../support/browser';
import { until } from '../support/wait';
import { seriousFindings } from './axe';
import { openScene, type Scene } from './scene';

describe.skipIf(!hasBrowser)('the board and what has to be mended', () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene({ ROSTER_SYNC_SECONDS: '1' });
    for (const { id } of scene.sandbox.agents.list()) {
      scene.sandbox.agents.change(id, {
        name: `Soerjaningratkusumadiningrat ${id}`,
        available: true,
        channelIds: ['1'],
      });
    }
    await scene.sandbox.rooms.create({ roomId: 'orphan', channelId: '999' });
    await scene.api.patch('/agents/agent_01', { paused: true });
    const agents = async () => (await scene.api.get('/agents')).body.agents as { online: boolean; channels: unknown }[];
    await until(async () => (await agents()).every(({ online, channels }) => online && channels), {
      what: 'all online',
    });
  }, 60_000);
  afterAll(() => scene?.stop(), 30_000);

  test.each([
    ['en', 'No agent may serve its channel: give the channel to one at Qiscus.', '1 paused'],
    ['id', 'Tidak ada agent yang boleh melayani channelnya: berikan channel itu kepada', '1 dijeda'],
  ] as const)(
    'a room of a channel that nobody has, on a phone in %s',
    async (language, reason, paused) => {
      const { page } = await scene.open({ size: 'phone', language, path: '/#/rooms/orphan' });
      expect(await page.locator('#glance').textContent()).toContain(paused);
      await page.locator('#panel button.why').click();
      await page.locator('#panel .sentence', { hasText: reason }).waitFor();
      await page.locator('#panel table.candidates').waitFor();
      // Nothing is cut off: there is nothing to scroll to.
      expect(
        await page.evaluate(
          "(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)(document.querySelector('#panel .scroll'))",
        ),
      ).toBe(0);
      expect(await seriousFindings(page)).toEqual([]);
      await page.context().close();
    },
    30_000,
  );

  test('Qiscus refuses everything: that first, then what comes of it', async () => {
    for (const on of ['agents', 'assign_agent', 'customer_rooms']) {
      await scene.sandbox.faults.add({ on, effect: 'status', status: 401, times: null });
    }
    const [{ page }, phone] = await Promise.all([
      scene.open(),
      scene.open({ size: 'phone', language: 'id', scheme: 'dark' }),
    ]);
    const notices = page.locator('#banner li');
    await notices
      .filter({ hasText: 'The list of agents is old: who is online now is not known. last read at ' })
      .waitFor();
    await notices.filter({ hasText: 'Qiscus refuses us' }).waitFor();
    expect(await notices.allInnerTexts()).toEqual([
      expect.stringContaining('Qiscus refuses us: check App ID and secret key'),
      expect.stringContaining('The list of agents is old'),
    ]);
    // Nobody is woken by a list that nobody knows to be right.
    expect(await page.locator('#glance').textContent()).toContain('? / ');
    expect(await page.locator('#glance .hot').count()).toBe(0);
    const worst = phone.page.locator('#banner > ul > li').first();
    await worst.filter({ hasText: 'Qiscus menolak kami: periksa App ID dan secret key' }).waitFor();
    expect(await seriousFindings(phone.page)).toEqual([]);
    for (const opened of [page, phone.page]) await opened.context().close();
  }, 60_000);
});
