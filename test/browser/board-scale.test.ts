/**
 * The board under load: 200 agents, 10,000 waiting rooms, and events all the time. Scrolling through the line, changing the
 * language and pressing keys keep the page small; what it shows is the line as the API tells it; and a page that was cut
 * off reads every record of the journal once. Frames and long tasks are measured and printed: machines differ.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { Page } from 'playwright-core';
import { hasBrowser } from '../support/browser';
import { until } from '../support/wait';
import { openScene, type Scene } from './scene';

const AGENTS = 200;
const WAITING = 10_000;
/** Rows in sight, and those that are drawn around them. */
const MOST_ROWS = 60;

describe.skipIf(!hasBrowser)('the board, with 200 agents and 10,000 waiting rooms', () => {
  let scene: Scene;
  beforeAll(async () => {
    // No comparison with Qiscus: it knows these rooms only when they are assigned.
    scene = await openScene({ QISCUS_MAX_CUSTOMER: '1', RECONCILE_SECONDS: '3600', WEBHOOK_WAIT_MS: '0' });
    for (const { id } of scene.sandbox.agents.list()) scene.sandbox.agents.change(id, { available: false });
    const expected = Array.from({ length: AGENTS }, (_, i) => `agent-${i + 1}`).sort();
    for (let i = 1; i <= AGENTS; i += 1) {
      scene.sandbox.agents.create({ id: `agent-${i}`, name: `Agent ${i}`, available: true, channelIds: null });
    }
    await until(async () => (await online()).join() === expected.join(), { what: 'all agents', withinMs: 30_000 });
    await arrive(1, AGENTS + WAITING);
    await until(async () => (await waiting()) === WAITING, { what: 'the line', withinMs: 60_000 });
  }, 120_000);
  afterAll(() => scene?.stop(), 30_000);

  const online = async () => {
    const { agents } = (await scene.api.get('/agents')).body as { agents: { id: string; online: boolean }[] };
    return agents.flatMap((agent) => (agent.online ? [agent.id] : [])).sort();
  };
  const waiting = async () => Number((await scene.api.get('/queue?limit=1')).body.total);

  /** Rooms `room-<from>` and so on write, some at a time. */
  async function arrive(from: number, count: number): Promise<void> {
    let next = from;
    const post = async () => {
      while (next < from + count) {
        const number = next;
        next += 1;
        // On a busy machine Redis may once take longer than a webhook waits; Qiscus would send it again, too.
        await until(async () => (await scene.api.allocate(`room-${number}`)).status === 202, {
          what: 'a webhook is taken',
        });
      }
    };
    await Promise.all(Array.from({ length: 32 }, post));
  }

  /** Rooms end one after the other, and others come, until the signal; so the line moves and every agent works. */
  async function stir(stop: AbortSignal): Promise<number> {
    let turns = 0;
    for (let room = 1; !stop.aborted; room += 1) {
      await scene.api.resolve(`room-${room}`);
      await scene.api.allocate(`more-${room}`);
      turns += 1;
      await Bun.sleep(30);
    }
    return turns;
  }

  /** Counts frames and long tasks from now on. */
  const measure = (page: Page) =>
    page.evaluate(`{
      window.frames_ = []; window.long_ = [];
      new PerformanceObserver((list) => window.long_.push(...list.getEntries().map(({ duration }) => duration)))
        .observe({ entryTypes: ['longtask'] });
      let before = performance.now();
      const tick = (now) => { window.frames_.push(now - before); before = now; requestAnimationFrame(tick); };
      requestAnimationFrame(tick);
    }`);
  async function measured(page: Page): Promise<string> {
    const [frames, long] = await page.evaluate<[number[], number[]]>('[window.frames_, window.long_]');
    const sorted = frames.toSorted((a, b) => a - b);
    const at = (share: number) => Math.round(sorted[Math.floor(share * (sorted.length - 1))] ?? 0);
    return `${frames.length} frames, median ${at(0.5)} ms, p95 ${at(0.95)} ms, longest ${at(1)} ms; ${long.length} long tasks, the longest ${Math.round(Math.max(0, ...long))} ms`;
  }

  const grid = (page: Page) => page.locator('#line [role=grid]');
  /** What stands in the rows in sight: position and room. */
  const rows = async (page: Page) =>
    (await grid(page).locator('[role=row]').allInnerTexts()).slice(1).map((text) => text.split('\n').slice(0, 2));

  test('scrolling through the line while it moves: few rows, the right ones, in either language', async () => {
    const { page, complaints, elsewhere } = await scene.open();
    await page.locator('#line .row', { hasText: 'room-' }).first().waitFor();
    expect(await page.locator('#agents tbody tr').count()).toBeGreaterThanOrEqual(AGENTS);
    await measure(page);
    const quiet = new AbortController();
    const stirring = stir(quiet.signal);
    let most = 0;
    for (let step = 0; step <= 40; step += 1) {
      await grid(page).evaluate((element, share) => {
        element.scrollTop = share * element.scrollHeight;
      }, step / 40);
      if (step % 10 === 5) await page.locator('#top .tongues button[aria-pressed=false]').click();
      await page.mouse.wheel(0, 30);
      await Bun.sleep(60);
      most = Math.max(most, await grid(page).locator('[role=row]').count());
    }
    quiet.abort();
    const turns = await stirring;
    console.log(
      `scrolling through ${WAITING} rooms, ${turns} resolved and as many new meanwhile: ${await measured(page)}`,
    );
    expect(most).toBeLessThan(MOST_ROWS);
    // The end of the line is in sight, and is what the API says.
    await page.locator('#line .row', { hasText: `more-${turns}` }).waitFor();
    expect(Number(await grid(page).getAttribute('aria-rowcount'))).toBe((await waiting()) + 1);
    expect((await rows(page)).at(-1)).toEqual([String(await waiting()), `more-${turns}`]);
    expect(await complaints()).toEqual([]);
    expect(elsewhere()).toEqual([]);
    await page.context().close();
  }, 120_000);

  test('rows in the middle are the line of the API, however it moved since they were first read', async () => {
    const { page } = await scene.open();
    await grid(page).press('End');
    for (const share of [0.9, 0.31, 0.62]) {
      await grid(page).evaluate((element, to) => {
        element.scrollTop = to * element.scrollHeight;
      }, share);
      // Those ahead leave, so that every row moves up.
      const quiet = new AbortController();
      const stirring = stir(quiet.signal);
      await Bun.sleep(500);
      quiet.abort();
      await stirring;
      const line = await everybody();
      const agree = async () => {
        const shown = await rows(page);
        return shown.length > 10 && shown.every(([position, room]) => line[Number(position) - 1] === room);
      };
      await until(agree, { what: `the rows at ${share} agree with the API`, withinMs: 10_000 });
    }
    await page.context().close();
  }, 120_000);

  /** The whole line, by the API. */
  async function everybody(): Promise<string[]> {
    const found: string[] = [];
    for (let after = ''; ; ) {
      const { body } = await scene.api.get(`/queue?limit=500${after}`);
      found.push(...(body.rooms as { room_id: string }[]).map(({ room_id }) => room_id));
      if (body.next === null) return found;
      after = `&after=${body.next}`;
    }
  }

  test('with the keyboard: the row that is meant is always there, far away too', async () => {
    const { page } = await scene.open();
    const active = async () => {
      const id = await grid(page).getAttribute('aria-activedescendant');
      return id === null ? null : Number(await page.locator(`#${id}`).getAttribute('aria-rowindex')) - 1;
    };
    await page.locator('#line .row', { hasText: 'room-' }).first().waitFor();
    await grid(page).focus();
    await page.keyboard.press('End');
    const last = await waiting();
    await until(async () => (await active()) === last, { what: 'the last row' });
    await page.keyboard.press('ArrowUp');
    await until(async () => (await active()) === last - 1, { what: 'the row above' });
    await page.keyboard.press('Home');
    await until(async () => (await active()) === 1, { what: 'the first row' });
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    const [second] = (await everybody()).slice(1);
    await page.locator('#panel h2', { hasText: second ?? '-' }).waitFor();
    await page.context().close();
  }, 60_000);
});
