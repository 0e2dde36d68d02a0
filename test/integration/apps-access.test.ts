/** Several Qiscus apps on one service: whose webhook it is, and who may see what. Real sandboxes, one for each app. */
import { describe, expect, test } from 'bun:test';
import { appsSuite } from '../support/apps-suite';
import { ask, type TestApp } from '../support/many-apps';
import { ADMIN_TOKEN, spawnService, WEBHOOK_TOKEN } from '../support/service';

const { parts, start, allocate, read, stateOf } = appsSuite();

/** Rooms that Qiscus gave to an agent of that app. */
const served = (app: TestApp) => app.sandbox.state().assigns.map(({ roomId }) => roomId);

describe('whose webhook it is', () => {
  test('the token says it, or the app_id; one that names another app is refused', async () => {
    await start();
    expect((await allocate(parts.one.webhookToken, { room_id: 'a' })).body.state).toBe('assigned');
    expect((await allocate(parts.two.webhookToken, { room_id: 'b', app_id: 'two', app_code: 'two' })).status).toBe(200);
    for (const body of [
      { room_id: 'x', app_id: 'two' },
      { room_id: 'x', app_id: 'one', app_code: 'two' },
    ])
      expect((await allocate(parts.one.webhookToken, body)).body).toMatchObject({ code: 'WRONG_APP' });
    expect((await allocate(WEBHOOK_TOKEN, { room_id: 'x' })).status).toBe(401);
    expect(served(parts.one)).toEqual(['a']);
    expect(served(parts.two)).toEqual(['b']);
    expect([await stateOf(parts.one, 'b'), await stateOf(parts.two, 'a')]).toEqual([undefined, undefined]);
  });

  test('apps may share a token: then the webhook has to say whose it is', async () => {
    await start({}, ({ apps: list, entryOf, write }) =>
      write(list.map((app) => ({ ...entryOf(app), WEBHOOK_TOKEN: { env: 'WEBHOOK_TOKEN' } }))),
    );
    expect((await allocate(WEBHOOK_TOKEN, { room_id: 'a', app_code: 'two' })).body.state).toBe('assigned');
    expect(served(parts.two)).toEqual(['a']);
    expect((await allocate(WEBHOOK_TOKEN, { room_id: 'a' })).body).toMatchObject({ code: 'INVALID_BODY' });
    expect((await allocate(WEBHOOK_TOKEN, { room_id: 'a', app_id: 'three' })).body).toMatchObject({
      code: 'WRONG_APP',
    });
  });

  test('who shares a token is told to the operator, without the token', async () => {
    await start({ ROLE: 'api' });
    const warned = async () => {
      const other = await spawnService({ ...parts.apps.env, LOG_LEVEL: 'warn' }, 'api');
      await other.kill('SIGTERM');
      for (const token of [WEBHOOK_TOKEN, parts.one.webhookToken]) expect(other.output()).not.toContain(token);
      return /"event":"token.shared","apps":(\[.*?\])/.exec(other.output())?.[1];
    };
    expect(await warned()).toBeUndefined();
    const [first, second] = parts.apps.apps.map(parts.apps.entryOf);
    parts.apps.write([first ?? {}, { ...second, WEBHOOK_TOKEN: first?.WEBHOOK_TOKEN }]);
    expect(await warned()).toBe('["one","two"]');
  });
});

test('an app’s token opens that app; the operator’s opens all, one at a time', async () => {
  await start();
  const max = '/settings/max_customers';
  const set = await ask(
    'POST',
    `${parts.service.url}/api/v1${max}`,
    { authorization: `Bearer ${parts.one.adminToken}` },
    { max_customers: 9 },
  );
  expect(set.status).toBe(200);
  expect((await read(max, parts.one.adminToken)).body.max_customers).toBe(9);
  expect((await read(max, parts.two.adminToken)).body.max_customers).toBe(2);
  expect((await read('/apps', parts.one.adminToken)).body.apps).toEqual([{ app_id: 'one' }]);
  expect((await read(max, parts.one.adminToken, { 'x-app-id': 'two' })).body).toMatchObject({ code: 'APP_UNKNOWN' });
  expect((await read('/apps', ADMIN_TOKEN)).body.apps).toEqual([{ app_id: 'one' }, { app_id: 'two' }]);
  expect((await read(max, ADMIN_TOKEN)).body).toMatchObject({ code: 'APP_UNKNOWN' });
  expect((await read(max, ADMIN_TOKEN, { 'x-app-id': 'one' })).body.max_customers).toBe(9);
  const basic = (user: string) => ({ authorization: `Basic ${btoa(`${user}:${ADMIN_TOKEN}`)}` });
  expect((await ask('GET', `${parts.service.url}/api/v1${max}`, basic('two'))).body.max_customers).toBe(2);
  expect((await ask('GET', `${parts.service.url}/api/v1${max}`, basic('anybody'))).status).toBe(404);
  const named = async (user: string) => (await ask('GET', `${parts.service.url}/api/v1/apps`, basic(user))).body.named;
  expect([await named('two'), await named('anybody')]).toEqual(['two', null]);
  const metrics = await fetch(`${parts.service.url}/metrics`, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
  expect(await metrics.text()).toContain('caa_waiting_rooms{app="one"} 0');
  expect(
    (await fetch(`${parts.service.url}/metrics`, { headers: { authorization: `Bearer ${parts.one.adminToken}` } }))
      .status,
  ).toBe(401);
});

test('apps without an admin token of their own: the operator’s opens each of them', async () => {
  await start({}, ({ apps: list, entryOf, write }) =>
    write(list.map((app) => ({ ...entryOf(app), ADMIN_TOKEN: undefined }))),
  );
  const max = '/settings/max_customers';
  expect((await read('/apps', ADMIN_TOKEN)).body.apps).toEqual([{ app_id: 'one' }, { app_id: 'two' }]);
  for (const id of ['one', 'two']) expect((await read(max, ADMIN_TOKEN, { 'x-app-id': id })).status).toBe(200);
});

test('failed requests are counted for their app; those of nobody, or of nobody knows whom, for none', async () => {
  await start({}, ({ apps: list, entryOf, write }) =>
    write(list.map((app) => ({ ...entryOf(app), WEBHOOK_TOKEN: { env: 'WEBHOOK_TOKEN' }, WEBHOOKS_PER_SECOND: 10 }))),
  );
  await read('/rooms/none', parts.one.adminToken);
  await read('/rooms/none', ADMIN_TOKEN, { 'x-app-id': 'two' });
  await read('/rooms/none', ADMIN_TOKEN);
  await read('/rooms/none', 'no-token-of-anybody-at-all');
  await allocate(WEBHOOK_TOKEN, { room_id: 'x', app_id: 'three' });
  // Only its body says whose it is.
  await Promise.all(Array.from({ length: 40 }, (_, i) => allocate(WEBHOOK_TOKEN, { room_id: `r${i}`, app_id: 'two' })));
  const metrics = await fetch(`${parts.service.url}/metrics`, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
  const counted = (await metrics.text()).matchAll(/^caa_http_errors_total\{(.*)\} [1-9]/gm).map(([, labels]) => labels);
  expect(counted.toArray().sort()).toEqual([
    'app="one",code="ROOM_UNKNOWN"',
    'app="two",code="ROOM_UNKNOWN"',
    'app="two",code="TOO_MANY_WEBHOOKS"',
    'code="APP_UNKNOWN"',
    'code="UNAUTHORIZED"',
    'code="WRONG_APP"',
  ]);
});
