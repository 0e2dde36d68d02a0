/** The settings: the default limit, and the resolve webhook's URL. */
import { describe, expect, test } from 'bun:test';
import { ADMIN, closedTokens, WEBHOOK } from '../support/config';
import { memoryApp } from '../support/memory-app';

const MAX = '/api/v1/settings/max_customers';
const URL_SETTING = '/api/v1/settings/set_mark_as_resolved';

describe('max customers', () => {
  test('set and read back, word for word', async () => {
    const { desk, send } = memoryApp();
    expect(await (await send('GET', MAX)).json()).toEqual({ status: 'success', max_customers: 2 });
    const reply = await send('POST', MAX, { json: { max_customers: 5 } });
    expect([reply.status, await reply.json()]).toEqual([200, { status: 'success', max_customers: 5 }]);
    expect(desk.maxCustomers).toBe(5);
  });

  test.each([[1], [1000]])('%p is the edge, and in', async (max_customers) => {
    expect((await memoryApp().send('POST', MAX, { json: { max_customers } })).status).toBe(200);
  });

  test.each([['5'], [0], [-1], [1001], [1.5], [null], [true], [[5]], [{}], [undefined], [1e300]])(
    '%p is refused and changes nothing',
    async (max_customers) => {
      const { desk, send } = memoryApp();
      const reply = await send('POST', MAX, { json: { max_customers } });
      expect(reply.status).toBe(422);
      expect(await reply.json()).toMatchObject({ code: 'INVALID_BODY', message: expect.stringContaining('1 to 1000') });
      expect(desk.maxCustomers).toBe(2);
    },
  );
});

describe("the resolve webhook's URL", () => {
  const url = 'https://yourdomain.com/api/v1/webhook/mark_as_resolved';

  test('set at Qiscus, stored, read back', async () => {
    const { desk, qiscus, send } = memoryApp();
    expect(await (await send('GET', URL_SETTING)).json()).toEqual({ status: 'success', url: null, enabled: false });
    const reply = await send('POST', URL_SETTING, { json: { url } });
    expect([reply.status, await reply.json()]).toEqual([200, { status: 'success', url, enabled: true }]);
    expect(qiscus.urls).toEqual([url]);
    expect(desk.markAsResolved).toEqual({ url, enabled: true });
    const disabled = await send('POST', URL_SETTING, { json: { url, enable: false } });
    expect(await disabled.json()).toEqual({ status: 'success', url, enabled: false });
  });

  test('Qiscus refuses: 502, nothing stored, its reason in the log only', async () => {
    const { desk, logged, qiscus, send } = memoryApp();
    qiscus.accepts = false;
    const reply = await send('POST', URL_SETTING, { json: { url } });
    expect(reply.status).toBe(502);
    expect(await reply.json()).toMatchObject({ status: 'error', code: 'QISCUS_REFUSED' });
    expect(desk.markAsResolved).toBeNull();
    expect(logged.join()).toContain('status 403');
  });

  test('a URL that may not be set never reaches Qiscus', async () => {
    const { qiscus, send } = memoryApp();
    for (const json of [{ url: 'https://127.1/x' }, { url: 5 }, {}, { url, enable: 'yes' }]) {
      const reply = await send('POST', URL_SETTING, { json });
      expect(reply.status).toBe(422);
      expect(await reply.json()).toMatchObject({ code: 'INVALID_BODY' });
    }
    expect(qiscus.urls).toEqual([]);
  });

  test('[S20] the webhook token in it went to Qiscus, and lay in Redis too: masked for everybody else', async () => {
    const { desk, qiscus, send } = memoryApp(closedTokens);
    const headers = { authorization: `Bearer ${ADMIN}` };
    const reply = await send('POST', URL_SETTING, { json: { url: `${url}/${WEBHOOK}` }, headers });
    expect(await reply.json()).toMatchObject({ url: `${url}/***` });
    expect(await (await send('GET', URL_SETTING, { headers })).json()).toMatchObject({ url: `${url}/***` });
    expect(qiscus.urls).toEqual([`${url}/${WEBHOOK}`]);
    expect(desk.markAsResolved).toEqual({ url: `${url}/***`, enabled: true });
  });
});
