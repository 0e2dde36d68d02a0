/**
 * Every hand of the board, pressed as a person does, in both languages: it says what it will do and to whom, acts, shows what
 * became of it, and stands in the journal as an operator's.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { Redis } from 'ioredis';
import type { Locator, Page } from 'playwright-core';
import { en } from '../../src/http/board/page/en';
import { id } from '../../src/http/board/page/id';
import { hasBrowser } from '../support/browser';
import { APP_ID } from '../support/service';
import { openScene, type Scene } from './scene';

const WORDS = { en, id };
type Limits = 'defaultLimit' | 'agentLimit';
type Name =
  | Limits
  | 'pause'
  | 'unpause'
  | 'requeue'
  | 'reassign'
  | 'release'
  | 'leave'
  | 'giveUp'
  | 'replay'
  | 'remove'
  | 'erase';

describe.skipIf(!hasBrowser)('the hands of the board', () => {
  let scene: Scene;
  let redis: Redis;
  beforeAll(async () => {
    scene = await openScene({ QISCUS_MAX_CUSTOMER: '3', RECONCILE_SECONDS: '3600' });
    // An agent of whom Qiscus refuses two rooms in a row is set aside: there have to be others.
    for (let i = 1; i <= 20; i += 1) scene.sandbox.agents.create({ id: `more-${i}`, channelIds: ['5603'] });
    redis = new Redis(scene.redisUrl);
  }, 60_000);
  afterAll(async () => {
    redis?.disconnect();
    await scene?.stop();
  }, 30_000);

  /** Records about `whom` that say that an operator did it, oldest first. */
  async function byOperator(whom: RegExp): Promise<string[]> {
    const { records } = (await scene.api.get('/journal?limit=500')).body as {
      records: { event: string; fields: Record<string, string> }[];
    };
    return records
      .filter(({ fields }) => fields.by === 'operator' && whom.test(fields.room ?? fields.agent ?? fields.about ?? ''))
      .map(({ event }) => event);
  }

  const dialog = (page: Page) => page.locator('dialog#hands');

  test.each([
    ['en', 'agent_05', '4'],
    ['id', 'agent_06', '5'],
  ] as const)(
    'in %s: every one asks, acts, shows its result, and is on record',
    async (language, agentId, limit) => {
      const words = WORDS[language];
      const { page, complaints } = await scene.open({ size: 'phone', language });
      const room = (what: string) => `${language}-${what}`;
      const refused = { on: 'assign_agent', effect: 'status', status: 422, times: null } as const;
      await scene.sandbox.faults.add({ ...refused, roomId: room('stuck') });
      await scene.sandbox.rooms.create({ roomId: room('held'), customerName: 'Harpi' });
      // Nobody serves this channel.
      await scene.sandbox.rooms.create({ roomId: room('waits'), channelId: '999' });
      await scene.sandbox.rooms.create({ roomId: room('stuck') });

      /** Opens a hand, reads what it says, does it, and reads what became of it. */
      async function press(button: Locator, name: Name, whom: string, fill = async () => {}): Promise<void> {
        const { title, says, act, done } = words.hands[name];
        await button.click();
        const told = async (selector: string) => (await dialog(page).locator(selector).textContent())?.trim();
        expect([await told('h2'), await told('p:not(.whom, .told)'), await told('button.act')]).toEqual([
          title,
          says,
          act,
        ]);
        expect(await told('.whom')).toContain(whom);
        await fill();
        await dialog(page).locator('button.act').click();
        await dialog(page).locator('.told.done').waitFor();
        expect(await told('.told')).toBe(typeof done === 'string' ? done : done(Number(limit)));
        await dialog(page).locator('button.cancel').click();
        await dialog(page).waitFor({ state: 'hidden' });
      }
      const field = (name: string) => dialog(page).locator(`input[name=${name}]`);
      const inRow = (name: string) =>
        page.locator('#agents tr', { hasText: agentId }).getByRole('button', { name: `${name}:` });
      const inPanel = (name: Name) =>
        page.locator('#panel .buttons').getByRole('button', { name: words.hands[name].title });
      const letter = (whom: string) => page.locator('#letters li', { hasText: whom });
      const inLetter = (whom: string, name: string) => letter(whom).getByRole('button', { name });
      const open = async (roomId: string, state: string) => {
        await page.locator('#line input[name=room]').fill(roomId);
        await page.keyboard.press('Enter');
        await page.locator(`#panel .state.${state}`).waitFor({ timeout: 20_000 });
      };
      const close = () => page.locator('#panel button.close').click();

      await press(page.locator('#glance button'), 'defaultLimit', APP_ID, () => field('limit').fill(limit));
      await page.locator('#glance dd', { hasText: limit }).last().waitFor();
      await press(inRow(words.agents.limit), 'agentLimit', agentId, async () => {
        await field('default').uncheck();
        await field('limit').fill(limit);
      });
      await inRow(words.agents.limit).click();
      await field('default').check();
      await dialog(page).locator('button.act').click();
      await dialog(page).locator('.told.done').waitFor();
      await page.keyboard.press('Escape');
      await press(inRow(words.agents.pause), 'pause', agentId);
      await press(inRow(words.agents.unpause), 'unpause', agentId);

      await open(room('waits'), 'waiting');
      await press(inPanel('leave'), 'leave', room('waits'));
      await page.locator('#panel .state.resolved').waitFor();
      expect(await page.locator('#panel .buttons button').count()).toBe(1);
      await close();

      await open(room('held'), 'assigned');
      await press(inPanel('reassign'), 'reassign', room('held'));
      await page.locator('#panel .state.assigned').waitFor();
      await press(inPanel('erase'), 'erase', room('held'));
      await inPanel('erase').waitFor({ state: 'detached' });
      await press(inPanel('release'), 'release', room('held'));
      await page.locator('#panel .state.resolved').waitFor();
      await close();

      await letter(room('stuck')).waitFor({ timeout: 20_000 });
      await press(inLetter(room('stuck'), words.views.letters.replay), 'replay', room('stuck'));
      await letter(room('stuck')).waitFor({ state: 'detached' });
      await letter(room('stuck')).waitFor({ timeout: 20_000 });
      await open(room('stuck'), 'parked');
      await press(inPanel('requeue'), 'requeue', room('stuck'));
      await page.locator('#panel .state.parked').waitFor({ timeout: 20_000 });
      await press(inPanel('giveUp'), 'giveUp', room('stuck'));
      await page.locator('#panel .state.resolved').waitFor();
      await close();

      // Webhooks that nobody can apply: one is tried again, and fails again; then it is given up.
      const poison = await redis.xadd(
        `caa:v1:{${APP_ID}}:inbox`,
        '*',
        'kind',
        'allocation',
        'request',
        `poison-${language}`,
      );
      await letter(poison ?? '-').waitFor({ timeout: 20_000 });
      await press(inLetter(poison ?? '-', words.views.letters.replay), 'replay', poison ?? '-');
      await letter(poison ?? '-').waitFor({ state: 'detached' });
      const again = letter(words.views.letters.entry);
      await again.waitFor({ timeout: 20_000 });
      await press(again.getByRole('button', { name: words.views.letters.delete }), 'remove', 'entry-');
      await again.waitFor({ state: 'detached' });

      expect(await byOperator(new RegExp(`^${agentId}$`))).toEqual([
        ...['agent.limited', 'agent.limited', 'agent.paused', 'agent.unpaused'],
      ]);
      expect(await byOperator(new RegExp(`^${room('waits')}$`))).toEqual(['room.released']);
      expect(await byOperator(new RegExp(`^${room('held')}$`))).toEqual([
        'room.requeued',
        'room.erased',
        'room.released',
      ]);
      expect(await byOperator(new RegExp(`^${room('stuck')}$`))).toEqual([
        'room.requeued',
        'room.requeued',
        'room.released',
      ]);
      const others = await byOperator(/^$/);
      expect(others.filter((event) => event === 'limit.changed').length).toBeGreaterThan(0);
      expect(others.slice(-2)).toEqual(['entry.replayed', 'entry.deleted']);
      expect(await complaints()).toEqual([]);
      await page.context().close();
    },
    120_000,
  );
});
