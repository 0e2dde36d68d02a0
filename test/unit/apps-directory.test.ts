/** Which Qiscus app a request reaches, when the list of apps becomes another one while the request is on its way. */
import { describe, expect, test } from 'bun:test';
import pino from 'pino';
import { Apps } from '../../src/apps/directory';
import { ADMIN, testConfig } from '../support/config';
import { MemoryDesk } from '../support/desk';
import { MemoryFeed, MemoryIntake, MemoryQiscus, memoryApp } from '../support/memory-app';

const OPERATOR = 'operator-token-0123456789';

function appOf(id: string, token: string) {
  const config = testConfig((one) => {
    one.qiscus.appId = id;
    one.qiscus.checkAppId = true;
    one.tokens = { webhook: [token], admin: [token], metrics: [] };
  });
  const parts = {
    desk: new MemoryDesk(),
    intake: new MemoryIntake(),
    feed: new MemoryFeed(),
    qiscus: new MemoryQiscus(),
  };
  return {
    id,
    config,
    ...parts,
    logger: pino({ level: 'silent' }),
    isNearlyFull: () => false,
    gone: new AbortController().signal,
  };
}

/** Sends a change of the limit whose body ends only after the list has become `after`. */
async function change(before: ReturnType<typeof appOf>[], after: ReturnType<typeof appOf>[], token: string) {
  const config = testConfig((one) => {
    one.tokens = { webhook: [], admin: [OPERATOR], metrics: [] };
    one.apps = before.map((app) => app.config);
  });
  const apps = new Apps(config);
  apps.set(before);
  const { send } = memoryApp(() => {}, { config, apps });
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        apps.set(after);
        controller.enqueue(new TextEncoder().encode('{"max_customers": 9}'));
        controller.close();
      },
    },
    { highWaterMark: 0 },
  );
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
  return (await send('POST', '/api/v1/settings/max_customers', { headers, body })).status;
}

test('an app goes while its request is on its way: the request does not reach the only one that is left', async () => {
  const [mine, other] = [appOf('mine', ADMIN), appOf('other', 'other-token-0123456789abc')];
  expect(await change([mine, other], [other], ADMIN)).toBe(200);
  expect([mine.desk.maxCustomers, other.desk.maxCustomers]).toEqual([9, 2]);
});

test('an app comes while the request of the only one is on its way: it is still that one’s', async () => {
  const [mine, other] = [appOf('mine', ADMIN), appOf('other', 'other-token-0123456789abc')];
  expect(await change([mine], [other, mine], ADMIN)).toBe(200);
  expect([mine.desk.maxCustomers, other.desk.maxCustomers]).toEqual([9, 2]);
});

describe('an app of the list that does not run here', () => {
  const token = 'the-token-of-both-apps-0123';
  function both() {
    const [mine, other] = [appOf('mine', token), appOf('other', token)];
    const config = testConfig((one) => {
      one.tokens = { webhook: [], admin: [OPERATOR], metrics: [] };
      one.apps = [mine.config, other.config];
    });
    const apps = new Apps(config);
    apps.set([mine], [other.config]);
    return { mine, ...memoryApp(() => {}, { config, apps }) };
  }
  const MAX = '/api/v1/settings/max_customers';
  const basic = (user: string, password: string) => ({ authorization: `Basic ${btoa(`${user}:${password}`)}` });

  test('is refused like a store that is away, and nothing of it reaches the one that runs', async () => {
    const { mine, send } = both();
    const json = { room_id: '1', app_id: 'other' };
    const headers = { 'x-webhook-token': token };
    expect((await send('POST', '/api/v1/webhook/agent_allocation', { headers, json })).status).toBe(503);
    expect((await send('POST', '/api/v1/webhook/agent_allocation', { headers, json: { room_id: '1' } })).status).toBe(
      422,
    );
    for (const caller of [basic('other', OPERATOR), { authorization: `Bearer ${OPERATOR}`, 'x-app-id': 'other' }])
      expect((await send('POST', MAX, { headers: caller, json: { max_customers: 9 } })).status).toBe(503);
    expect(mine.desk.maxCustomers).toBe(2);
    expect(mine.intake.submitted).toEqual([]);
    const ready = await send('GET', '/health/ready', { headers: basic('', OPERATOR) });
    expect(await ready.json()).toMatchObject({
      status: 'success',
      warnings: ['apps'],
      apps: { served: 2, failing: { other: ['start'] } },
    });
  });

  test('the user name of another app reaches nothing with a token that does not open it; any other name does', async () => {
    const [mine, other] = [appOf('mine', ADMIN), appOf('other', 'other-token-0123456789abc')];
    const config = testConfig((one) => {
      one.tokens = { webhook: [], admin: [OPERATOR], metrics: [] };
      one.apps = [mine.config, other.config];
    });
    const apps = new Apps(config);
    apps.set([mine, other]);
    const { send } = memoryApp(() => {}, { config, apps });
    expect((await send('GET', MAX, { headers: basic('other', ADMIN) })).status).toBe(404);
    expect((await send('GET', MAX, { headers: basic('mine', ADMIN) })).status).toBe(200);
    expect((await send('GET', MAX, { headers: basic('anybody', ADMIN) })).status).toBe(200);
    const page = await send('GET', '/', { headers: basic('anybody', OPERATOR) });
    expect([page.status, page.headers.get('www-authenticate')?.slice(0, 5)]).toEqual([401, 'Basic']);
    expect((await send('GET', '/', { headers: basic('other', OPERATOR) })).status).toBe(200);
  });
});
