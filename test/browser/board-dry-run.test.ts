/** A dry run on the board: how often both agree, how evenly rooms lie on agents, who got how many; and no hand that is refused. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { en } from '../../src/http/board/page/en';
import { id } from '../../src/http/board/page/id';
import { hasBrowser } from '../support/browser';
import { until } from '../support/wait';
import { openScene, type Scene } from './scene';

type Spread = Record<'least' | 'most' | 'mean' | 'deviation', number>;
interface Comparison {
  compared: number;
  agreed: number;
  spread: { ours: Spread; theirs: Spread | null };
  average_deviation: { ours: number; theirs: number } | null;
  agents: { name: string; given: { ours: number; theirs: number } }[];
}

describe.skipIf(!hasBrowser)('the board in a dry run', () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene({ DRY_RUN: 'true' }, { allocator: 'round_robin' });
    for (let i = 1; i <= 7; i += 1) await scene.sandbox.rooms.create({ roomId: `room-${i}` });
    const isSettled = async () => {
      const { compared, spread, average_deviation } = await read();
      return compared === 7 && spread.theirs?.most === 2 && average_deviation !== null;
    };
    await until(isSettled, { what: 'every room compared', withinMs: 30_000 });
  }, 90_000);
  afterAll(() => scene?.stop(), 30_000);

  const read = async () => (await scene.api.get('/dry_run')).body as unknown as Comparison;

  test.each([
    ['en', en, 'en-GB'],
    ['id', id, 'id-ID'],
  ] as const)(
    'in %s: the numbers are those of the API',
    async (language, words, locale) => {
      const texts = words.views.dryRun;
      const { page, complaints } = await scene.open({ language });
      const panel = page.locator('#dry-run');
      await panel.locator('table.spread').waitFor();
      const number = (value: number) => new Intl.NumberFormat(locale, { maximumFractionDigits: 1 }).format(value);
      const cells = (table: string) =>
        panel
          .locator(`table.${table} tbody tr`)
          .evaluateAll((rows) => rows.map((row) => [...row.children].map((cell) => cell.textContent?.trim())));

      // The average moves with every reading of the agents: what stands there is what the API said a moment ago.
      const agrees = async () => {
        const { spread, average_deviation: usual } = await read();
        const line = (who: 'ours' | 'theirs', now: Spread | null) => [
          texts[who],
          ...[now?.least, now?.most, now?.mean, now?.deviation, usual?.[who]].map((value) => number(value ?? -1)),
        ];
        return Bun.deepEquals(await cells('spread'), [line('ours', spread.ours), line('theirs', spread.theirs)]);
      };
      await until(agrees, { what: 'the spread as the API tells it', withinMs: 15_000 });
      expect(await panel.locator('table.spread thead th').allTextContents()).toEqual(Object.values(texts.spread));

      const { agreed, compared, agents } = await read();
      expect(await panel.locator('strong').textContent()).toContain(
        `(${agreed} ${language === 'en' ? 'of' : 'dari'} ${compared})`,
      );
      const given = new Map(agents.map(({ name, given: { ours, theirs } }) => [name, [String(ours), String(theirs)]]));
      for (const [name, ...counts] of await cells('given'))
        expect([name, counts]).toEqual([name, given.get(name ?? '')]);
      await page.locator('#banner li', { hasText: words.banner.dryRun }).waitFor();

      // Nobody is removed from a room in a dry run, so that is not offered.
      await page.goto(`${scene.url}/#/rooms/room-1`);
      await page.locator('#panel .state.assigned').waitFor();
      expect(
        await page.locator('#panel .buttons').getByRole('button', { name: words.hands.reassign.title }).count(),
      ).toBe(0);
      expect(await complaints()).toEqual([]);
      await page.context().close();
    },
    60_000,
  );
});
