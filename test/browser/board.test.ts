/**
 * The board in a real browser: two people look while chats come and go; what one does the other sees; a restart of the
 * service loses nothing; it can be used with the keyboard alone and by people who see little.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { BUSY_QUARTER } from '../../src/qiscus/sandbox/plan';
import { Traffic } from '../../src/qiscus/sandbox/traffic';
import { hasBrowser } from '../support/browser';
import { until } from '../support/wait';
import { openScene, type Scene, type Scheme, type Size } from './scene';

const AXE = readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8');

describe.skipIf(!hasBrowser)('the board in a browser', () => {
  let scene: Scene;
  const quiet = new AbortController();
  let traffic: Promise<void>;

  beforeAll(async () => {
    scene = await openScene({ QISCUS_MAX_CUSTOMER: '4' });
    const { sandbox } = scene;
    for (const [id, name] of [
      ['agent_01', 'Ani'],
      ['agent_02', 'Budi'],
      ['agent_03', 'Sari'],
    ]) {
      sandbox.agents.change(id ?? '', { name, available: true });
    }
    // Some rooms of our own, which nobody else moves.
    await sandbox.faults.add({ on: 'assign_agent', roomId: 'stuck', effect: 'status', status: 422, times: null });
    await sandbox.rooms.create({ roomId: 'stuck', customerName: 'Harpi' });
    await sandbox.rooms.create({ roomId: 'held', customerName: 'Dewi' });
    // Nobody serves this channel.
    await sandbox.rooms.create({ roomId: 'waits', channelId: '999' });
    // Few enough that our own rooms are served too.
    const plan = { ...BUSY_QUARTER, speed: 20, rate: 0.06, breaks: { everyMs: 1e9, lastMs: 1 }, faults: 0 };
    traffic = new Traffic(sandbox, plan).run(quiet.signal);
  }, 60_000);
  afterAll(async () => {
    quiet.abort();
    await traffic;
    await scene?.stop();
  }, 30_000);

  const dialog = (page: Page) => page.locator('dialog#hands');
  /** Presses the dialog's button and waits for what it says. */
  async function confirm(page: Page): Promise<string> {
    await dialog(page).locator('button.act').click();
    await dialog(page).locator('.told.done').waitFor();
    const said = (await dialog(page).locator('.told').textContent()) ?? '';
    await dialog(page).locator('button.cancel').click();
    return said;
  }
  const agentRow = (page: Page, name: string) => page.locator('#agents tbody tr', { hasText: name });
  const decision = (page: Page, kind: string, text: string) =>
    page.locator(`#decisions li.${kind}`, { hasText: text }).first();
  const inPanel = (page: Page, name: string) => page.locator('#panel').getByRole('button', { name });

  test('every hand, pressed in one page, is seen in the other; a restart in between loses nothing', async () => {
    const [mine, theirs] = await Promise.all([scene.open(), scene.open()]);
    const [page, other] = [mine.page, theirs.page];

    // The default limit, and an agent's own.
    await page.locator('#glance button').first().click();
    await dialog(page).locator('input[name=limit]').fill('5');
    expect(await confirm(page)).toContain('5');
    await agentRow(other, 'Sari').locator('.load', { hasText: '/ 5' }).waitFor();
    await agentRow(page, 'Budi').getByRole('button', { name: 'Limit' }).click();
    await dialog(page).locator('input[name=default]').uncheck();
    await dialog(page).locator('input[name=limit]').fill('7');
    await confirm(page);
    await agentRow(other, 'Budi').locator('.load', { hasText: '/ 7' }).waitFor();
    await decision(other, 'hand', 'Limit of Budi set to 7').waitFor();

    // A pause, and its end.
    await agentRow(page, 'Ani').getByRole('button', { name: 'Pause' }).click();
    await confirm(page);
    await agentRow(other, 'Ani').locator('.standing', { hasText: 'Paused' }).waitFor();
    await agentRow(other, 'Ani').getByRole('button', { name: 'Resume' }).click();
    await confirm(other);
    await agentRow(page, 'Ani')
      .locator('.standing', { hasText: /Free|Full/ })
      .waitFor();

    // A room that Qiscus kept refusing: tried again as a dead letter, then from its panel, then given up.
    const letter = (at: Page) => at.locator('#letters li', { hasText: 'stuck' });
    await letter(page).waitFor({ timeout: 20_000 });
    await page.locator('#banner li.warn a', { hasText: 'stuck' }).waitFor({ timeout: 20_000 });
    await letter(page).getByRole('button', { name: 'Try again' }).click();
    await confirm(page);
    await decision(other, 'hand', 'Put back in line by an operator').waitFor();
    await letter(other).waitFor({ state: 'detached' });
    await letter(other).waitFor({ timeout: 20_000 });
    await other.locator('#letters a', { hasText: 'stuck' }).click();
    await inPanel(other, 'Put this room back in line').click();
    await confirm(other);
    await letter(page).waitFor({ state: 'detached' });
    await letter(page).waitFor({ timeout: 20_000 });
    await letter(page).getByRole('button', { name: 'Give up' }).click();
    await confirm(page);
    await decision(other, 'hand', 'Given up by an operator').waitFor();
    await letter(other).waitFor({ state: 'detached' });

    // The service is started anew. Both pages notice, come back, and have every record.
    await scene.restart();
    await page.locator('#top .dot.open').waitFor({ timeout: 20_000 });

    // A room that somebody serves: taken from the agent, its customer's name erased, its slot freed.
    await page.goto(`${scene.url}/#/rooms/held`);
    await inPanel(page, 'Take this room from its agent').click();
    await confirm(page);
    await decision(other, 'hand', 'Taken from').waitFor();
    await page.locator('#panel .state.assigned').waitFor();
    await other.goto(`${scene.url}/#/rooms/held`);
    await other.locator('#panel dd', { hasText: 'Dewi' }).waitFor();
    await inPanel(page, "Erase this customer's name").click();
    await confirm(page);
    await other.locator('#panel dd', { hasText: 'Dewi' }).waitFor({ state: 'detached' });
    await inPanel(page, "Free this room's slot").click();
    await confirm(page);
    await other.locator('#panel .state.resolved').waitFor();

    for (const one of [mine, theirs]) {
      await withoutGap(one.page);
      expect(one.elsewhere()).toEqual([]);
      // The browser itself says that the service was away.
      expect((await one.complaints()).filter((text) => !/ERR_|Failed to load resource/.test(text))).toEqual([]);
      await one.page.context().close();
    }
  }, 120_000);

  /** The page's records are the journal's, one by one. */
  async function withoutGap(page: Page): Promise<void> {
    const ids = await page.evaluate<string[]>(
      `import('/board/state.js').then(({ state }) => state.records.map(({ id }) => id).reverse())`,
    );
    expect(ids.length).toBeGreaterThan(20);
    const [first = '', last] = [ids[0], ids.at(-1)];
    const journal: string[] = [];
    for (let after = first; journal.at(-1) !== last; after = journal.at(-1) ?? first) {
      const { records } = (await scene.api.get(`/journal?limit=500&after=${after}`)).body as {
        records: { id: string }[];
      };
      for (const { id } of records) if (journal.at(-1) !== last) journal.push(id);
      if (records.length === 0) break;
    }
    expect(ids.slice(1)).toEqual(journal);
  }

  test('an address leads to a room or an agent, also after a reload, and Back leads out again', async () => {
    const { page } = await scene.open({ path: '/#/agents/agent_02' });
    await page.locator('#panel h2', { hasText: 'Budi' }).waitFor();
    await page.reload();
    await page.locator('#panel h2', { hasText: 'Budi' }).waitFor();
    await page.locator('#panel .sentence', { hasText: /chats? since/ }).waitFor();
    await page.locator('#panel ol.timeline li').first().waitFor();
    await page.locator('#decisions a', { hasText: 'Room' }).first().click();
    await page.locator('#panel h2', { hasText: 'Room' }).waitFor();
    await page.goBack();
    await page.locator('#panel h2', { hasText: 'Budi' }).waitFor();
    await page.getByRole('button', { name: 'Close' }).click();
    await page.locator('#panel').waitFor({ state: 'hidden' });
    await page.goBack();
    await page.locator('#panel h2', { hasText: 'Budi' }).waitFor();
    await page.context().close();
  }, 60_000);

  test('the decisions hold still while somebody points at them, and go on afterwards', async () => {
    const { page } = await scene.open();
    const first = page.locator('#decisions li').first();
    const held = page.locator('#decisions .held', { hasText: /newer/ });
    // What is drawn above for the first time moves the list away from under the mouse.
    const pointAtIt = async () => {
      await first.hover();
      return held.textContent({ timeout: 2_000 }).catch(() => null);
    };
    const newer = await until(pointAtIt, { withinMs: 30_000, what: 'the list to hold still' });
    const read = await first.textContent();
    await until(async () => (await held.textContent()) !== newer, {
      withinMs: 30_000,
      what: 'newer ones to be counted',
    });
    expect(await first.textContent()).toBe(read);
    await page.mouse.move(5, 5);
    await until(async () => (await first.textContent()) !== read, { what: 'the list to go on' });
    await page.context().close();
  }, 60_000);

  test('with the keyboard alone: a hand and a panel are reached, and the focus comes back', async () => {
    const { page } = await scene.open();
    const focused = () => page.evaluate<string>('document.activeElement.textContent.trim()');
    const tabTo = async (wanted: RegExp) => {
      for (let presses = 0; presses < 80 && !wanted.test(await focused()); presses++) await page.keyboard.press('Tab');
      expect(await focused()).toMatch(wanted);
    };
    await tabTo(/^Change$/);
    await page.keyboard.press('Enter');
    await dialog(page).locator('input[name=limit]').waitFor();
    await page.keyboard.type('6');
    await page.keyboard.press('Escape');
    await until(async () => /^Change$/.test(await focused()), { what: 'the focus back at what opened the dialog' });

    await tabTo(/^Ani$/);
    await page.keyboard.press('Enter');
    await until(async () => (await focused()) === 'Ani' && (await page.locator('#panel h2:focus').count()) === 1, {
      what: "the focus in the panel's heading",
    });
    await page.keyboard.press('Escape');
    await page.locator('#panel').waitFor({ state: 'hidden' });
    await until(async () => (await page.locator('#agents :focus', { hasText: 'Ani' }).count()) === 1, {
      what: 'the focus back at the agent',
    });
    await page.context().close();
  }, 60_000);

  const views: [Size, Scheme][] = [
    ['desktop', 'light'],
    ['desktop', 'dark'],
    ['phone', 'light'],
    ['phone', 'dark'],
  ];
  test.each(views)(
    'nothing serious for axe: %s, %s',
    async (size, scheme) => {
      const { page, elsewhere, complaints } = await scene.open({ size, scheme, path: '/#/rooms/waits' });
      await page.locator('#panel button.why').click();
      await page.locator('#panel table.candidates').waitFor();
      const found = [...(await serious(page))];
      await page.locator('#panel button.close').click();
      await page.locator('#charts details summary').click();
      await page.locator('#charts table').first().waitFor();
      found.push(...(await serious(page)));
      await page.locator('#glance button').first().click();
      await dialog(page).locator('input[name=limit]').waitFor();
      found.push(...(await serious(page)));
      expect(found).toEqual([]);
      expect(elsewhere()).toEqual([]);
      expect(await complaints()).toEqual([]);
      await page.context().close();
    },
    60_000,
  );

  /** Serious and critical findings. The page's policy takes no script but its own: axe comes in through the debugger. */
  async function serious(page: Page): Promise<string[]> {
    await page.evaluate(AXE);
    const { violations } = await page.evaluate<{
      violations: { impact: string; id: string; nodes: { html: string; failureSummary: string }[] }[];
    }>('axe.run()');
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary}`));
  }
});
