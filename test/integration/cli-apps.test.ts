/** The terminal's commands where one service has several Qiscus apps. */
import { expect, test } from 'bun:test';
import { examine } from '../../src/cli/doctor';
import { appsSuite } from '../support/apps-suite';
import { allocation, runFile } from '../support/cli';
import { ADMIN_TOKEN } from '../support/service';
import { until } from '../support/wait';

const { parts, start, allocate, stateOf } = appsSuite();

test("the operator's token says which app; an app's own needs not, and sees no other", async () => {
  await start();
  await allocate(parts.two.webhookToken, { room_id: 'b' });
  await until(async () => (await stateOf(parts.two, 'b')) === 'assigned', { what: 'the room assigned' });
  const PORT = new URL(parts.service.url ?? '').port;
  const all = { PORT, ADMIN_TOKEN };

  const unsaid = await allocation(['agents'], all);
  expect([unsaid.code, unsaid.out, unsaid.err]).toEqual([
    2,
    '',
    expect.stringContaining('say which with --app, one or two'),
  ]);
  expect((await allocation(['room', 'b', '--app', 'two'], all)).out).toContain('Room b  assigned');
  expect((await allocation(['room', 'b', '--app', 'one'], all)).code).toBe(1);
  expect((await allocation(['room', 'b'], { PORT, ADMIN_TOKEN: parts.two.adminToken })).out).toContain('assigned');
  expect((await allocation(['room', 'b', '--app', 'two'], { PORT, ADMIN_TOKEN: parts.one.adminToken })).code).toBe(2);
  expect((await allocation(['status', '--app', 'two'], all)).out).toContain('one room held');

  const exported = await runFile('src/cli/journal-export.ts', ['--app', 'two'], all);
  expect(exported.out).toContain('"room":"b"');
  expect((await runFile('src/cli/journal-export.ts', ['--app', 'one'], all)).out).not.toContain('"room":"b"');
});

test('the doctor asks each app at its own Qiscus', async () => {
  await start();
  const env = { ...parts.apps.env, PORT: new URL(parts.service.url ?? '').port, SECRET_two: 'another-secret' };
  const found = (await examine(env)).filter(({ area }) => area.startsWith('Qiscus'));
  expect(found.filter(({ area }) => area === 'Qiscus one')[0]).toMatchObject({ level: 'ok' });
  expect(found.filter(({ level }) => level === 'broken')).toEqual([
    expect.objectContaining({ area: 'Qiscus two', what: expect.stringContaining('refuses QISCUS_APP_ID') }),
  ]);
});
