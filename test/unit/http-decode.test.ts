/** Decoding of webhooks: every payload that Qiscus is known to send, and the ones that it sends to the wrong place. */
import { describe, expect, test } from 'bun:test';
import { appsNamed, decodeAllocation, decodeResolved, withAgentThere } from '../../src/http/webhook/decode';
import type { Webhook } from '../../src/ledger/model';

const fixture = (name: string): Promise<Record<string, unknown>> =>
  Bun.file(new URL(`../fixtures/${name}.json`, import.meta.url)).json();

const code = (decode: () => unknown) => {
  try {
    decode();
  } catch (error) {
    return Reflect.get(Object(error), 'code');
  }
  return 'none';
};

const allocation = (rest: Partial<Extract<Webhook, { kind: 'allocation' }>>): Webhook => ({
  kind: 'allocation',
  roomId: '1',
  channelId: null,
  source: null,
  customerName: null,
  finishedService: null,
  ...rest,
});

describe('allocation', () => {
  test('the simple payload of the documentation', () => {
    const body = { room_id: '12345', message: 'Hello, I need help!', customer_id: '67890' };
    expect(decodeAllocation(body)).toEqual(allocation({ roomId: '12345' }));
  });

  test('2019, with a finished service', async () => {
    expect(decodeAllocation(await fixture('webhook-caa-documented-2019'))).toEqual(
      allocation({ roomId: '1905692', source: 'qiscus', customerName: 'sudah', finishedService: 244 }),
    );
  });

  test('2024, latest_service null: none is finished yet', async () => {
    expect(decodeAllocation(await fixture('webhook-caa-real-2024-candidate-null'))).toEqual(
      allocation({ roomId: '273683234', source: 'qiscus', customerName: 'cust1', finishedService: 0 }),
    );
  });

  test('2025, with a channel', async () => {
    const body = await fixture('webhook-caa-documented-2025-channel-completed');
    expect(decodeAllocation(body)).toEqual(
      allocation({ roomId: '123', channelId: '123', source: 'wa', customerName: 'Harpi', finishedService: 0 }),
    );
  });

  test('[S26 S29] never keeps e-mail, avatar or agent keys', async () => {
    const body = await fixture('webhook-caa-documented-2019');
    const kept = JSON.stringify(decodeAllocation(body));
    for (const secret of ['sudah@gmail.com', 'DUMMY_AUTHENTICATION_TOKEN', 'NZTGb', 'https://']) {
      expect(kept).not.toContain(secret);
    }
  });

  test.each([
    ['text', '12-a_Z', '12-a_Z'],
    ['number', 12345, '12345'],
    ['largest safe number', Number.MAX_SAFE_INTEGER, '9007199254740991'],
    ['zero', 0, '0'],
  ])('[F10] room_id as %s', (_, room_id, roomId) => {
    expect(decodeAllocation({ room_id })).toEqual(allocation({ roomId }));
  });

  test.each([
    ['missing', undefined],
    ['null', null],
    ['empty', ''],
    ['65 characters', 'a'.repeat(65)],
    ['with a space', '1 2'],
    ['with a brace', '{1}'],
    ['with a line end', '1\n'],
    ['beyond 2^53', JSON.parse('90071992547409931')],
    ['negative', -1],
    ['fraction', 1.5],
    ['true', true],
    ['array', ['1']],
    ['object', { id: 1 }],
  ])('[F10 S34] room_id %s is refused', (_, room_id) => {
    expect(code(() => decodeAllocation({ room_id }))).toBe('INVALID_BODY');
  });

  test.each([[null], [[]], ['text'], [1]])('a body that is no object is refused: %p', (body) => {
    expect(code(() => decodeAllocation(body))).toBe('INVALID_BODY');
  });

  test.each([
    ['absent', undefined, null],
    ['null', null, 0],
    ['resolved', { id: 7, is_resolved: true }, 7],
    ['without is_resolved', { id: 7 }, 7],
    ['id in digits', { id: '7', is_resolved: true }, 7],
    ['unresolved', { id: 7, is_resolved: false }, null],
    ['a text', '7', null],
    ['a number', 7, null],
    ['an array', [7], null],
    ['without id', { is_resolved: true }, null],
    ['id beyond 2^53', { id: JSON.parse('90071992547409931') }, null],
    ['id beyond 2^53 in digits', { id: '9007199254740993' }, null],
    ['id a word', { id: 'x' }, null],
    ['id negative', { id: -1 }, null],
  ])('latest_service %s', (_, latest_service, finishedService) => {
    expect(decodeAllocation({ room_id: '1', latest_service })).toEqual(allocation({ finishedService }));
  });

  test.each([
    ['number', { id: 123 }, '123'],
    ['text', { id: 'wa-1' }, 'wa-1'],
    ['null', null, null],
    ['null id', { id: null }, null],
    ['odd id', { id: 'a b' }, null],
    ['a text', '123', null],
  ])('channel %s', (_, channel, channelId) => {
    expect(decodeAllocation({ room_id: '1', channel })).toEqual(allocation({ channelId }));
  });

  test.each([
    ['trimmed', '  Harpi ', 'Harpi'],
    ['control characters', 'Har\u0000p\ni\u009f', 'Harpi'],
    ['64 characters', 'x'.repeat(100), 'x'.repeat(64)],
    ['whole characters', '😀'.repeat(100), '😀'.repeat(64)],
    ['blank', ' \t', null],
    ['no text', 5, null],
  ])('[S39] customer name: %s', (_, name, customerName) => {
    expect(decodeAllocation({ room_id: '1', name })).toEqual(allocation({ customerName }));
  });

  test('the app that it names, by code or by id, twice or not at all', () => {
    expect(appsNamed({ app_id: 'one', app_code: 'two' })).toEqual(['one', 'two']);
    expect(appsNamed({ app_id: null, app_code: 5 })).toEqual([5]);
    expect(appsNamed({ room_id: '1' })).toEqual([]);
    expect(appsNamed('text')).toEqual([]);
  });
});

describe('resolved', () => {
  test('the simple payload of the documentation', () => {
    expect(decodeResolved({ room_id: '12345', agent_id: 'agent_01' })).toEqual({
      kind: 'resolved',
      roomId: '12345',
      finishedService: null,
      claimedAgentId: 'agent_01',
    });
  });

  test.each([
    ['webhook-mar-real-2024-by-admin-notes-string', '274083256', 115830865],
    ['webhook-mar-shape-2025-app-code-channel', '123', 237788],
  ])('%s', async (name, roomId, finishedService) => {
    expect(decodeResolved(await fixture(name))).toEqual({
      kind: 'resolved',
      roomId,
      finishedService,
      claimedAgentId: null,
    });
  });

  test('an odd agent_id is not an error: it is only noted', () => {
    const webhook = decodeResolved({ room_id: 5, agent_id: { no: 1 } });
    expect(webhook).toEqual({ kind: 'resolved', roomId: '5', finishedService: null, claimedAgentId: null });
  });

  test('service without a room is refused', () => {
    expect(code(() => decodeResolved({ service: { id: 1 }, resolved_by: {} }))).toBe('INVALID_BODY');
  });
});

describe('another webhook at this address is named', () => {
  const button = {
    additional_info: [],
    agent: { email: 'agent@example.com', name: 'Agent', type: 'agent' },
    channel_id: 1,
    channel_name: 'web',
    channel_type: 'qiscus',
    customer: { avatar: '', name: 'Harpi', user_id: 'customer@example.com' },
    notes: '',
    room_id: 123,
    tag: [],
  };

  test.each([
    ['webhook-bot-real-2021', 'bot'],
    ['webhook-bot-documented-2025', 'bot'],
    ['webhook-new-session-documented-2022', 'new-session'],
    ['webhook-mar-real-2024-by-admin-notes-string', 'mark-as-resolved'],
    ['webhook-mar-shape-2025-app-code-channel', 'mark-as-resolved'],
  ])('%s at the allocation URL', async (name, named) => {
    const body = await fixture(name);
    expect(() => decodeAllocation(body)).toThrow(named);
    expect(code(() => decodeAllocation(body))).toBe('WRONG_WEBHOOK');
  });

  test('a resolve payload that does not say who resolved, at the allocation URL', () => {
    const body = { customer: {}, service: { id: 5, room_id: '1', is_resolved: true } };
    expect(code(() => decodeAllocation(body))).toBe('WRONG_WEBHOOK');
  });

  test('an unknown field `service` does not make an allocation a resolve', () => {
    expect(decodeAllocation({ room_id: '1', service: { id: 5 } })).toEqual(allocation({ roomId: '1' }));
  });

  test.each([
    ['webhook-bot-real-2021', 'bot'],
    ['webhook-bot-documented-2025', 'bot'],
    ['webhook-new-session-documented-2022', 'new-session'],
    ['webhook-caa-documented-2019', 'agent-allocation'],
    ['webhook-caa-real-2024-candidate-null', 'agent-allocation'],
    ['webhook-caa-documented-2025-channel-completed', 'agent-allocation'],
  ])('%s at the resolve URL', async (name, named) => {
    const body = await fixture(name);
    expect(() => decodeResolved(body)).toThrow(named);
    expect(code(() => decodeResolved(body))).toBe('WRONG_WEBHOOK');
  });

  test('custom button, although it has a room_id', () => {
    expect(() => decodeAllocation(button)).toThrow('custom-button');
    expect(() => decodeResolved(button)).toThrow('custom-button');
  });

  test('the simple payloads, exchanged', () => {
    expect(code(() => decodeAllocation({ room_id: '1', agent_id: 'agent_01' }))).toBe('WRONG_WEBHOOK');
    expect(code(() => decodeResolved({ room_id: '1', message: 'x', customer_id: '2' }))).toBe('WRONG_WEBHOOK');
  });

  test('unknown fields are ignored', () => {
    const body = { room_id: '1', message: 'x', tag: 'vip', agent_id: 'a', anything: { deep: [1] } };
    expect(decodeAllocation(body)).toEqual(allocation({}));
  });
});

describe('in a dry run', () => {
  const named = async (name: string) => {
    const body = await fixture(name);
    const decode = name.includes('-mar-') ? decodeResolved : decodeAllocation;
    return withAgentThere(decode(body), body);
  };

  test('an allocation says whom Qiscus would pick, or nobody', async () => {
    const { candidate_agent } = (await fixture('webhook-caa-documented-2019')) as { candidate_agent: { id: number } };
    expect(await named('webhook-caa-documented-2019')).toMatchObject({ candidateAgentId: String(candidate_agent.id) });
    expect(await named('webhook-caa-real-2024-candidate-null')).toMatchObject({ candidateAgentId: null });
  });

  test.each<[string, unknown, string | null]>([
    ['an agent', { id: 150851, type: 'agent', name: 'Agent' }, '150851'],
    ['an admin', { id: 162787, type: 'admin' }, null],
    ['a supervisor', { id: 162787, type: 'supervisor' }, null],
    ['nobody who can be read', { id: { no: 1 }, type: 'agent' }, null],
    ['a text', 'agent', null],
  ])('a resolve says who pressed the button when that was %s', (_, by, claimedAgentId) => {
    const body = { service: { id: 1, room_id: '5' }, resolved_by: by };
    expect(withAgentThere(decodeResolved(body), body)).toMatchObject({ roomId: '5', claimedAgentId });
  });
});
