/** Which Qiscus app a request reaches, when the list of apps becomes another one while the request is on its way. */
import { expect, test } from 'bun:test';
import pino from 'pino';
import { Apps } from '../../src/apps/directory';
import { ADMIN, MemoryDesk, MemoryFeed, MemoryIntake, MemoryQiscus, memoryApp, testConfig } from '../support/desk';

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
