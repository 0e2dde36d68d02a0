/** The commands of the terminal against a real service: words, JSON, and what they say when something is wrong. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { clean } from '../../src/cli/screen';
import type { Sandbox } from '../../src/qiscus/sandbox';
import type { Service } from '../../src/service';
import { allocation } from '../support/cli';
import { startTestRedis, type TestRedis } from '../support/redis';
import {
  ADMIN_TOKEN,
  caller,
  environment,
  startTestSandbox,
  startTestService,
  WEBHOOK_TOKEN,
} from '../support/service';
import { until } from '../support/wait';

/** Moves the cursor, sets the title, and turns the direction of what follows. */
const HOSTILE = '\u001b[2J\u001b]0;owned\u0007Budi\u202e\u009b31m';

let redis: TestRedis;
let sandbox: Sandbox;
let service: Service;
let env: Record<string, string>;
let api: ReturnType<typeof caller>;
beforeAll(async () => {
  redis = await startTestRedis();
  sandbox = await startTestSandbox();
  for (const { id } of sandbox.agents.list()) if (id !== 'agent_01') sandbox.agents.remove(id);
  sandbox.agents.change('agent_01', { name: HOSTILE });
  service = await startTestService(environment(redis.url, sandbox.url, { QISCUS_MAX_CUSTOMER: '1' }));
  sandbox.setDelivery({ baseUrl: service.url ?? '', webhookToken: WEBHOOK_TOKEN });
  env = { PORT: new URL(service.url ?? '').port, ADMIN_TOKEN };
  api = caller(service.url ?? '');
  await until(async () => ((await api.get('/agents')).body.agents as unknown[]).length === 1, { what: 'the agent' });
  await sandbox.rooms.create({ roomId: 'first', customerName: HOSTILE });
  await until(async () => (await api.room('first')).state === 'assigned', { what: 'the first room assigned' });
  for (const roomId of ['second', 'third']) await sandbox.rooms.create({ roomId });
  await until(async () => (await api.get('/queue')).body.total === 2, { what: 'two rooms in line' });
});
afterAll(async () => {
  await service.stop();
  await sandbox.stop();
  await redis.stop();
});

/** Nothing in it but text and line ends. */
const UNSEEN = /(?!\n)[\p{Cc}\p{Cf}]/u;

describe('for people', () => {
  test.each([
    [['status'], ['ready', '2 rooms in line', '1: 1 online', 'one room an agent', 'Qiscus']],
    [['queue'], ['second', 'third', 'WAITS']],
    [
      ['queue', '--limit', '1'],
      ['second', '… and one room more.'],
    ],
    [['agents'], ['agent_01', 'Budi', 'online', '1/1', '##########']],
    [
      ['room', 'first'],
      ['Room first', 'assigned', 'customer', 'Budi', 'Given to agent_01 (lowest load, 0 of 1; nobody else was free)'],
    ],
    [
      ['room', 'third'],
      ['waiting', '2 among those without a channel'],
    ],
    [
      ['why', 'second'],
      ['Everybody who may serve it is at the limit', 'one agent: 1 full', 'is at the limit', '1/1'],
    ],
    [
      ['why', 'third'],
      ['one agent: 1 full; one older room among those without a channel', 'agent_01'],
    ],
    [
      ['agent', 'agent_01', '--since', '2h'],
      ['Agent agent_01', 'Budi', '1 of 1', 'Got one chat; of one decision since', 'got it', '0/1'],
    ],
    [
      ['why', 'first'],
      ['(agent_01) has it.', 'Qiscus gave it to '],
    ],
  ])('%j', async (args, words) => {
    const { code, out, err } = await allocation(args, env);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    for (const word of words) expect(out).toContain(word);
    expect(out).not.toMatch(UNSEEN);
  });

  test('where the service is, by --url', async () => {
    const { code, out } = await allocation(['status', '--url', `${service.url}/`], { ADMIN_TOKEN });
    expect([code, out.includes('ready')]).toEqual([0, true]);
  });
});

describe('for programs: one document, the values of the API', () => {
  test.each([
    [['queue', '--json'], '/queue?limit=100'],
    [['agents', '--json'], '/agents'],
    [['room', 'first', '--json'], '/rooms/first'],
  ])('%j', async (args, path) => {
    const { code, out } = await allocation(args, env);
    expect(code).toBe(0);
    expect(out).not.toMatch(UNSEEN);
    expect(JSON.parse(out)).toEqual((await api.get(path)).body);
  });

  test("agent: the agent, and the API's page of decisions", async () => {
    const since = String(Date.now() - 3_600_000);
    const said = JSON.parse((await allocation(['agent', 'agent_01', '--since', since, '--json'], env)).out);
    expect(said).toEqual({
      agent: (await api.get('/agents/agent_01')).body,
      decisions: (await api.get(`/agents/agent_01/decisions?since=${since}&limit=100`)).body,
    });
  });

  test('an agent is found by name', async () => {
    const { agents } = JSON.parse((await allocation(['agents', '--json'], env)).out);
    const { out } = await allocation(['agent', clean(agents[0].name).toUpperCase()], env);
    expect(out).toContain('Agent agent_01');
  });

  test('status and why: the replies that they are made of', async () => {
    const said = JSON.parse((await allocation(['status', '--json'], env)).out) as Record<string, object>;
    expect(said.max_customers).toEqual({ status: 'success', max_customers: 1 });
    expect(said.health).toMatchObject({ status: 'success', details: { waiting: 2 } });
    expect(said.agents).toEqual((await api.get('/agents')).body);
    const why = JSON.parse((await allocation(['why', 'second', '--json'], env)).out) as Record<string, object>;
    expect(why.room).toMatchObject({ room_id: 'second', state: 'waiting' });
    expect(why.candidates).toMatchObject({ room_id: 'second', reason: 'all_full', total: 1 });
  });
});

describe('what goes wrong says what to do', () => {
  test.each([
    ['a wrong token', ['agents'], { ADMIN_TOKEN: 'another-token-of-24-signs' }, 1, 'ADMIN_TOKEN here must be one of'],
    ['no token', ['queue'], { ADMIN_TOKEN: '' }, 1, 'put its ADMIN_TOKEN into the environment'],
    ['a token that is none', ['queue'], { ADMIN_TOKEN: 'short' }, 2, 'ADMIN_TOKEN holds a token that is too short'],
    ['no service', ['status', '--url', 'http://127.0.0.1:1'], {}, 1, 'Start it (npm start or bun start)'],
    ['no such host', ['status', '--url', 'http://no-such-host.invalid'], {}, 1, 'no host of the name'],
    ['an unknown room', ['room', 'nobody'], {}, 1, 'does not know such a room'],
    ['an app that is not served', ['agents', '--app', 'other'], {}, 2, `none that the token opens at`],
    ['an app whose id is none', ['agents', '--app', 'a b\n'], {}, 2, "--app must be an app's id"],
    [
      'an unknown agent',
      ['agent', 'nobody'],
      {},
      1,
      'Qiscus has named no agent nobody: `agents` lists their ids and names.',
    ],
    ['a time that is none', ['agent', 'agent_01', '--since', 'lunch'], {}, 2, '30m, 2h, 7d ago'],
    ['a time where none belongs', ['room', 'first', '--since', '2h'], {}, 2, 'for agent only'],
    ['no command', [], {}, 2, '--help'],
    ['an unknown command', ['dance'], {}, 2, 'no command dance'],
    ['no room', ['why'], {}, 2, 'one room id'],
    ['too many words', ['queue', 'all'], {}, 2, 'no further words'],
    ['an unknown option', ['queue', '--token', 'x'], {}, 2, '--token'],
    ['a limit that is none', ['queue', '--limit', '0'], {}, 2, '1 to 500'],
    ['an address that is none', ['status', '--url', 'http://user:pass@host'], {}, 2, '--url must be'],
  ] as const)('%s', async (_, args, more, code, words) => {
    const said = await allocation([...args], { ...env, ...more });
    expect({ code: said.code, out: said.out }).toEqual({ code, out: '' });
    expect(said.err).toContain(words);
    for (const token of [ADMIN_TOKEN, 'another-token-of-24-signs']) expect(said.err).not.toContain(token);
  });

  test('a program that is not this service', async () => {
    const other = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response('<html>') });
    const { code, err } = await allocation(['agents', '--url', other.url.href], env);
    await other.stop(true);
    expect([code, err]).toEqual([1, expect.stringContaining('check --url')]);
  });

  test.each([
    ['npm/11.19.1 node/v20.20.2 linux x64', 'npm run --silent allocation -- '],
    ['bun/1.4.5 npm/? node/v26.3.0', 'bun run allocation '],
    ['', 'bun src/cli/index.ts '],
  ])('is spelled as it was called: %s', async (npm_config_user_agent, words) => {
    const { code, out } = await allocation(['--help'], { npm_config_user_agent });
    expect([code, out]).toEqual([0, expect.stringContaining(`  ${words}<command>`)]);
    expect((await allocation(['dance'], { npm_config_user_agent })).err).toContain(`\`${words}--help\``);
  });

  test('the doctor, of an app that the settings do not have', async () => {
    const { code, err } = await allocation(['doctor', '--app', 'other'], {});
    expect([code, err]).toEqual([2, expect.stringContaining('none of these settings: sandbox')]);
  });
});
