/**
 * `bun test/browser/shots.ts`: the READMEs' pictures of the board, from a real service with four minutes of busy traffic.
 */
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { BUSY_QUARTER } from '../../src/qiscus/sandbox/plan';
import { Traffic } from '../../src/qiscus/sandbox/traffic';
import { until } from '../support/wait';
import { openScene } from './scene';

const FOLDER = join(import.meta.dir, 'screenshots');
const NAMES = ['Ani', 'Budi', 'Dewi', 'Rizky', 'Sari', 'Wayan'];
/** A rush comes and goes every 75 seconds of ours. */
const PLAN = { ...BUSY_QUARTER, speed: 12, rate: 0.2, customers: 3_000, chats: 10_000, forMs: 12 * 240_000 };

const scene = await openScene({ QISCUS_MAX_CUSTOMER: '3' });
const { sandbox, api } = scene;
const shoot = async (page: Page, name: string) => {
  await page.screenshot({ path: join(FOLDER, `${name}.png`) });
  await page.context().close();
  console.log(`${name}.png`);
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
  await Bun.sleep(200_000);

  const line = async () => ((await api.get('/queue?limit=1')).body.rooms as { room_id: string }[])[0]?.room_id;
  await until(line, { what: 'a room that waits', withinMs: 60_000 });
  const [board, phone, room] = await Promise.all([
    scene.open({ size: 'desktop', scheme: 'light' }),
    scene.open({ size: 'phone', scheme: 'dark' }),
    scene.open({ size: 'desktop', scheme: 'light' }),
  ]);
  for (const { page } of [board, phone, room]) await page.locator('#decisions li').nth(5).waitFor();
  await shoot(board.page, 'board-light');
  await shoot(phone.page, 'board-dark-phone');

  const roomId = await until(line, { what: 'a room that waits', withinMs: 60_000 });
  await room.page.goto(`${scene.url}/#/rooms/${roomId}`);
  await room.page.locator('#panel button.why').click();
  await room.page.locator('#panel table.candidates').waitFor();
  await shoot(room.page, 'room-why');
  ended.abort();
  await running;
} finally {
  await scene.stop();
}
