/**
 * `bun test/browser/shots.ts`: the READMEs' pictures of the board, from a real service with some minutes of busy traffic.
 */
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { BUSY_QUARTER } from '../../src/qiscus/sandbox/plan';
import { Traffic } from '../../src/qiscus/sandbox/traffic';
import { until } from '../support/wait';
import { smaller } from './png';
import { openScene } from './scene';

const FOLDER = join(import.meta.dir, 'screenshots');
const NAMES = ['Ani', 'Budi', 'Dewi', 'Rizky', 'Sari', 'Wayan'];
/** Rooms in line. */
const MOST_INTERESTING = 10;
/** A rush comes and goes every 75 seconds of ours. */
const PLAN = { ...BUSY_QUARTER, speed: 12, rate: 0.2, customers: 3_000, chats: 10_000, forMs: 12 * 300_000 };

const scene = await openScene({ QISCUS_MAX_CUSTOMER: '3' });
const { sandbox, api } = scene;
const shoot = async (page: Page, name: string, height: number) => {
  await page.setViewportSize({ width: page.viewportSize()?.width ?? 0, height });
  const picture = smaller(await page.screenshot());
  await Bun.write(join(FOLDER, `${name}.png`), picture);
  await page.context().close();
  console.log(`${name}.png: ${Math.round(picture.length / 1024)} kB`);
};
try {
  sandbox.agents.list().forEach(({ id }, index) => {
    sandbox.agents.change(id, { name: NAMES[index] ?? id });
  });
  await api.patch('/agents/agent_02', { max_customers: 5 });
  await sandbox.faults.add({ on: 'assign_agent', roomId: 'R-1042', effect: 'status', status: 422, times: null });
  await sandbox.rooms.create({ roomId: 'R-1042' });
  const ended = new AbortController();
  const traffic = new Traffic(sandbox, PLAN);
  const running = traffic.run(ended.signal);
  await Bun.sleep(140_000);

  const [board, phone, room] = await Promise.all([
    scene.open({ size: 'desktop', scheme: 'light' }),
    scene.open({ size: 'phone', scheme: 'dark' }),
    scene.open({ size: 'desktop', scheme: 'light' }),
  ]);
  for (const { page } of [board, phone, room]) await page.locator('#decisions li').nth(5).waitFor();
  // In the rush, when there is something to see.
  const longest = async () => {
    const { total, rooms } = (await api.get('/queue?limit=5')).body as { total: number; rooms: { room_id: string }[] };
    return total >= MOST_INTERESTING && rooms[4]?.room_id;
  };
  const roomId = await until(longest, { what: 'a rush', withinMs: 120_000 });
  await room.page.goto(`${scene.url}/#/rooms/${roomId}`);
  await room.page.locator('#panel button.why').click();
  await room.page.locator('#panel table.candidates').waitFor();
  await shoot(room.page, 'room-why', 760);
  await shoot(board.page, 'board-light', 1_395);
  await shoot(phone.page, 'board-dark-phone', 844);
  ended.abort();
  await running;
} finally {
  await scene.stop();
}
