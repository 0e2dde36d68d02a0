/** The webhooks' replies: every state as documented, the tokens, and what is handed to the intake. */
import { describe, expect, test } from 'bun:test';
import { ServiceError } from '../../src/errors';
import type { Outcome } from '../../src/ledger/model';
import { closedTokens, WEBHOOK } from '../support/config';
import { memoryApp } from '../support/memory-app';

const ALLOCATE = '/api/v1/webhook/agent_allocation';
const RESOLVE = '/api/v1/webhook/mark_as_resolved';
const simple = { room_id: '12345', message: 'Hello, I need help!', customer_id: '67890' };
const entry = '1763842000000-0';

describe('allocation replies', () => {
  const table: [Outcome, number, Record<string, unknown>][] = [
    [{ state: 'assigned', entry, agentId: 'agent_01' }, 200, { agent_id: 'agent_01' }],
    [{ state: 'reserved', entry, agentId: 'agent_01' }, 202, { agent_id: 'agent_01' }],
    [{ state: 'waiting', entry, position: 3 }, 202, { agent_id: null, position: 3 }],
    [{ state: 'parked', entry }, 202, { agent_id: null }],
    [{ state: 'accepted', entry }, 202, { agent_id: null }],
    [{ state: 'resolved', entry }, 200, { agent_id: null }],
  ];
  test.each(table)('%p', async (outcome, status, rest) => {
    const { intake, send } = memoryApp();
    intake.outcome = () => outcome;
    const reply = await send('POST', ALLOCATE, { json: simple });
    expect(reply.status).toBe(status);
    expect(await reply.json()).toEqual({ status: 'success', state: outcome.state, entry, ...rest });
  });

  test('the intake gets the webhook, the wait, and the request id of the reply', async () => {
    const { intake, send } = memoryApp((config) => {
      config.http.webhookWaitMs = 0;
    });
    const first = await send('POST', ALLOCATE, { json: simple });
    const second = await send('POST', ALLOCATE, { json: simple });
    expect(intake.submitted.map(({ request }) => request)).toEqual([
      first.headers.get('x-request-id') ?? '',
      second.headers.get('x-request-id') ?? '',
    ]);
    expect(intake.submitted[0]?.request).not.toBe(intake.submitted[1]?.request ?? '');
    expect(intake.submitted[0]?.waitMs).toBe(0);
    expect(intake.submitted[0]?.webhook).toMatchObject({ kind: 'allocation', roomId: '12345' });
  });
});

describe('resolve replies', () => {
  const table: [Outcome['state'], string][] = [
    ['released', 'released'],
    ['not_held', 'not_held'],
    ['accepted', 'accepted'],
  ];
  test.each(table)('%s', async (state, told) => {
    const { intake, send } = memoryApp();
    intake.outcome = () => ({ state, entry }) as Outcome;
    const reply = await send('POST', RESOLVE, { json: { room_id: '12345', agent_id: 'agent_01' } });
    expect(reply.status).toBe(200);
    expect(await reply.json()).toEqual({ status: 'success', message: 'Room marked as resolved.', state: told });
  });
});

test('what could not be stored is a 503 that says when to come back', async () => {
  const { intake, send } = memoryApp();
  intake.submit = async () => {
    throw new ServiceError('STORE_UNAVAILABLE', 'Redis does not answer.');
  };
  for (const path of [ALLOCATE, RESOLVE]) {
    const reply = await send('POST', path, { json: { room_id: '1' } });
    expect(reply.status).toBe(503);
    expect(reply.headers.get('retry-after')).toBe('1');
    expect(await reply.json()).toMatchObject({ status: 'error', code: 'STORE_UNAVAILABLE' });
  }
});

test("another app's webhook is refused, unless any app is accepted", async () => {
  const foreign = { ...simple, app_id: 'theirs' };
  const checked = memoryApp((config) => {
    config.qiscus.checkAppId = true;
  });
  const refused = await checked.send('POST', ALLOCATE, { json: foreign });
  expect(refused.status).toBe(403);
  expect(await refused.json()).toMatchObject({ code: 'WRONG_APP' });
  expect(checked.intake.submitted).toEqual([]);
  expect((await checked.send('POST', ALLOCATE, { json: { ...simple, app_id: 'kovof-123' } })).status).toBe(200);
  expect((await memoryApp().send('POST', ALLOCATE, { json: foreign })).status).toBe(200);
});

describe('tokens', () => {
  const second = 'webhook-token-webhook-token-2';
  const encoded = encodeURIComponent(WEBHOOK);
  const table: [string, string, Record<string, string>, number][] = [
    ['none', '', {}, 401],
    ['header', '', { 'x-webhook-token': WEBHOOK }, 200],
    ['header, the other of two', '', { 'x-webhook-token': second }, 200],
    ['query', `?token=${encoded}`, {}, 200],
    ['query among others', `?a=1&token=${encoded}&b=2`, {}, 200],
    ['path', `/${encoded}`, {}, 200],
    ['path with a closing slash', '/', {}, 401],
    ['all three', `/${WEBHOOK}?token=${second}`, { 'x-webhook-token': WEBHOOK }, 200],
    ['wrong header', '', { 'x-webhook-token': 'wrong' }, 401],
    ['empty header', '', { 'x-webhook-token': '' }, 401],
    ['prefix', `?token=${WEBHOOK.slice(0, -1)}`, {}, 401],
    ['longer', `?token=${WEBHOOK}x`, {}, 401],
    ['empty query', '?token=', {}, 401],
    ['wrong header beside a right query', `?token=${WEBHOOK}`, { 'x-webhook-token': 'wrong' }, 401],
    ['wrong query beside a right header', '?token=wrong', { 'x-webhook-token': WEBHOOK }, 401],
    ['wrong second query', `?token=${WEBHOOK}&token=wrong`, {}, 401],
    ['wrong path beside a right header', '/wrong', { 'x-webhook-token': WEBHOOK }, 401],
    ['broken escape', '/%zz', {}, 401],
    ['bearer does not count', '', { authorization: `Bearer ${WEBHOOK}` }, 401],
  ];
  for (const path of [ALLOCATE, RESOLVE]) {
    test.each(table)(`[S01 S04 S08] ${path}: %s`, async (_, suffix, headers, status) => {
      const { intake, send } = memoryApp(closedTokens);
      const reply = await send('POST', path + suffix, { json: { room_id: '1' }, headers });
      expect(reply.status).toBe(status);
      expect(intake.submitted.length).toBe(status === 200 ? 1 : 0);
      if (status === 401) expect(await reply.json()).toMatchObject({ status: 'error', code: 'UNAUTHORIZED' });
    });
  }

  test('no token configured: the door is open, also on the path with a segment', async () => {
    const { send } = memoryApp();
    expect((await send('POST', `${ALLOCATE}/anything`, { json: simple })).status).toBe(200);
  });

  test('[S01 S09] a token is checked before the body is read', async () => {
    const { send } = memoryApp(closedTokens);
    let pulled = false;
    const body = new ReadableStream(
      {
        pull(controller) {
          pulled = true;
          controller.close();
        },
      },
      { highWaterMark: 0 },
    );
    expect((await send('POST', ALLOCATE, { body, headers: { 'content-type': 'application/json' } })).status).toBe(401);
    expect(pulled).toBe(false);
  });
});
