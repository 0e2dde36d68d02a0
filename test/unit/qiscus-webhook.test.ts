/** The resolve webhook, set over real HTTP: logins, refusals, patience. */
import { describe, expect, test } from 'bun:test';
import { dropped, fixture, json, never, qiscusSuite, SECRET, type Seen } from '../support/qiscus-server';

const { connect } = qiscusSuite();

describe('the resolve webhook', () => {
  const URL_SET = 'https://router.example.com/api/v1/webhook/mark_as_resolved';
  const admin = { email: 'admin@example.com', password: 'the-password' };
  const stored = { data: { mark_as_resolved_webhook_url: URL_SET, is_mark_as_resolved_webhook_enabled: true } };
  const isLogin = (call: Seen) => call.path === '/api/v1/auth';
  const login = (token: string) => json({ data: { user: { authentication_token: token } } });

  test('logs in, sets with the admin token alone, answers what Qiscus stored', async () => {
    const { client, seen } = connect(
      async (call) => json(await fixture(isLogin(call) ? 'api-auth.json' : 'api-set-webhook-mark-as-resolved.json')),
      admin,
    );
    const expected = { kind: 'set', url: 'https://example.com/webhook/resolved', enabled: true } as const;
    expect(await client.setResolveWebhook(URL_SET, true)).toEqual(expected);
    const [auth, set] = seen;
    expect(JSON.parse(auth?.body ?? '')).toEqual(admin);
    expect(auth?.headers.get('qiscus-secret-key')).toBeNull();
    expect(set?.path).toBe('/api/v1/app/webhook/mark_as_resolved');
    expect(set?.headers.get('authorization')).toBe('DUMMY_AUTHENTICATION_TOKEN');
    expect(set?.headers.get('qiscus-app-id')).toBe('app-1');
    expect(set?.headers.get('qiscus-secret-key')).toBeNull();
    const form = await new Response(set?.body, {
      headers: { 'content-type': set?.headers.get('content-type') ?? '' },
    }).formData();
    expect(Object.fromEntries(form)).toEqual({ webhook_url: URL_SET, is_webhook_enabled: 'true' });
  });

  test('keeps the token, and logs in once more when it is no longer taken', async () => {
    let logins = 0;
    let valid = 'token-1';
    const { client, seen } = connect((call) => {
      if (isLogin(call)) return login(`token-${++logins}`);
      return call.headers.get('authorization') === valid ? json(stored) : json({}, 401);
    }, admin);
    await client.setResolveWebhook(URL_SET, true);
    await client.setResolveWebhook(URL_SET, true);
    expect(logins).toBe(1);
    valid = 'token-2';
    expect((await client.setResolveWebhook(URL_SET, true)).kind).toBe('set');
    expect(logins).toBe(2);
    valid = 'none';
    seen.length = 0;
    expect(await client.setResolveWebhook(URL_SET, true)).toEqual({ kind: 'refused', reason: 'status 401' });
    expect(seen.map(isLogin)).toEqual([false, true, false]);
  });

  test('without a login the app secret is tried', async () => {
    const { client, seen } = connect(() => json(stored));
    expect((await client.setResolveWebhook(URL_SET, false)).kind).toBe('set');
    expect(seen).toHaveLength(1);
    expect(seen[0]?.headers.get('qiscus-secret-key')).toBe(SECRET);
  });

  test.each([400, 401, 404, 422, 429])('%i is a no, at once', async (status) => {
    const { client, seen } = connect(() => json(stored, status));
    expect(await client.setResolveWebhook(URL_SET, true)).toEqual({ kind: 'refused', reason: `status ${status}` });
    expect(seen).toHaveLength(1);
  });

  test('a wrong password is a no', async () => {
    const { client } = connect((call) => (isLogin(call) ? json({}, 401) : json(stored)), admin);
    expect(await client.setResolveWebhook(URL_SET, true)).toEqual({ kind: 'refused', reason: 'status 401' });
  });

  test('the other webhook of the record is not taken for ours', async () => {
    const data = { allocate_agent_webhook_url: URL_SET, is_allocate_agent_webhook_enabled: true };
    const { client } = connect(() => json({ data }));
    expect(await client.setResolveWebhook(URL_SET, true)).toEqual({ kind: 'refused', reason: 'unreadable answer' });
  });

  test.each([
    ['5xx', () => json({}, 503)],
    ['a reset', dropped],
    ['silence', never],
  ] as const)('%s is tried again', async (_, behave) => {
    const { client, seen } = connect((_call, nth) => (nth === 1 ? behave() : json(stored)), { timeoutMs: 1_000 });
    expect((await client.setResolveWebhook(URL_SET, true)).kind).toBe('set');
    expect(seen).toHaveLength(2);
  });

  test('gives up in time', async () => {
    const { client, seen } = connect(() => json({}, 503), { settingPatienceMs: 2_000 });
    expect(await client.setResolveWebhook(URL_SET, true)).toEqual({ kind: 'refused', reason: 'status 503' });
    // The pauses double from 200 ms: there is no room for more.
    expect(seen.length).toBeWithin(2, 5);
  });
});
